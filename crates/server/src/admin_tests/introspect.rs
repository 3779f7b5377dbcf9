//! Signed tokens, as they are asked about and revoked.

use serde_json::{Value, json};
use sessera_issuer::tokens::claims_of;
use sessera_jose::{JwkSet, Signer};

use crate::testing::{TestServer, damaged};

async fn server() -> (TestServer, String, String) {
    let server = TestServer::start().await;
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let templates = json!({"t": {"jwks_url": "set://k"}});
    let patch = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates",
        "value": templates}]);
    assert_eq!(server.admin("PATCH", "/projects/default", Some(patch)).await.status, 200);
    server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    (server, token, session)
}

async fn tokenize(server: &TestServer, token: &str) -> String {
    let path = "/sessions/whoami?tokenize_as=t";
    let answer = server.public("GET", path, &[("x-session-token", token)], None).await;
    answer.body["tokenized"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

async fn introspect(server: &TestServer, jwt: &str) -> Value {
    let answer = server.admin_form("/oauth2/introspect", &format!("token={jwt}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.header("cache-control").contains("no-store"));
    answer.body
}

#[tokio::test]
async fn a_token_is_active_while_everything_about_it_is_good() {
    let (server, token, session) = server().await;
    let jwt = tokenize(&server, &token).await;
    let body = introspect(&server, &jwt).await;
    assert_eq!((&body["active"], &body["sid"]), (&json!(true), &json!(session)), "{body}");
    assert_eq!(introspect(&server, &damaged(&jwt)).await, json!({"active": false}));
    assert_eq!(server.admin("DELETE", &format!("/admin/sessions/{session}"), None).await.status, 204);
    assert_eq!(introspect(&server, &jwt).await, json!({"active": false}), "its session was revoked");
}

#[tokio::test]
async fn a_token_that_is_revoked_takes_its_session_along() {
    let (server, token, session) = server().await;
    let jwt = tokenize(&server, &token).await;
    for text in ["x", &jwt, &jwt] {
        let answer = server.admin_form("/oauth2/revoke", &format!("token={text}&token_type_hint=x")).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{answer:?}");
    }
    assert_eq!(introspect(&server, &jwt).await, json!({"active": false}));
    let path = format!("/admin/sessions/{session}");
    assert_eq!(server.admin("GET", &path, None).await.body["active"], false);
    let none = server.admin_form("/oauth2/revoke", "").await;
    assert_eq!((none.status, &none.body["error"]), (400, &json!("invalid_request")));
}

/// Statements of another kind that are signed with the same key and say the same.
#[tokio::test]
async fn a_token_counts_only_when_it_is_what_its_type_says() {
    let (server, token, session) = server().await;
    let own = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates/own",
        "value": {"jwks_url": "set://k", "typ": "own+jwt"}}]);
    assert_eq!(server.admin("PATCH", "/projects/default", Some(own)).await.status, 200);
    let keys = server.admin_text("/admin/keys/k").await;
    let signer = Signer::of_set(&JwkSet::parse(keys.as_bytes()).unwrap()).unwrap();
    let claims = claims_of(&tokenize(&server, &token).await).unwrap();
    let claims = serde_json::to_vec(&claims).unwrap();
    let typed = |typ: &str| signer.sign_compact(typ, &claims).unwrap();
    for typ in ["JWT", "at+jwt", "application/at+JWT", "own+jwt"] {
        assert_eq!(introspect(&server, &typed(typ)).await["active"], true, "{typ}");
    }
    for typ in [
        "statuslist+jwt",
        "logout+jwt",
        "secevent+jwt",
        "application/LOGOUT+jwt",
        "dpop+jwt",
        "foreign+jwt",
        "",
    ] {
        assert_eq!(introspect(&server, &typed(typ)).await, json!({"active": false}), "{typ}");
        let revoked = server.admin_form("/oauth2/revoke", &format!("token={}", typed(typ))).await;
        assert_eq!(revoked.status, 200);
    }
    let path = format!("/admin/sessions/{session}");
    assert_eq!(server.admin("GET", &path, None).await.body["active"], true, "none of them revoked it");
}

#[tokio::test]
async fn what_is_no_token_is_not_active() {
    let (server, token, _) = server().await;
    for text in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", token.as_str(), &"a".repeat(300_000)] {
        assert_eq!(introspect(&server, text).await, json!({"active": false}));
    }
    let none = server.admin_form("/oauth2/introspect", "").await;
    assert_eq!((none.status, &none.body["error"]), (400, &json!("invalid_request")));
}
