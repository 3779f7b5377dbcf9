//! What happens, as it is followed.

use axum::body::Body;
use http_body_util::BodyExt as _;
use serde_json::json;
use sessera_admin::listeners::MOST;
use tower::ServiceExt as _;

use crate::testing::TestServer;

async fn follow(server: &TestServer, query: &str, last: Option<&str>) -> Body {
    let mut request =
        axum::http::Request::get(format!("/admin/events?{query}")).header("host", "127.0.0.1:4434");
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = server.admin_router().clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body()
}

/// The next thing that is told.
async fn told(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.unwrap().into_data().unwrap();
    Some(String::from_utf8(frame.to_vec()).unwrap())
}

#[tokio::test]
async fn what_happens_is_told_and_whoever_comes_again_misses_nothing() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    let mut all = follow(&server, "", None).await;
    assert_eq!(told(&mut all).await.unwrap(), ": following\n\n");
    assert_eq!(told(&mut all).await.unwrap(), ": caught up\n\n");
    let make = async |name: &str| {
        let body = json!({"name": name, "role": "viewer"});
        assert_eq!(server.admin("POST", "/admin/tokens", Some(body)).await.status, 201);
        server.app.record.keep().await.unwrap();
    };
    make("a").await;
    let first = told(&mut all).await.unwrap();
    assert!(first.starts_with("id: 2\nevent: admin_token_made\ndata: {\"number\":2,"), "{first}");
    drop(all);
    make("b").await;
    let mut again = follow(&server, "action=admin_token_made", Some("2")).await;
    told(&mut again).await.unwrap();
    let missed = told(&mut again).await.unwrap();
    assert!(missed.starts_with("id: 3\n") && missed.ends_with("\n\n: caught up\n\n"), "{missed}");
    let mut from_start = follow(&server, "after=0&action=identity_added", None).await;
    told(&mut from_start).await.unwrap();
    assert!(told(&mut from_start).await.unwrap().starts_with("id: 1\n"));
    server.app.stopping.set(true);
    assert_eq!(told(&mut again).await, None, "a server that stops ends it");
}

#[tokio::test]
async fn there_are_only_so_many_at_a_time() {
    let server = TestServer::start().await;
    let mut all = Vec::new();
    for _ in 0..MOST {
        all.push(follow(&server, "", None).await);
    }
    assert_eq!(server.admin("GET", "/admin/events", None).await.status, 503);
    drop(all);
    // Each one ends when it is seen that the client is gone.
    crate::testing::until(async || server.app.listeners.free() == MOST).await;
}
