//! Sessions in memory and behind it, as requests see them.

use std::time::Duration;

use serde_json::{Value, json};
use sessera_model::Uuid;
use sessera_store::Change;

use crate::testing::{TestServer, until};

async fn whoami(server: &TestServer, token: &str) -> (u16, Value) {
    let answer = server.public("GET", "/sessions/whoami", &[("x-session-token", token)], None).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn every_change_is_seen_by_the_next_request() {
    let server = TestServer::start().await;
    let ada = server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    assert_eq!(whoami(&server, &token).await.0, 200);
    let path = format!("/admin/identities/{ada}");
    let patch = |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
    let public = json!({"plan": "gold"});
    server.admin("PATCH", &path, Some(patch("/metadata_public", public.clone()))).await;
    assert_eq!(whoami(&server, &token).await.1["identity"]["metadata_public"], public);
    server.admin("PATCH", &path, Some(patch("/state", json!("inactive")))).await;
    assert_eq!(whoami(&server, &token).await.0, 401);
    server.admin("PATCH", &path, Some(patch("/state", json!("active")))).await;
    assert_eq!(whoami(&server, &token).await.0, 200);
    server.clock.advance(Duration::from_secs(10));
    server.admin("PATCH", &format!("/admin/sessions/{session}/extend"), None).await;
    assert_eq!(whoami(&server, &token).await.1["expires_at"], "2027-01-16T08:00:10Z");
    server.admin("DELETE", &format!("/admin/sessions/{session}"), None).await;
    assert_eq!(whoami(&server, &token).await.0, 401);

    let (token, _) = server.signed_in("ada@example.org").await;
    assert_eq!(whoami(&server, &token).await.0, 200);
    let body = json!({"session_token": token});
    assert_eq!(server.public("DELETE", "/self-service/logout/api", &[], Some(body)).await.status, 204);
    assert_eq!(whoami(&server, &token).await.0, 401);

    let (token, _) = server.signed_in("ada@example.org").await;
    assert_eq!(whoami(&server, &token).await.0, 200);
    server.admin("DELETE", &path, None).await;
    assert_eq!(whoami(&server, &token).await.0, 401);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_from_the_moment_it_is_there() {
    let methods = json!({"totp": {"enabled": true}});
    let server = TestServer::configured(json!({"selfservice": {"methods": methods}})).await;
    let ada = server.person("ada@example.org").await;
    let (token, _) = server.signed_in("ada@example.org").await;
    assert_eq!(whoami(&server, &token).await.0, 200);
    let totp = json!({"totp_url": "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"});
    let credential = sessera_model::Credential {
        kind: sessera_model::CredentialKind::Totp,
        identifiers: vec![ada.clone()],
        config: totp.into(),
        version: 1,
        created_at: server.app.clock.now(),
        updated_at: server.app.clock.now(),
    };
    let identity_id = Uuid::parse_str(&ada).unwrap();
    let put = Change::PutCredential(sessera_store::CredentialOf { identity_id, credential });
    server.app.commit(&[put]).await.unwrap();
    let refused = whoami(&server, &token).await;
    assert_eq!((refused.0, &refused.1["error"]["id"]), (403, &json!("session_aal2_required")));
    server.admin("DELETE", &format!("/admin/identities/{ada}/credentials/totp"), None).await;
    assert_eq!(whoami(&server, &token).await.0, 200);
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_happens_whole() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    let (token, session) = server.signed_in("ada@example.org").await;
    assert_eq!(whoami(&server, &token).await.0, 200);
    let id = Uuid::parse_str(&session).unwrap();
    let change = [Change::RevokeSession { id, of: None }];
    let held = server.recorded().hold().await;
    let mut given_up = Box::pin(server.app.commit(&change));
    assert!(is_pending_after_one_poll(&mut given_up).await, "the store does not answer yet");
    drop(given_up);
    drop(held);
    until(async || whoami(&server, &token).await.0 == 401).await;
}

/// Polls once; whether the future is still under way.
async fn is_pending_after_one_poll<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
    })
    .await
}
