//! The work on what anybody may send, and on what administrators may send, grows with its size and no faster: what the
//! crates below the server read.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Map, Value, json};
use sessera_config::{Proxies, ProxyHeaders, TrustedProxies, yaml};
use sessera_http::forwarded::Origin;
use sessera_http::peer::{self, Peer};
use sessera_jose::verify::{verify, verify_with_secrets};
use sessera_jose::{JwkSet, base64url, import};
use sessera_model::json_patch::{Budget, Operation};
use sessera_testing::growth::assert_linear;

fn repeated(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

/// What it is, the header's name, and one piece of its value.
type Line = (&'static str, &'static str, fn(usize) -> String);

#[test]
fn what_proxies_say() {
    let proxy = Peer("10.0.0.1".parse().ok());
    let origin = |headers: &HeaderMap| {
        for which in [ProxyHeaders::Either, ProxyHeaders::Forwarded, ProxyHeaders::XForwarded] {
            let trusted = TrustedProxies::parse(["10.0.0.0/8"]).unwrap();
            assert!(Origin::of(headers, proxy, &Proxies { trusted, headers: which }).address.is_some());
        }
    };
    let lines: [Line; 10] = [
        ("elements", "forwarded", |_| "for=10.0.0.2;proto=https, ".into()),
        ("parameters", "forwarded", |n| format!("p{n}=1;")),
        ("one parameter", "forwarded", |_| "for=10.0.0.2;".into()),
        ("quoted", "forwarded", |_| "for=\"\\1\\0\", ".into()),
        ("quotes", "forwarded", |_| "\"".into()),
        ("commas", "forwarded", |_| " ,;".into()),
        ("trusted addresses", "x-forwarded-for", |_| "10.0.0.2, ".into()),
        ("addresses in brackets", "x-forwarded-for", |_| "[::ffff:10.0.0.2]:80, ".into()),
        ("hosts", "x-forwarded-host", |n| format!("h{n}.example.org, ")),
        ("schemes", "x-forwarded-proto", |_| "https, ".into()),
    ];
    for (what, name, one) in lines {
        let in_one_line = |count: usize| {
            let value = HeaderValue::from_str(&repeated(count, one)).unwrap();
            HeaderMap::from_iter([(HeaderName::from_static(name), value)])
        };
        assert_linear(what, 250, in_one_line, origin);
        let in_many_lines = |count: usize| {
            let mut headers = HeaderMap::new();
            for number in 0..count {
                headers.append(HeaderName::from_static(name), HeaderValue::from_str(&one(number)).unwrap());
            }
            headers
        };
        assert_linear(what, 100, in_many_lines, origin);
    }
}

#[test]
fn hosts_and_what_clients_take() {
    let name = |count: usize| format!("{}example.org:80", "a.".repeat(count));
    assert_linear("a host", 500, name, |text: &String| drop(sessera_http::host::parse(text)));
    let accept = |count: usize| {
        let value = repeated(count, |number| format!("text/x{number};q=0.{number};a=\"b\", "));
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_str(&value).unwrap())])
    };
    assert_linear("media types", 300, accept, |headers: &HeaderMap| {
        assert!(!peer::wants_json(headers) && !peer::wants_page(headers));
    });
    let agent = |count: usize| {
        HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_str(&"é ".repeat(count)).unwrap())])
    };
    assert_linear("a user agent", 500, agent, |headers: &HeaderMap| drop(peer::user_agent(headers)));
}

const KEY: &str = r#"{"kty":"EC","crv":"P-256","alg":"ES256","kid":"a","x":"Nn494OcT9bH754qyxWPZqDXvuHRxpK41DxvN5wjRQ24","y":"KyniNmzkhR8LhAZHpoaBZKQZTu1IWUXc0sanwM_DT3o","d":"JUw5V76raYAQDFSbDT18Nrle4PXGw_ltSOeSTVxeJF4"}"#;

#[test]
fn a_token() {
    let keys = JwkSet::parse(format!(r#"{{"keys":[{KEY}]}}"#).as_bytes()).unwrap();
    let public = keys.public();
    let judge = |token: &String| {
        assert!(verify(token, &public).is_err() && verify_with_secrets(token, &keys).is_err());
    };
    let with_head = |head: &str| format!("{}.e30.AAAA", base64url::encode(head.as_bytes()));
    let members = |count| repeated(count, |number| format!(r#""m{number}":1,"#));
    assert_linear("dots", 1000, |count| ".".repeat(count), judge);
    assert_linear("letters", 1000, |count| format!("{}.e30.AAAA", "A".repeat(count * 4)), judge);
    let head = |count| with_head(&format!(r#"{{{}"alg":"ES256","kid":"a"}}"#, members(count)));
    assert_linear("members of the head", 500, head, judge);
    let crit = |count| with_head(&format!(r#"{{"alg":"ES256","crit":[{}""]}}"#, r#""x","#.repeat(count)));
    assert_linear("critical members", 500, crit, judge);
    let nested = |count| with_head(&format!("{}{}", r#"{"a":"#.repeat(count), "}".repeat(count)));
    assert_linear("a nested head", 500, nested, judge);
    let signature = |count| {
        format!("{}.e30.{}", base64url::encode(br#"{"alg":"ES256","kid":"a"}"#), "A".repeat(count * 4))
    };
    assert_linear("a signature", 1000, signature, judge);
}

#[test]
fn keys() {
    let read = |bytes: &String| {
        let _ = (import::set(bytes.as_bytes(), None), import::keys(bytes.as_bytes(), None));
        let _ = JwkSet::parse_known(bytes.as_bytes());
    };
    let set = |one: fn(usize) -> String| move |count| format!(r#"{{"keys":[{}{{}}]}}"#, repeated(count, one));
    assert_linear("keys", 100, set(|n| format!(r#"{{"kty":"oct","kid":"k{n}","k":"c2Vj{n:08}"}},"#)), read);
    assert_linear(
        "keys of one id",
        100,
        set(|n| format!(r#"{{"kty":"oct","kid":"k","k":"c2Vj{n:08}"}},"#)),
        read,
    );
    assert_linear("one key", 100, set(|_| r#"{"kty":"oct","kid":"k","k":"c2Vj"},"#.into()), read);
    assert_linear("unknown keys", 300, set(|_| r#"{"kty":"x"},"#.into()), read);
    let member = |name: &'static str| {
        move |count| format!(r#"{{"kty":"oct","k":"AAAA","{name}":[{}0]}}"#, "1,".repeat(count))
    };
    for name in ["x5c", "key_ops", "oth", "x"] {
        assert_linear(name, 1000, member(name), read);
    }
    let secret = |count| format!(r#"{{"kty":"oct","k":"{}"}}"#, "AAAA".repeat(count));
    assert_linear("a secret", 1000, secret, read);
    let number = |count| format!(r#"{{"kty":"EC","crv":"P-256","x":"{0}","y":"{0}"}}"#, "AAAA".repeat(count));
    assert_linear("coordinates", 1000, number, read);
    let pem = |count: usize| {
        let block =
            "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n";
        block.repeat(count)
    };
    assert_linear("blocks of PEM", 50, pem, read);
    assert_linear("PEM without an end", 200, |count| "-----BEGIN X-----\n".repeat(count), read);
    assert_linear(
        "a long block",
        500,
        |count| format!("-----BEGIN X-----\n{}\n-----END X-----", "AAAA\n".repeat(count)),
        read,
    );
    assert_linear("DER", 500, |count| "0\u{1}".repeat(count), read);
}

#[test]
fn a_patch_of_an_identity() {
    let apply = |operations: &Value| {
        let mut document = json!({"traits": {"list": []}, "metadata_public": null});
        let mut budget = Budget::new(1_000_000);
        for operation in operations.as_array().unwrap() {
            let Ok(operation) = Operation::parse(operation) else { return };
            if operation.apply(&mut document, &mut budget).is_err() {
                return;
            }
        }
    };
    let patch = |one: fn(usize) -> Value| move |count: usize| Value::Array((0..count).map(one).collect());
    for (what, one) in [
        (
            "members",
            (|n| json!({"op": "add", "path": format!("/traits/m{n}"), "value": 1})) as fn(usize) -> Value,
        ),
        ("the end of a list", |_| json!({"op": "add", "path": "/traits/list/-", "value": 1})),
        ("tests", |_| json!({"op": "test", "path": "/traits/list", "value": []})),
        ("replacements", |n| json!({"op": "replace", "path": "/metadata_public/a", "value": n})),
        ("copies", |n| json!({"op": "copy", "from": "/traits/list", "path": format!("/traits/c{n}")})),
        ("moves", |n| {
            let (from, to) = if n % 2 == 0 { ("list", "other") } else { ("other", "list") };
            json!({"op": "move", "from": format!("/traits/{from}"), "path": format!("/traits/{to}")})
        }),
    ] {
        assert_linear(what, 200, patch(one), apply);
    }
    let nested =
        |count: usize| json!([{"op": "add", "path": "/traits".to_owned() + &"/a".repeat(count), "value": 1}]);
    assert_linear("a long path", 500, nested, apply);
    let whole = |count: usize| {
        let members: Map<String, Value> = (0..count).map(|n| (format!("m{n}"), json!([n]))).collect();
        json!([{"op": "add", "path": "/traits", "value": members}, {"op": "copy", "from": "/traits", "path": "/metadata_public"}])
    };
    assert_linear("a large value", 500, whole, apply);
}

#[test]
fn a_file_in_yaml() {
    let read = |text: &String| drop(yaml::parse(text));
    for (what, one) in [
        ("members", (|n| format!("m{n}: 1\n")) as fn(usize) -> String),
        ("items", |_| "- x\n".into()),
        ("one member", |_| "a: 1\n".into()),
        ("comments", |_| "# x\n".into()),
        ("lists on one line", |_| "[".into()),
        ("objects on one line", |_| "{a: ".into()),
        ("quotes", |_| "\"".into()),
        ("blanks", |_| " ".into()),
        ("indentation", |n| format!("{}a:\n", " ".repeat(n % 40))),
        ("anchors", |n| format!("a{n}: &a{n} {{b: 1}}\n")),
        ("documents", |_| "---\n".into()),
        ("tags", |_| "!!str ".into()),
        ("a folded text", |n| if n == 0 { "a: >\n".into() } else { "  x\n".into() }),
    ] {
        assert_linear(what, 200, |count| repeated(count, one), read);
    }
    let merged =
        |count| format!("a: &a {{b: 1}}\n{}", repeated(count, |n| format!("m{n}: {{<<: *a, c: 1}}\n")));
    assert_linear("merges", 100, merged, read);
    let doubled = |count| {
        let lines = repeated(count, |n| format!("a{}: &a{} [*a{n}, *a{n}]\n", n + 1, n + 1));
        format!("a0: &a0 [x]\n{lines}")
    };
    // What would grow without end is refused.
    assert_linear("what is named twice", 60, doubled, read);
}
