//! What a form says after it was submitted with something wrong in it, and what it keeps.

use serde_json::{Value, json};

use super::client::{Begun, Client, everything};
use crate::testing::{Answer, TestServer};

const ADA: &str = "ada@example.org";

/// The numbers of all messages of a form.
fn said(answer: &Answer) -> Vec<Value> {
    let ui = &answer.body["ui"];
    let nodes = ui["nodes"].as_array().cloned().unwrap_or_default();
    let all = nodes.iter().chain([ui]).filter_map(|part| part["messages"].as_array());
    all.flatten().map(|message| message["id"].clone()).collect()
}

/// Submits what is no JSON.
async fn nonsense(client: &mut Client<'_>, flow: &Begun) -> Answer {
    let headers = [("accept", "application/json"), ("content-type", "application/json")];
    client.send("POST", &flow.path(), &headers, b"{").await
}

#[tokio::test]
async fn a_form_says_what_is_wrong_with_the_last_input_only() {
    let server = TestServer::configured(everything()).await;
    for (way, email) in [(Client::native as fn(_) -> _, "n@example.org"), (Client::browser, ADA)] {
        let mut signed_in = way(&server).signed_in(email).await;
        for kind in ["login", "registration", "recovery", "verification", "settings"] {
            let mut nobody = way(&server);
            let client = if kind == "settings" { &mut signed_in } else { &mut nobody };
            let flow = client.begin(kind, "").await;
            let wrong = [
                json!({"method": "nope"}),
                json!({"method": "password", "identifier": "x", "password": "x", "traits": {"email": "x"}}),
                json!({"method": "password"}),
                json!({"method": "code", "email": "x"}),
                json!({"method": "code", "code": 3}),
                json!({"method": "profile", "traits": {"email": "x"}}),
                json!({"method": "totp", "totp_code": "x"}),
                json!({"lookup_secret_confirm": true}),
                json!({}),
            ];
            let mut first = Vec::new();
            for body in &wrong {
                let fresh = client.begin(kind, "").await;
                first.push(said(&client.submit(&fresh, body.clone()).await));
            }
            // Whatever was said before, the same is said of the same input.
            for (body, alone) in wrong.iter().zip(&first).chain(wrong.iter().zip(&first).rev()) {
                let answer = client.submit(&flow, body.clone()).await;
                assert_eq!(said(&answer), *alone, "{kind} {body}");
                let answer = nonsense(client, &flow).await;
                assert_eq!(said(&answer).len(), 1, "{kind} {body} and nonsense");
            }
        }
    }
}

#[tokio::test]
async fn a_refused_native_submission_keeps_what_was_typed() {
    let server = TestServer::configured(everything()).await;
    for (kind, field, typed) in [
        ("login", "identifier", json!({"method": "password", "identifier": ADA, "password": "x"})),
        (
            "registration",
            "traits.email",
            json!({"method": "password", "traits": {"email": ADA}, "password": "x"}),
        ),
        ("recovery", "email", json!({"method": "code", "email": ADA})),
        ("verification", "email", json!({"method": "code", "email": ADA})),
    ] {
        let mut native = Client::native(&server);
        let flow = native.begin(kind, "").await;
        native.headers.push(("origin", "http://127.0.0.1:4433".into()));
        let answer = native.submit(&flow, typed).await;
        assert_eq!(answer.status, 400, "{kind}: {answer:?}");
        let nodes = answer.body["ui"]["nodes"].as_array().unwrap();
        let value = |name: &str| {
            let node = nodes.iter().find(|node| node["attributes"]["name"] == name);
            node.map(|node| node["attributes"]["value"].clone()).unwrap_or_default()
        };
        assert_eq!(value(field), ADA, "{kind}");
        assert_eq!(value("password"), Value::Null, "{kind}: a secret is not kept");
    }
}
