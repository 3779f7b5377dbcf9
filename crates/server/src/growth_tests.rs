//! The work on what anybody may send grows with its size and no faster.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value, json};
use sessera_testing::growth::assert_linear;

use sessera_contract::oauth::Form;
use sessera_contract::request::Parameters;
use sessera_http::peer;

fn names(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

#[test]
fn a_query() {
    let make = |count| names(count, |number| format!("n{number}=1&"));
    assert_linear("parameters", 2000, make, |query: &String| drop(Parameters::parse(query)));
    // As many as are taken.
    assert_linear("few parameters", 60, make, |query: &String| drop(Parameters::parse(query)));
}

#[test]
fn a_form_of_oauth() {
    for (what, one) in [
        ("parameters", (|number| format!("n{number}=1&")) as fn(usize) -> String),
        ("one parameter", |_| "a=1&".into()),
        ("audiences", |number| format!("audience=https://{number}.example&")),
        ("parameters without a value", |number| format!("n{number}&")),
        ("ampersands", |_| "&".into()),
        ("escapes", |_| "%2525".into()),
    ] {
        let make = move |count| names(count, one).into_bytes();
        assert_linear(what, 2000, make, |body: &Vec<u8>| drop(Form::parse(body)));
        // As many as are taken.
        assert_linear(what, 6, make, |body: &Vec<u8>| drop(Form::parse(body)));
    }
}

#[test]
fn headers() {
    let header = |name, count, one: fn(usize) -> String| {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(&names(count, one)).unwrap());
        headers
    };
    let config = sessera_config::Config::from_tree(&json!({})).unwrap();
    let cookies = |count| header(header::COOKIE, count, |number| format!("c{number}=1; "));
    assert_linear("cookies", 500, cookies, |headers: &HeaderMap| {
        assert_eq!(sessera_presented::carried(headers, &config.session.cookie).count(), 0);
    });
    let mut cookie = config.session.cookie.clone();
    cookie.kratos_secrets = vec!["a secret of another server".into()];
    let long = |count| header(header::COOKIE, count, |_| format!("ory_kratos_session={}; ", "A".repeat(200)));
    assert_linear("cookies of a Kratos", 100, long, |headers: &HeaderMap| {
        assert_eq!(sessera_presented::kratos::translated(headers, &cookie), None);
    });
    let accepted = |count| header(header::ACCEPT, count, |number| format!("text/x{number};q=0.5, "));
    assert_linear("media types", 500, accepted, |headers: &HeaderMap| assert!(!peer::wants_json(headers)));
    let proxies = |count: usize| names(count, |_| "192.0.2.1, ".to_owned());
    assert_linear("addresses", 500, proxies, |list: &String| {
        let addresses = list.split(", ").filter_map(|address| address.parse::<IpAddr>().ok());
        assert!(addresses.count() > 0);
    });
}

#[test]
fn a_patch_of_the_configuration() {
    let at = "/services/identity/config/session/whoami/tokenizer/templates";
    let operations = |count: usize| {
        let add = |number| json!({"op": "add", "path": format!("{at}/t{number}"), "value": {"jwks_url": "set://k"}});
        Value::Array((0..count).map(add).collect())
    };
    let apply = |patch: &Value| drop(sessera_config::patch::apply(&json!({}), patch));
    assert_linear("operations", 25, operations, apply);
    let template = |count: usize| {
        let members = (0..count).map(|number| (format!("m{number}"), json!("x"))).collect::<Map<_, _>>();
        json!([{"op": "add", "path": format!("{at}/{}", "n".repeat(count)), "value": members}])
    };
    assert_linear("a template", 500, template, apply);
    let text = |count| template(count).to_string();
    let twice = |body: &String| {
        let patch = serde_json::from_str(body).unwrap_or_default();
        assert_eq!(sessera_config::duplicates::in_patch(body.as_bytes(), &patch), None);
    };
    assert_linear("members that may stand twice", 1000, text, twice);
}
