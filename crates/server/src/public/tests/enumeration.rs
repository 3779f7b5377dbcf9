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
