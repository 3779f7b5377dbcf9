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

#[tokio::test]
async fn whoever_loses_the_token_hears_no_more() {
    let server = TestServer::start().await;
    let make = async |name: &str, expires_in: Option<&str>| {
        let body = json!({"name": name, "role": "viewer", "expires_in": expires_in});
        let made = server.admin("POST", "/admin/tokens", Some(body)).await;
        format!("Bearer {}", made.body["token"].as_str().unwrap())
    };
    let open = async |token: &str| {
        let request = axum::http::Request::get("/admin/events").header("authorization", token);
        let request = request.body(Body::empty()).unwrap();
        let mut body = server.admin_router().clone().oneshot(request).await.unwrap().into_body();
        assert_eq!(told(&mut body).await.unwrap(), ": following\n\n");
        assert_eq!(told(&mut body).await.unwrap(), ": caught up\n\n");
        body
    };
    let (gone, brief, stays) =
        (make("gone", None).await, make("brief", Some("1h")).await, make("stays", None).await);
    server.app.record.keep().await.unwrap();
    let (mut gone, mut brief, mut stays) = (open(&gone).await, open(&brief).await, open(&stays).await);
    server.clock.advance(std::time::Duration::from_hours(1));
    assert_eq!(server.admin("DELETE", "/admin/tokens/gone", None).await.status, 204);
    // A new token with its name is another one.
    make("gone", None).await;
    server.app.record.keep().await.unwrap();
    assert!(told(&mut stays).await.unwrap().contains("event: admin_token_deleted"));
    assert_eq!((told(&mut gone).await, told(&mut brief).await), (None, None));
}

#[tokio::test]
async fn a_number_that_the_record_has_not_reached_is_refused() {
    let server = TestServer::start().await;
    server.person("ada@example.org").await;
    server.app.record.keep().await.unwrap();
    for (query, last, words) in [
        ("after=2", None, "its last one is 1"),
        ("", Some("2"), "begin anew"),
        ("after=1", Some("abc"), "Last-Event-ID is no number"),
        ("after=abc", None, "is no number"),
        ("after=", None, "is no number"),
    ] {
        let path = format!("/admin/events?{query}");
        let headers: Vec<_> = last.map(|last| ("last-event-id", last)).into_iter().collect();
        let refused = server.admin_with("GET", &path, &headers, None).await;
        assert_eq!(refused.status, 400, "{query} {last:?}");
        assert!(refused.reason().contains(words), "{}", refused.reason());
    }
    let mut all = follow(&server, "after=1", None).await;
    assert_eq!(told(&mut all).await.unwrap(), ": following\n\n");
}
