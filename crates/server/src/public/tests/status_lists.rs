//! Status lists over HTTP. What stands in them is tested where they are made.

use std::time::Duration;

use serde_json::json;
use sessera_jose::{JwkSet, status_list, verify};

use crate::testing::{Answer, TestServer};

/// A server with lists, and Ada's session: its token and its id.
async fn server() -> (TestServer, String, String) {
    let server = TestServer::start().await;
    server.maintain().await;
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let managed = json!({"alg": "EdDSA", "period": "720h"});
    let made = server.admin("POST", "/admin/rotation/m", Some(managed)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let templates = json!({
        "fixed": {"jwks_url": "set://k", "status_list": true},
        "managed": {"jwks_url": "set://m", "status_list": true},
        "none": {"jwks_url": "set://k"},
    });
    let patch = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates",
        "value": templates}]);
    let patched = server.admin("PATCH", "/projects/default", Some(patch)).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    (server, token, session)
}

async fn get(server: &TestServer, template: &str, list: &str, headers: &[(&str, &str)]) -> Answer {
    server.public("GET", &format!("/.well-known/status/{template}/{list}"), headers, None).await
}

#[tokio::test]
async fn a_verifier_fetches_the_list_that_a_token_names() {
    let (server, token, session) = server().await;
    server.recorded().notes();
    let path = "/sessions/whoami?tokenize_as=fixed";
    let whoami = server.public("GET", path, &[("x-session-token", &token)], None).await;
    let notes = server.recorded().notes();
    assert!(
        notes.iter().all(|note| note.chars().next().unwrap().is_lowercase()),
        "a token with a status writes nothing: {notes:?}"
    );
    let keys = server.public("GET", "/.well-known/jwks/fixed.json", &[], None).await.text;
    let keys = JwkSet::parse(keys.as_bytes()).unwrap().public();
    let claims = verify::verify(whoami.body["tokenized"].as_str().unwrap(), &keys).unwrap().claims().unwrap();
    let named = &claims["status"]["status_list"];
    let index = named["idx"].as_u64().unwrap();
    assert_eq!(named["uri"], "http://127.0.0.1:4433/.well-known/status/fixed/0");
    for refused in [false, true] {
        let answer = get(&server, "fixed", "0", &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/statuslist+jwt");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("cache-control"), "public, max-age=30");
        let list = verify::verify(&answer.text, &keys).unwrap().claims().unwrap();
        assert_eq!(status_list::status(&list, index).unwrap() != status_list::VALID, refused);
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        for known in [tag.as_str(), tag.trim_start_matches("W/"), "*"] {
            assert_eq!(get(&server, "fixed", "0", &[("if-none-match", known)]).await.status, 304, "{known}");
        }
        server.admin("DELETE", &format!("/admin/sessions/{session}"), None).await;
        server.clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_list_has_one_address() {
    let (server, _, _) = server().await;
    assert_eq!(get(&server, "fixed", "0", &[]).await.status, 200);
    for (template, list) in [
        ("none", "0"),
        ("nope", "0"),
        ("fixed", "1"),
        ("fixed", "00"),
        ("fixed", "+0"),
        ("fixed", "-1"),
        ("fixed", "x"),
        ("fixed", "18446744073709551616"),
    ] {
        assert_eq!(get(&server, template, list, &[]).await.status, 404, "{template} {list}");
    }
    server.clock.advance(Duration::from_secs(61));
    assert_eq!(get(&server, "managed", "0", &[]).await.status, 503, "without a lease nothing is signed");
}
