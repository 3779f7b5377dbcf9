//! Whatever stands in the headers of proxies, who is not trusted is who they are, and a client's address is one that the
//! proxy appended or the proxy's own.

#![no_main]

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue};
use sessera_config::{Proxies, ProxyHeaders, TrustedProxies};
use sessera_http::forwarded::Origin;
use sessera_http::peer::Peer;

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    is_standard: bool,
    is_own_line: bool,
    before: &'a [u8],
    foreign: &'a [u8],
}

/// What the proxy has seen.
const SEEN: &str = "198.51.100.1";

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let (own, foreign, seen) = if input.is_standard {
        ("forwarded", "x-forwarded-for", format!("for={SEEN};proto=https"))
    } else {
        ("x-forwarded-for", "forwarded", SEEN.to_owned())
    };
    let mut headers = HeaderMap::new();
    let mut append = |name: &'static str, value: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    };
    append(foreign, input.foreign);
    if input.is_own_line {
        append(own, input.before);
        append(own, seen.as_bytes());
    } else {
        append(own, &[input.before, b", ", seen.as_bytes()].concat());
    }
    let proxy: IpAddr = "10.0.0.1".parse().expect("is an address");
    let trusted = TrustedProxies::parse(["10.0.0.0/8"]).expect("is a network");
    let proxies = Proxies { trusted, headers: ProxyHeaders::Either };
    let stranger: IpAddr = "203.0.113.1".parse().expect("is an address");
    assert_eq!(Origin::of(&headers, Peer(Some(stranger)), &proxies).address, Some(stranger));
    // A value that no header can hold never arrived, so the proxy appended nothing to it.
    if headers.contains_key(own) {
        let address = Origin::of(&headers, Peer(Some(proxy)), &proxies).address;
        assert!(address == Some(proxy) || address == SEEN.parse().ok(), "{address:?}");
    }
});
