use axum::http::HeaderValue;
use proptest::prelude::*;

use super::*;

type Pairs<'a> = &'a [(&'static str, &'a str)];

fn origin(peer: &str, believed: ProxyHeaders, pairs: Pairs<'_>) -> Origin {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    let trusted = TrustedProxies::parse(["10.0.0.0/8", "::1"]).unwrap();
    Origin::of(&headers, Peer(peer.parse().ok()), &Proxies { trusted, headers: believed })
}

fn seen(peer: &str, pairs: Pairs<'_>) -> String {
    let address = origin(peer, ProxyHeaders::Either, pairs).address;
    address.map(|address| address.to_string()).unwrap_or_default()
}

#[test]
fn only_trusted_proxies_are_believed() {
    let forged =
        [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example")];
    for believed in [ProxyHeaders::Either, ProxyHeaders::Forwarded, ProxyHeaders::XForwarded] {
        let own = Origin { address: "203.0.113.9".parse().ok(), ..Origin::default() };
        assert_eq!(origin("203.0.113.9", believed, &forged), own);
    }
    assert_eq!(seen("10.1.1.1", &forged), "1.2.3.4");
    assert_eq!(seen("10.1.1.1", &[("x-forwarded-for", "6.6.6.6, 1.2.3.4, 10.2.2.2")]), "1.2.3.4");
    assert_eq!(seen("10.1.1.1", &[("x-forwarded-for", "1.2.3.4, nonsense")]), "10.1.1.1");
    assert_eq!(
        seen("10.1.1.1", &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4")]),
        "1.2.3.4"
    );
    assert_eq!(seen("::1", &[("forwarded", "for=\"[2001:db8::7]:4711\";proto=https")]), "2001:db8::7");
    assert_eq!(
        seen("10.1.1.1", &[("forwarded", "for=6.6.6.6, for=\"1.2.3.4, "), ("forwarded", "for=1.2.3.4")]),
        "1.2.3.4"
    );
    assert_eq!(seen("10.1.1.1", &[]), "10.1.1.1");
    assert_eq!(seen("", &forged), "");
}

#[test]
fn nodes_are_addresses_with_or_without_a_port_or_hide_themselves() {
    for (node, address) in [
        ("192.0.2.43", Some("192.0.2.43")),
        ("192.0.2.43:47011", Some("192.0.2.43")),
        ("192.0.2.43:_hidden", Some("192.0.2.43")),
        ("[2001:db8:cafe::17]", Some("2001:db8:cafe::17")),
        ("[2001:db8:cafe::17]:4711", Some("2001:db8:cafe::17")),
        ("2001:db8::7", Some("2001:db8::7")),
        ("::ffff:192.0.2.1", Some("192.0.2.1")),
        ("unknown", None),
        ("_gazonk", None),
        ("", None),
        ("192.0.2.43:", None),
        ("192.0.2.43:123456", None),
        ("192.0.2.43.evil", None),
        ("[2001:db8::7", None),
        ("[2001:db8::7]x", None),
        ("[2001:db8::7]:", None),
        ("[192.0.2.1]x:1", None),
        ("fe80::1%eth0", None),
        ("1.2.3.4 5.6.7.8", None),
    ] {
        assert_eq!(node_address(node), address.map(|address| address.parse().unwrap()), "{node}");
    }
}

/// What a proxy sets that knows one family only, while its client sends the other.
#[test]
fn a_client_cannot_choose_by_the_header_that_its_proxy_does_not_set() {
    let honest = ("198.51.100.1", "https", "id.example.org");
    let forged = ("203.0.113.7", "http", "evil.example");
    let standard = |(address, scheme, host)| format!("for={address};proto={scheme};host={host}");
    for (own, other) in [(honest, forged), (forged, honest)] {
        let standard = standard(own);
        let both = [
            ("forwarded", standard.as_str()),
            ("x-forwarded-for", other.0),
            ("x-forwarded-proto", other.1),
            ("x-forwarded-host", other.2),
        ];
        let nothing = Origin { address: "10.1.1.1".parse().ok(), ..Origin::default() };
        assert_eq!(origin("10.1.1.1", ProxyHeaders::Either, &both), nothing);
        for (believed, (address, scheme, host)) in
            [(ProxyHeaders::Forwarded, own), (ProxyHeaders::XForwarded, other)]
        {
            let told = Origin {
                address: address.parse().ok(),
                is_https: Some(scheme == "https"),
                host: Some(host.to_owned()),
            };
            assert_eq!(origin("10.1.1.1", believed, &both), told);
        }
    }
}

#[test]
fn what_both_families_say_alike_is_believed_and_nothing_else() {
    let of = |pairs: Pairs<'_>| origin("10.1.1.1", ProxyHeaders::Either, pairs);
    let alike = of(&[
        ("forwarded", "for=1.2.3.4;proto=https;host=id.example.org"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "id.example.org"),
    ]);
    assert_eq!(alike.told().as_deref(), Some("https://id.example.org"));
    assert_eq!(alike.address, "1.2.3.4".parse().ok());
    let parted = of(&[
        ("forwarded", "for=1.2.3.4;host=evil.example"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-proto", "https"),
    ]);
    assert_eq!(parted, Origin { address: "1.2.3.4".parse().ok(), ..Origin::default() });
    // One word of the other family is enough to doubt.
    let doubted = of(&[("forwarded", "for=1.2.3.4"), ("x-forwarded-proto", "https")]);
    assert_eq!(doubted, Origin { address: "10.1.1.1".parse().ok(), ..Origin::default() });
}

#[test]
fn scheme_and_host_are_those_that_the_nearest_proxy_says() {
    let told = |pairs: Pairs<'_>| origin("10.1.1.1", ProxyHeaders::Either, pairs).told();
    let both = [("x-forwarded-proto", "https"), ("x-forwarded-host", "id.example.org")];
    assert_eq!(told(&both).as_deref(), Some("https://id.example.org"));
    let chain = [("x-forwarded-proto", "http, https"), ("x-forwarded-host", "evil, id.example.org:8443")];
    assert_eq!(told(&chain).as_deref(), Some("https://id.example.org:8443"));
    let standard = [("forwarded", "for=1.2.3.4;proto=http;host=evil, proto=https;host=\"id.example.org\"")];
    assert_eq!(told(&standard).as_deref(), Some("https://id.example.org"));
    for bad in
        ["id.example.org/x", "id.example.org?x", "id.example.org#x", "user@id.example.org", "", "a b", "a\\b"]
    {
        assert_eq!(told(&[("x-forwarded-proto", "https"), ("x-forwarded-host", bad)]), None, "{bad}");
    }
    assert_eq!(told(&both[..1]), None);
    assert_eq!(origin("10.1.1.1", ProxyHeaders::Either, &both[..1]).is_https, Some(true));
    assert_eq!(told(&[("x-forwarded-proto", "javascript"), ("x-forwarded-host", "id.example.org")]), None);
}

proptest! {
    /// Proxies append. Whatever stood there before, the address is the one that they saw, or their own.
    #[test]
    fn a_client_never_chooses_its_address(
        client in "[ -~]{0,60}",
        other in "[ -~]{0,60}",
        is_standard in any::<bool>(),
        has_own_line in any::<bool>(),
    ) {
        let seen = "198.51.100.1";
        let (name, own, foreign) = if is_standard {
            ("forwarded", format!("for={seen}"), "x-forwarded-for")
        } else {
            ("x-forwarded-for", seen.to_owned(), "forwarded")
        };
        let appended = format!("{client}, {own}");
        let mut pairs = vec![(foreign, other.as_str())];
        if has_own_line {
            pairs.extend([(name, client.as_str()), (name, own.as_str())]);
        } else {
            pairs.push((name, appended.as_str()));
        }
        let address = origin("10.1.1.1", ProxyHeaders::Either, &pairs).address.unwrap().to_string();
        prop_assert!(address == seen || address == "10.1.1.1", "{address}");
    }
}
