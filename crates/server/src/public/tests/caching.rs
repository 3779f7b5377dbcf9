//! Nobody keeps what is somebody's: every answer of either API says so, except those that are the same for
//! all.

use serde_json::{Value, json};

use super::client::everything;
use crate::testing::{Answer, PASSWORD, TestServer};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Where answers are the same for everybody.
const SAME_FOR_ALL: [&str; 7] =
    ["/health/", "/admin/health/", "/version", "/admin/version", "/schemas", "/.well-known/", "/metrics/"];

fn is_kept_by_nobody(path: &str, answer: &Answer) -> bool {
    let is_same_for_all = answer.status < 300 && SAME_FOR_ALL.iter().any(|start| path.starts_with(start));
    let says_nothing = answer.text.is_empty() && answer.headers.get("set-cookie").is_none();
    is_same_for_all || says_nothing || answer.header("cache-control").contains("no-store")
}

#[tokio::test]
async fn every_route_says_that_its_answer_is_not_to_be_kept() {
    let server = TestServer::configured(everything()).await;
    let ada = server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    let mut kept = Vec::new();
    for admin in [false, true] {
        let document = if admin {
            server.admin("GET", "/openapi.json", None).await.body
        } else {
            server.public("GET", "/openapi.json", &[], None).await.body
        };
        for (path, operations) in document["paths"].as_object().unwrap() {
            let id = if path.contains("identities") { &ada } else { &session };
            let example = |part: &str| if part.starts_with('{') { id.clone() } else { part.to_owned() };
            let address = path.split('/').map(example).collect::<Vec<_>>().join("/");
            for method in METHODS {
                // Nothing ends, so that later routes have something to answer.
                if method == "DELETE" || !operations[method.to_ascii_lowercase()].is_object() {
                    continue;
                }
                let body = (method != "GET").then(|| json!({}));
                let answer = if admin {
                    server.admin(method, &address, body).await
                } else {
                    server.public(method, &address, &[("x-session-token", &token)], body).await
                };
                if !is_kept_by_nobody(path, &answer) {
                    kept.push(format!("{method} {path}: {}", answer.status));
                }
            }
        }
    }
    assert!(kept.is_empty(), "{kept:#?}");
}

#[tokio::test]
async fn sessions_and_tokens_are_kept_by_nobody() {
    let server = TestServer::configured(everything()).await;
    server.person("ada@example.org").await;
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let template = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates",
        "value": {"t": {"jwks_url": "set://k", "audience": "a"}}}]);
    assert_eq!(server.admin("PATCH", "/projects/default", Some(template)).await.status, 200);
    let (token, session) = server.signed_in("ada@example.org").await;
    let (grant, kind) =
        ("urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:token-type:access_token");
    let mut answers = vec![server.login("ada@example.org", PASSWORD).await];
    let flow = server.public("GET", "/self-service/registration/api", &[], None).await;
    let path = format!("/self-service/registration?flow={}", flow.body["id"].as_str().unwrap());
    let sign_up = json!({"method": "password", "password": PASSWORD, "traits": {"email": "bob@example.org"}});
    answers.push(server.public("POST", &path, &[], Some(sign_up)).await);
    for path in
        ["/sessions/whoami", "/sessions/whoami?tokenize_as=t", "/sessions", "/self-service/settings/api"]
    {
        // The first answer comes from the store, and the second one from memory.
        for _ in 0..2 {
            answers.push(server.public("GET", path, &[("x-session-token", &token)], None).await);
        }
    }
    let form = format!("grant_type={grant}&subject_token_type={kind}&subject_token={token}&audience=a");
    answers.push(server.public_form("/oauth2/token", &form).await);
    answers.push(server.admin_form("/oauth2/introspect", &format!("token={token}")).await);
    for path in [
        "/admin/sessions",
        &format!("/admin/sessions/{session}?expand=identity"),
        "/admin/keys/k",
        "/projects",
    ] {
        answers.push(server.admin("GET", path, None).await);
    }
    for answer in answers {
        assert_eq!((answer.status, answer.body == Value::Null), (200, false), "{answer:?}");
        assert!(answer.header("cache-control").contains("no-store"), "{answer:?}");
    }
}
