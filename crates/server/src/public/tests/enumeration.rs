//! Nobody learns from an answer whether somebody has an account: answers for known and unknown ones are
//! the same, and so is the work behind them, in questions to the store, changes and passwords hashed.

use serde_json::{Value, json};

use super::client::{Client, everything, mailed_code};
use crate::testing::{Answer, TestServer};

const KNOWN: &str = "known@example.org";
const UNKNOWN: &str = "other@example.org";

/// An answer without what differs from flow to flow.
fn shape(answer: &Answer) -> (u16, Vec<String>, String) {
    let mut names: Vec<_> = answer.headers.iter().map(|(name, _)| name.to_string()).collect();
    names.sort();
    let mut body = answer.body.clone();
    for name in ["id", "request_url", "issued_at", "expires_at", "created_at", "updated_at"] {
        body[name] = Value::Null;
    }
    body["ui"]["action"] = Value::Null;
    body["ui"]["nodes"][0]["attributes"]["value"] = Value::Null;
    (answer.status, names, body.to_string().replace(KNOWN, UNKNOWN))
}

#[tokio::test]
async fn a_wrong_password_is_answered_as_an_unknown_name() {
    let server = TestServer::configured(everything()).await;
    server.person(KNOWN).await;
    for way in [Client::native, Client::browser] {
        let (mut seen, mut notes) = (Vec::new(), Vec::new());
        for name in [KNOWN, UNKNOWN] {
            let mut client = way(&server);
            let flow = client.begin("login", "").await;
            server.recorded().notes();
            let body = json!({"method": "password", "identifier": name, "password": "Zx-wrong-enough-1"});
            seen.push(shape(&client.submit(&flow, body).await));
            notes.push(server.recorded().notes());
        }
        assert_eq!(seen[0], seen[1]);
        assert_eq!(notes[0], notes[1]);
        assert_eq!(seen[0].0, 400);
    }
}

/// What a request has cost, in questions to the store and hashes of passwords.
struct Costs<'a> {
    server: &'a TestServer,
    hashes: u64,
}

impl<'a> Costs<'a> {
    fn from_now(server: &'a TestServer) -> Self {
        server.recorded().notes();
        Self { server, hashes: server.app.accounts.passwords.jobs() }
    }

    fn so_far(&self) -> (Vec<String>, u64) {
        (self.server.recorded().notes(), self.server.app.accounts.passwords.jobs() - self.hashes)
    }
}

#[tokio::test]
async fn whatever_is_typed_a_known_name_costs_what_an_unknown_one_costs() {
    let mut configuration = everything();
    configuration["selfservice"]["limits"] = json!({"free_failures": 0});
    let server = TestServer::configured(configuration).await;
    server.person(KNOWN).await;
    let disabled = server.person("disabled@example.org").await;
    let patch = json!([{"op": "replace", "path": "/state", "value": "inactive"}]);
    let path = format!("/admin/identities/{disabled}");
    assert_eq!(server.admin("PATCH", &path, Some(patch)).await.status, 200);
    let without = json!({"traits": {"email": "without@example.org"}});
    assert_eq!(server.admin("POST", "/admin/identities", Some(without)).await.status, 201);
    let long = |bytes: usize| "x".repeat(bytes);
    let passwords = [
        "x".to_owned(),
        "Zx-wrong-enough-1".into(),
        "\u{e4}\u{1f600}\u{202e}".into(),
        "\n\t \u{7f}".into(),
        "nul\0".into(),
        long(72),
        long(73),
        long(1024),
        long(1025),
        long(20_000),
    ];
    for way in [Client::native, Client::browser] {
        for (password, is_form) in passwords.iter().flat_map(|password| [(password, false), (password, true)])
        {
            let mut seen = Vec::new();
            for name in [UNKNOWN, KNOWN, "disabled@example.org", "without@example.org"] {
                let mut client = way(&server);
                let flow = client.begin("login", "").await;
                let costs = Costs::from_now(&server);
                let answer = if is_form {
                    let fields = [("method", "password"), ("identifier", name), ("password", password)];
                    client.submit_form(&flow, &fields).await
                } else {
                    let body = json!({"method": "password", "identifier": name, "password": password});
                    client.submit(&flow, body).await
                };
                let cost = costs.so_far();
                assert_eq!(cost.1, u64::from(!password.contains('\0')), "{name} {} bytes", password.len());
                seen.push((answer.status, cost));
            }
            assert!(
                seen.iter().all(|one| *one == seen[0]),
                "{} bytes, form {is_form}: {seen:?}",
                password.len()
            );
        }
    }
}

#[tokio::test]
async fn signing_up_hashes_once_whoever_has_the_address() {
    let server = TestServer::configured(everything()).await;
    server.person(KNOWN).await;
    for way in [Client::native, Client::browser] {
        for address in [KNOWN, if way(&server).way() == "api" { "a@example.org" } else { "b@example.org" }] {
            let mut client = way(&server);
            let flow = client.begin("registration", "").await;
            let costs = Costs::from_now(&server);
            client.submit(&flow, sign_up(address)).await;
            assert_eq!(costs.so_far().1, 1, "{address}");
        }
    }
}

fn sign_up(address: &str) -> Value {
    json!({"method": "password", "password": "Zx-long-enough-1234", "traits": {"email": address}})
}

/// Duplicates are hidden, and addresses are verified.
fn mitigating(hooks: &Value) -> Value {
    let mut configuration = everything();
    configuration["security"] = json!({"account_enumeration": {"mitigate": true}});
    configuration["selfservice"]["flows"]["registration"] = json!({"after": {"hooks": hooks}});
    configuration
}

#[tokio::test]
async fn signing_up_again_looks_like_signing_up_where_that_is_configured() {
    for hooks in [json!([]), json!([{"hook": "show_verification_ui"}])] {
        let server = TestServer::configured(mitigating(&hooks)).await;
        server.person(KNOWN).await;
        for (way, unknown) in
            [(Client::native as fn(_) -> _, "new-1@example.org"), (Client::browser, "new-2@example.org")]
        {
            let (mut seen, mut questions) = (Vec::new(), Vec::new());
            for address in [KNOWN, unknown] {
                let mut client = way(&server);
                let flow = client.begin("registration", "").await;
                let costs = Costs::from_now(&server);
                let answer = client.submit(&flow, sign_up(address)).await;
                questions.push(costs.so_far());
                assert_eq!(answer.status, 200, "{answer:?}");
                assert!(answer.body.get("session").is_none());
                assert_eq!(answer.body["identity"]["traits"]["email"], address);
                let begun = answer.body["continue_with"].as_array().cloned().unwrap_or_default();
                let begun = begun.iter().find(|next| next["action"] == "show_verification_ui").cloned();
                assert_eq!(begun.is_some(), hooks != json!([]));
                if let Some(id) = begun.as_ref().and_then(|begun| begun["flow"]["id"].as_str()) {
                    let path = format!("/self-service/verification/flows?id={id}");
                    assert_eq!(client.get(&path).await.body["state"], "sent_email");
                }
                seen.push(form(&answer, address));
                assert!(mailed_code(&server, address).await.is_some(), "who has the address hears of it");
            }
            assert_eq!(seen[0], seen[1]);
            assert_eq!(questions[0].1, questions[1].1);
        }
        let people = server.admin("GET", "/admin/identities", None).await.body;
        assert_eq!(people.as_array().unwrap().len(), 3, "nobody is stored twice");
        assert_eq!(Client::native(&server).login(KNOWN, crate::testing::PASSWORD).await.status, 200);
    }
}

/// An answer with its ids, times and tokens taken out.
fn form(answer: &Answer, address: &str) -> (u16, Vec<String>, String) {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let is_drawn = matches!(name.as_str(), "id" | "url") || name.ends_with("_at");
                    if is_drawn { *member = Value::from("drawn") } else { strip(member) }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut names: Vec<_> = answer.headers.iter().map(|(name, _)| name.to_string()).collect();
    names.sort();
    let mut body = answer.body.clone();
    strip(&mut body);
    (answer.status, names, body.to_string().replace(address, "somebody"))
}

#[tokio::test]
async fn codes_are_asked_for_alike() {
    let server = TestServer::configured(everything()).await;
    server.person(KNOWN).await;
    for kind in ["recovery", "verification"] {
        for way in [Client::native, Client::browser] {
            let (mut seen, mut notes) = (Vec::new(), Vec::new());
            for address in [KNOWN, UNKNOWN] {
                let mut client = way(&server);
                let flow = client.begin(kind, "").await;
                server.recorded().notes();
                for body in [
                    json!({"method": "code", "email": address}),
                    json!({"method": "code", "code": "000000"}),
                    json!({"method": "code", "email": address}),
                ] {
                    seen.push(shape(&client.submit(&flow, body).await));
                }
                notes.push(server.recorded().notes());
            }
            assert_eq!(seen[..3], seen[3..], "{kind}");
            assert_eq!(notes[0], notes[1], "{kind}");
        }
        // What is not told to the one who asks is told to the owner of the address alone.
        assert!(mailed_code(&server, KNOWN).await.is_some(), "{kind}");
        assert!(mailed_code(&server, UNKNOWN).await.is_none(), "{kind}");
    }
}

#[tokio::test]
async fn wrong_codes_are_answered_alike_after_a_code_was_sent() {
    let server = TestServer::configured(everything()).await;
    server.person(KNOWN).await;
    for kind in ["recovery", "verification"] {
        let (mut seen, mut notes) = (Vec::new(), Vec::new());
        for address in [KNOWN, UNKNOWN] {
            let mut client = Client::native(&server);
            let flow = client.begin(kind, "").await;
            client.submit(&flow, json!({"method": "code", "email": address})).await;
            let sent = mailed_code(&server, address).await;
            let wrong = if sent.as_deref() == Some("000000") { "000001" } else { "000000" };
            server.recorded().notes();
            seen.push(shape(&client.submit(&flow, json!({"method": "code", "code": wrong})).await));
            notes.push(server.recorded().notes());
        }
        assert_eq!(seen[0], seen[1], "{kind}");
        assert_eq!(notes[0], notes[1], "{kind}");
    }
}
