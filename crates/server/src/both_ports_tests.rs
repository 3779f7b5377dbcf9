//! What both ports answer.

use serde_json::json;

use crate::testing::TestServer;

#[tokio::test]
async fn both_ports_tell_how_they_are() {
    let server = TestServer::start().await;
    for path in ["/health/alive", "/health/ready"] {
        assert_eq!(server.public("GET", path, &[], None).await.body, json!({"status": "ok"}));
        assert_eq!(server.admin("GET", path, None).await.body, json!({"status": "ok"}));
        assert_eq!(server.admin("GET", &format!("/admin{path}"), None).await.body, json!({"status": "ok"}));
    }
    assert_eq!(server.public("GET", "/version", &[], None).await.body["version"], env!("CARGO_PKG_VERSION"));
    server.app.stopping.set(true);
    assert_eq!(server.public("GET", "/health/ready", &[], None).await.status, 503);
    assert_eq!(server.public("GET", "/health/alive", &[], None).await.status, 200);
    server.app.stopping.set(false);
    server.app.store.close().await;
    assert_eq!(server.public("GET", "/health/ready", &[], None).await.status, 503);
    assert_eq!(server.public("GET", "/health/alive", &[], None).await.status, 200);
}

#[tokio::test]
async fn schemas_are_shown_on_both_ports() {
    let server = TestServer::start().await;
    let list = server.public("GET", "/schemas", &[], None).await;
    assert_eq!(list.body[0]["id"], "default");
    assert!(list.header("link").contains("rel=\"first\""));
    let one = server.public("GET", "/schemas/ZGVmYXVsdA", &[], None).await;
    assert_eq!(one.body, list.body[0]["schema"]);
    assert_eq!(server.admin("GET", "/schemas/default", None).await.body, one.body);
    assert_eq!(server.public("GET", "/schemas/nope", &[], None).await.status, 404);
}
