//! Managed key sets on a server.

use std::time::Duration;

use serde_json::{Value, json};

use crate::testing::TestServer;

async fn server() -> TestServer {
    let server = TestServer::start().await;
    server.maintain().await;
    let made =
        server.admin("POST", "/admin/rotation/keys", Some(json!({"alg": "ES256", "period": "1h"}))).await;
    assert_eq!(made.status, 201, "{made:?}");
    let template = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates/t",
        "value": {"jwks_url": "set://keys", "ttl": "10m"}}]);
    assert_eq!(server.admin("PATCH", "/projects/default", Some(template)).await.status, 200);
    server.person("ada@example.org").await;
    server
}

async fn states(server: &TestServer) -> Vec<(String, String)> {
    let shown = server.admin("GET", "/admin/rotation/keys", None).await.body;
    assert!(!shown.to_string().contains("\"d\""));
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    shown["keys"].as_array().unwrap().iter().map(|key| (text(key, "kid"), text(key, "state"))).collect()
}

async fn signer(server: &TestServer, token: &str) -> String {
    let answer =
        server.public("GET", "/sessions/whoami?tokenize_as=t", &[("x-session-token", token)], None).await;
    let jwt = answer.body["tokenized"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    let published = server.public("GET", "/.well-known/jwks/t.json", &[], None).await;
    let set = sessera_jose::JwkSet::parse(published.body.to_string().as_bytes()).unwrap();
    sessera_jose::verify::verify(&jwt, &set.public()).unwrap().kid
}

async fn pass(server: &TestServer, time: Duration) {
    server.clock.advance(time);
    server.maintain().await;
}

#[tokio::test]
async fn keys_rotate_and_tokens_verify_with_what_is_published() {
    let server = server().await;
    let (token, _) = server.signed_in("ada@example.org").await;
    let first = states(&server).await;
    assert_eq!(first.iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>(), ["active", "prepared"]);
    assert_eq!(signer(&server, &token).await, first[0].0);
    pass(&server, Duration::from_secs(3_600)).await;
    assert_eq!(signer(&server, &token).await, first[1].0);
    let now = states(&server).await;
    assert_eq!(
        now.iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>(),
        ["retiring", "active", "prepared"]
    );
    // Lease 1 m and skew 5 s after that the old private half is gone.
    pass(&server, Duration::from_secs(65)).await;
    let shown = server.admin("GET", "/admin/rotation/keys", None).await.body;
    assert_eq!(shown["keys"][0]["has_private"], false);
    assert_eq!(signer(&server, &token).await, first[1].0);
}

#[tokio::test]
async fn a_node_without_a_lease_does_not_sign() {
    let server = server().await;
    let (token, _) = server.signed_in("ada@example.org").await;
    server.clock.advance(Duration::from_secs(61));
    let refused =
        server.public("GET", "/sessions/whoami?tokenize_as=t", &[("x-session-token", &token)], None).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(server.public("GET", "/health/ready", &[], None).await.status, 503);
    server.maintain().await;
    assert_eq!(server.public("GET", "/health/ready", &[], None).await.status, 200);
    signer(&server, &token).await;
}

#[tokio::test]
async fn a_revoked_key_is_out_at_once() {
    let server = server().await;
    let (token, _) = server.signed_in("ada@example.org").await;
    let keys = states(&server).await;
    let path = format!("/admin/rotation/keys/keys/{}/revoke", keys[0].0);
    let revoked = server.admin("POST", &path, None).await;
    assert_eq!((revoked.status, &revoked.body["signer"]), (200, &json!(keys[1].0)));
    assert_eq!(signer(&server, &token).await, keys[1].0);
    let published = server.public("GET", "/.well-known/jwks.json", &[], None).await.body.to_string();
    assert!(!published.contains(&keys[0].0) && published.contains(&keys[1].0));
    let exported = server.admin("GET", "/admin/keys/keys", None).await.body.to_string();
    assert!(!exported.contains(&keys[0].0) && exported.contains(&keys[1].0));
    assert_eq!(server.admin("POST", &path, None).await.status, 404);
}

#[tokio::test]
async fn private_keys_of_a_managed_set_never_leave() {
    let server = server().await;
    let kid = states(&server).await[0].0.clone();
    for path in ["/admin/keys/keys".to_owned(), format!("/admin/keys/keys/{kid}"), "/admin/keys".to_owned()] {
        let answer = server.admin("GET", &path, None).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.body.to_string().contains("\"d\""), "{path}");
    }
    let key = json!({"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "x"});
    for (method, path, body) in [
        ("POST", "/admin/keys/keys".to_owned(), json!({"alg": "ES256"})),
        ("PUT", "/admin/keys/keys".to_owned(), json!({"keys": [key]})),
        ("PUT", "/admin/keys/keys/x".to_owned(), key.clone()),
        ("DELETE", format!("/admin/keys/keys/{kid}"), Value::Null),
    ] {
        let answer = server.admin(method, &path, Some(body)).await;
        assert_eq!(answer.status, 409, "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_set_can_be_adopted_and_goes_on_signing() {
    let server = TestServer::start().await;
    let made = server.admin("POST", "/admin/keys/own", Some(json!({"alg": "ES256"}))).await;
    let kid = made.body["keys"][0]["kid"].as_str().unwrap().to_owned();
    let refused = server.admin("POST", "/admin/rotation/own/rotate", None).await;
    assert_eq!(refused.status, 409);
    assert!(refused.reason().contains("sessera adopt jwk own"), "{refused:?}");
    let again =
        server.admin("POST", "/admin/rotation/own", Some(json!({"alg": "ES256", "period": "1h"}))).await;
    assert_eq!(again.status, 409);
    let adopted =
        server.admin("POST", "/admin/rotation/own", Some(json!({"period": "1h", "adopt": true}))).await;
    assert_eq!(adopted.status, 201, "{adopted:?}");
    assert_eq!(adopted.body["keys"][0]["kid"], json!(kid));
    assert_eq!(adopted.body["keys"][0]["state"], "active");
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let server = TestServer::start().await;
    for body in [
        json!({"alg": "ES256", "period": "1m"}),
        json!({"alg": "HS256", "period": "1h"}),
        json!({"alg": "ES256", "period": "soon"}),
        json!({"period": "1h"}),
    ] {
        let answer = server.admin("POST", "/admin/rotation/x", Some(body.clone())).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
    }
    assert_eq!(server.admin("GET", "/admin/rotation/x", None).await.status, 404);
}
