//! What receivers of events are told of sessions that an upstream keeps.

use std::sync::Mutex;

use super::stub::{identity_id, session, session_id};
use super::*;

/// Another person than the one of [`CREDENTIAL`].
const OTHER: (&str, &str) = ("x-session-token", "ory_st_bob");

/// What a receiver is told of the next event of a kind.
async fn told(receiver: &Stub, kind: &str) -> Value {
    let found = Mutex::new(Value::Null);
    until(async || {
        let bodies = receiver.asked().into_iter().map(|asked| serde_json::from_slice(&asked.body).unwrap());
        let body = bodies.into_iter().find(|body: &Value| body["type"] == kind);
        *found.lock().unwrap() = body.unwrap_or_default();
        !found.lock().unwrap().is_null()
    })
    .await;
    found.into_inner().unwrap()
}

#[tokio::test]
async fn receivers_are_told_what_is_learnt_of_sessions_at_the_upstream() {
    let (stub, receiver) = (Stub::start().await, Stub::start().await);
    stub.knows(CREDENTIAL, session(1));
    stub.knows("x-session-token: ory_st_bob", session(2));
    let sink = json!({
        "url": format!("{}/in", receiver.url),
        "secret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "events": ["session_ended", "sessions_ended", "sessions_forgotten"],
    });
    let server = Server::configured(json!({
        "events": {"sinks": {"siem": sink}},
        "session": {
            "upstream": {"url": stub.url, "admin_url": stub.url, "ttl": "1h"},
            "whoami": {"tokenizer": {"status_list": {"max_age": "10s"}}},
        },
    }));
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let template = json!({"jwks_url": "set://k", "status_list": true, "ttl": "10m"});
    let path = "/services/identity/config/session/whoami/tokenizer/templates/t";
    let patch = json!([{"op": "add", "path": path, "value": template}]);
    assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);
    let tokenized = async |header| {
        let answer = server.public("GET", "/sessions/whoami?tokenize_as=t", &[header], None).await;
        answer.body["tokenized"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    };
    let (_, bob) = (tokenized(HEADER).await, tokenized(OTHER).await);

    // A request that is passed on may have ended sessions.
    let body = json!({"session_token": TOKEN});
    assert_eq!(server.public("DELETE", "/self-service/logout/api", &[], Some(body)).await.status, 200);
    let forgotten = told(&receiver, "sessions_forgotten").await;
    assert_eq!(forgotten["data"]["about"]["of"], json!(identity_id(1)), "{forgotten}");

    // Somebody who may do so ends one.
    let form = format!("token={bob}");
    assert_eq!(server.admin_form("/oauth2/revoke", &form).await.status, 200);
    let ended = told(&receiver, "session_ended").await;
    assert_eq!(ended["data"]["about"]["session_id"], json!(session_id(2)), "{ended}");
    assert_eq!(ended["data"]["actor"], json!({"kind": "anybody"}), "{ended}");

    // A recheck finds that one is over, of which nobody has said so.
    stub.ends(CREDENTIAL);
    let ended = told(&receiver, "session_ended").await;
    assert_eq!(ended["data"]["about"]["session_id"], json!(session_id(1)), "{ended}");
    assert_eq!(ended["data"]["actor"], json!({"kind": "system"}), "{ended}");
}
