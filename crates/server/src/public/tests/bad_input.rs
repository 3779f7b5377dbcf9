//! Bad input: whatever somebody sends to a form is answered, and never with a fault of the server.

use serde_json::{Value, json};

use super::client::{Begun, Client, everything, mailed_code};
use crate::testing::{PASSWORD, TestServer};

const ADA: &str = "ada@example.org";
const KINDS: [&str; 5] = ["login", "registration", "recovery", "verification", "settings"];

/// Values that somebody may put into any field.
fn bad_values() -> Vec<Value> {
    vec![
        json!("x".repeat(1_000_000)),
        json!("\u{0}"),
        json!("a\u{0}b"),
        json!("<script>alert(1)</script>"),
        json!("\"><img src=x onerror=alert(1)>"),
        json!("\u{202e}gro.elpmaxe@ada\u{202c}"),
        json!("\u{feff}\u{200b}\u{d7ff}\u{1f600}"),
        json!("'; DROP TABLE identities; --"),
        json!("%00%0d%0aSet-Cookie: a=b"),
        json!("{{7*7}}${7*7}"),
        json!("../../../etc/passwd"),
        json!(""),
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!([]),
        json!(["a", {"b": []}]),
        json!({}),
        json!({"a": {"b": {"c": 1}}}),
    ]
}

/// The names of all fields that a form may carry, and what a correct submission would hold.
fn fields(kind: &str) -> Vec<(&'static str, Value)> {
    let mut fields =
        vec![("csrf_token", json!("")), ("transient_payload", json!({})), ("method", json!("password"))];
    fields.extend(match kind {
        "login" => vec![
            ("identifier", json!(ADA)),
            ("password", json!(PASSWORD)),
            ("totp_code", json!("123456")),
            ("lookup_secret", json!("abcdefgh")),
            ("passkey_login", json!("{}")),
            ("webauthn_login", json!("{}")),
        ],
        "registration" => vec![
            ("traits", json!({"email": "new@example.org"})),
            ("traits.email", json!("new@example.org")),
            ("traits.name.first", json!("Ada")),
            ("password", json!(PASSWORD)),
            ("screen", json!("previous")),
            ("passkey_register", json!("{}")),
        ],
        "settings" => vec![
            ("traits", json!({"email": ADA})),
            ("traits.name.last", json!("Lovelace")),
            ("password", json!("Zx-other-enough-1234")),
            ("totp_code", json!("123456")),
            ("totp_unlink", json!(true)),
            ("passkey_settings_register", json!("{}")),
            ("passkey_remove", json!("00")),
            ("webauthn_register", json!("{}")),
            ("webauthn_register_displayname", json!("Blue")),
            ("webauthn_remove", json!("00")),
            ("lookup_secret_regenerate", json!(true)),
            ("lookup_secret_confirm", json!(true)),
        ],
        _ => vec![("email", json!(ADA)), ("code", json!("123456"))],
    });
    fields
}

/// Which methods a form takes.
fn methods(kind: &str) -> &'static [&'static str] {
    match kind {
        "login" => &["password", "totp", "lookup_secret", "passkey", "webauthn"],
        "registration" => &["password", "profile", "passkey"],
        "settings" => &["password", "profile", "totp", "lookup_secret", "passkey", "webauthn"],
        _ => &["code"],
    }
}

async fn server() -> TestServer {
    let mut configuration = everything();
    #[cfg(feature = "passkeys")]
    {
        configuration["selfservice"]["methods"]["passkey"] = super::passkeys::configuration();
        configuration["selfservice"]["methods"]["webauthn"] = super::passkeys::configuration();
    }
    configuration["selfservice"]["limits"] = json!({"requests_per_minute": 0, "free_failures": 0});
    TestServer::configured(configuration).await
}

/// A client that may begin a flow of this kind; for settings that of a person of its own.
async fn client<'a>(server: &'a TestServer, way: fn(&'a TestServer) -> Client<'a>, kind: &str) -> Client<'a> {
    let client = way(server);
    if kind == "settings" {
        client.signed_in(&format!("{}@example.org", uuid::Uuid::new_v4())).await
    } else {
        client
    }
}

/// What counts whatever the method.
const BUTTONS: [&str; 12] = [
    "totp_unlink",
    "lookup_secret_regenerate",
    "lookup_secret_confirm",
    "screen",
    "code",
    "passkey_login",
    "passkey_settings_register",
    "passkey_remove",
    "passkey_register",
    "webauthn_login",
    "webauthn_register",
    "webauthn_remove",
];

/// A submission of a form in which a field holds a value.
fn submission(kind: &str, method: &str, name: &str, value: &Value) -> Value {
    let mut body: Value = fields(kind).into_iter().collect();
    body["method"] = method.into();
    // Buttons would be pressed in place of the method.
    for button in BUTTONS {
        body.as_object_mut().unwrap().remove(button);
    }
    body[name] = value.clone();
    body
}

async fn try_every_field(way: fn(&TestServer) -> Client<'_>) {
    let server = server().await;
    server.person(ADA).await;
    for kind in KINDS {
        let mut client = client(&server, way, kind).await;
        for method in methods(kind) {
            let mut flow = client.begin(kind, "").await;
            // A megabyte takes its time; how a form is submitted makes no difference to its reading.
            let skipped = usize::from(*method != methods(kind)[0]);
            for (name, _) in fields(kind) {
                for value in bad_values().into_iter().skip(skipped) {
                    let mut body = submission(kind, method, name, &value);
                    if name != "csrf_token" {
                        body["csrf_token"] = flow.csrf_token.as_str().into();
                    }
                    let answer = client.post(&flow.path(), &body).await;
                    let shown: String = value.to_string().chars().take(40).collect();
                    assert!(answer.status < 500, "{kind} {method} {name} {shown}: {answer:?}");
                    if !(400..404).contains(&answer.status) {
                        // It was a good submission, and the flow is used up.
                        client = self::client(&server, way, kind).await;
                        flow = client.begin(kind, "").await;
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn every_field_of_a_native_form_takes_anything_without_a_fault() {
    try_every_field(|server| Client::native(server)).await;
}

#[tokio::test]
async fn every_field_of_a_browser_s_form_takes_anything_without_a_fault() {
    try_every_field(|server| Client::browser(server)).await;
}

#[tokio::test]
async fn forms_as_browsers_send_them_take_anything_without_a_fault() {
    let server = server().await;
    server.person(ADA).await;
    for kind in ["login", "registration", "recovery", "verification"] {
        let mut page = Client::browser(&server);
        for (name, _) in fields(kind) {
            for value in bad_values().iter().filter_map(Value::as_str) {
                let flow = page.begin(kind, "").await;
                let answer = page.submit_form(&flow, &[("method", "password"), (name, value)]).await;
                assert!(answer.status < 500, "{kind} {name}: {answer:?}");
                let read = page.get(&format!("/self-service/{kind}/flows?id={}", flow.id)).await;
                assert!(read.status < 500, "{kind} {name}: {read:?}");
            }
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_form_are_refused() {
    let server = server().await;
    server.person(ADA).await;
    let deep = "[".repeat(100_000);
    let bodies: [(&str, &[u8]); 8] = [
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b"\"\xff\xfe\""),
        ("application/json", deep.as_bytes()),
        ("text/plain", b"a=b"),
        ("multipart/form-data; boundary=x", b"--x\r\n"),
        ("application/x-www-form-urlencoded", b"%ff=%00&a.b.c=1&a=2&&&="),
    ];
    for kind in ["login", "registration", "recovery", "verification"] {
        let mut native = Client::native(&server);
        for (media_type, body) in bodies {
            let flow = native.begin(kind, "").await;
            let answer = native.send("POST", &flow.path(), &[("content-type", media_type)], body).await;
            assert!((400..500).contains(&answer.status), "{kind} {media_type}: {answer:?}");
        }
        let flow = native.begin(kind, "").await;
        let large = vec![b' '; 2_000_000];
        let answer = native.send("POST", &flow.path(), &[("content-type", "application/json")], &large).await;
        assert_eq!(answer.status, 413, "{kind}");
    }
}

#[tokio::test]
async fn a_flow_of_another_kind_does_not_exist() {
    let server = server().await;
    server.person(ADA).await;
    for began in KINDS {
        for way in [Client::native, Client::browser] {
            let mut client = client(&server, way, began).await;
            let flow = client.begin(began, "").await;
            for used in KINDS.into_iter().filter(|used| *used != began) {
                let other = Begun { kind: used, ..flow.clone() };
                for answer in [
                    client.submit(&other, json!({"method": "password"})).await,
                    client.get(&format!("/self-service/{used}/flows?id={}", flow.id)).await,
                ] {
                    assert!((400..500).contains(&answer.status), "{began} as {used}: {answer:?}");
                    assert!(answer.body["ui"].is_null(), "{began} as {used}");
                }
            }
        }
    }
    let mut client = Client::native(&server);
    let nul = "00000000-0000-0000-0000-000000000000";
    for id in [nul, "", "x", "%00", "../../x", &"9".repeat(10_000)] {
        for kind in KINDS {
            let answer = client.post(&format!("/self-service/{kind}?flow={id}"), &json!({})).await;
            assert!((400..500).contains(&answer.status), "{kind} {id}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_form_works_once() {
    let server = server().await;
    server.person(ADA).await;
    let bodies = [
        ("login", json!({"method": "password", "identifier": ADA, "password": PASSWORD})),
        (
            "registration",
            json!({"method": "password", "traits": {"email": "new@example.org"}, "password": PASSWORD}),
        ),
    ];
    for (kind, body) in bodies {
        let mut client = Client::native(&server);
        let flow = client.begin(kind, "").await;
        assert_eq!(client.submit(&flow, body.clone()).await.status, 200, "{kind}");
        let again = client.submit(&flow, body).await;
        assert_eq!(again.status, 404, "{kind}: {again:?}");
    }
    let mut client = Client::native(&server);
    let flow = client.begin("recovery", "").await;
    client.submit(&flow, json!({"method": "code", "email": ADA})).await;
    let code = json!({"method": "code", "code": mailed_code(&server, ADA).await.unwrap()});
    assert_eq!(client.submit(&flow, code.clone()).await.status, 422);
    assert_eq!(client.submit(&flow, code).await.status, 404);
}

#[tokio::test]
async fn two_submissions_at_once_make_one_session() {
    let server = server().await;
    let id = server.person(ADA).await;
    for way in [Client::native, Client::browser] {
        let mut client = way(&server);
        let flow = client.begin("login", "").await;
        let body = json!({"method": "password", "identifier": ADA, "password": PASSWORD});
        let mut other = way(&server);
        other.cookies = client.cookies.clone();
        let (a, b) = tokio::join!(client.submit(&flow, body.clone()), other.submit(&flow, body));
        let good = [a.status, b.status].iter().filter(|status| **status == 200).count();
        assert_eq!(good, 1, "{a:?} {b:?}");
        assert!(a.status < 500 && b.status < 500, "{a:?} {b:?}");
    }
    let sessions = server.admin("GET", &format!("/admin/identities/{id}/sessions"), None).await.body;
    assert_eq!(sessions.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn two_submissions_at_once_make_one_identity() {
    let server = server().await;
    let body = json!({"method": "password", "traits": {"email": ADA}, "password": PASSWORD});
    let mut client = Client::native(&server);
    let flow = client.begin("registration", "").await;
    let mut other = Client::native(&server);
    let (a, b) = tokio::join!(client.submit(&flow, body.clone()), other.submit(&flow, body.clone()));
    assert_eq!([a.status, b.status].iter().filter(|status| **status == 200).count(), 1, "{a:?} {b:?}");
    assert!(a.status < 500 && b.status < 500, "{a:?} {b:?}");
    // Two flows with one address are no better.
    let body = json!({"method": "password", "traits": {"email": "bob@example.org"}, "password": PASSWORD});
    let (one, two) = (client.begin("registration", "").await, other.begin("registration", "").await);
    let (a, b) = tokio::join!(client.submit(&one, body.clone()), other.submit(&two, body));
    assert_eq!([a.status, b.status].iter().filter(|status| **status == 200).count(), 1, "{a:?} {b:?}");
    let list = server.admin("GET", "/admin/identities", None).await.body;
    assert_eq!(list.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn one_recovery_code_at_once_makes_one_session() {
    let server = server().await;
    let id = server.person(ADA).await;
    let mut client = Client::native(&server);
    let flow = client.begin("recovery", "").await;
    client.submit(&flow, json!({"method": "code", "email": ADA})).await;
    let code = json!({"method": "code", "code": mailed_code(&server, ADA).await.unwrap()});
    let mut other = Client::native(&server);
    let (a, b) = tokio::join!(client.submit(&flow, code.clone()), other.submit(&flow, code));
    assert!(a.status < 500 && b.status < 500, "{a:?} {b:?}");
    let sessions = server.admin("GET", &format!("/admin/identities/{id}/sessions"), None).await.body;
    assert_eq!(sessions.as_array().unwrap().len(), 1);
}
