//! Sinks, as they are listed and replayed.

use serde_json::json;

use crate::testing::TestServer;

#[tokio::test]
async fn sinks_are_listed_without_their_secrets_and_replayed() {
    let sink =
        json!({"url": "https://example.org/in/SECRET", "secret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]});
    let server = TestServer::configured(json!({"events": {"sinks": {"siem": sink}}})).await;
    server.app.sinks.begin(&server.app.snapshot().config).await.unwrap();
    let listed = server.admin("GET", "/admin/sinks", None).await;
    assert_eq!(
        listed.body,
        json!([{"name": "siem", "kind": "webhook", "origin": "https://example.org", "events": [], "number": 0, "waiting": 0, "given_up": 0}])
    );
    let path = |rest: &str| format!("/admin/sinks/siem/{rest}");
    let none = server.admin("GET", &path("deliveries?state=given_up"), None).await;
    assert_eq!((none.status, none.body), (200, json!([])));
    assert_eq!(server.admin("GET", &path("deliveries?state=lost"), None).await.status, 400);
    assert_eq!(server.admin("POST", &path("replay"), Some(json!({}))).await.status, 204);
    assert_eq!(server.admin("POST", &path("replay"), Some(json!({"after": 0}))).await.status, 204);
    for after in [-1, 9999] {
        let refused = server.admin("POST", &path("replay"), Some(json!({"after": after}))).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
    assert_eq!(server.admin("POST", "/admin/sinks/x/replay", Some(json!({}))).await.status, 404);
    let unknown = server.admin("GET", "/admin/sinks/x/deliveries", None).await;
    assert_eq!(unknown.status, 404);
    assert!(unknown.reason().contains("events.sinks"), "{}", unknown.reason());
}

#[tokio::test]
async fn a_sink_that_a_patch_adds_is_told_of_what_happens_from_the_patch_on() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    server.app.record.keep().await.unwrap();
    let sink = json!({"url": "https://example.org/", "secret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]});
    let patch = json!([{"op": "add", "path": "/services/identity/config/events", "value": {"sinks": {"siem": sink}}}]);
    let project = format!("/projects/{}", server.app.deployment_id.0);
    let patched = server.admin("PATCH", &project, Some(patch)).await;
    assert_eq!(patched.status, 200, "{}", patched.text);
    let listed = server.admin("GET", "/admin/sinks", None).await;
    assert_eq!(listed.body[0]["number"], 1, "{}", listed.text);
}
