//! What proxies are answered about sessions that an upstream keeps.

use serde_json::json;

use super::stub::{answer, session};
use super::*;

/// As a browser asks for a page.
const PAGE: (&str, &str) = ("accept", "text/html");

/// A question of a proxy whose answer the browser is sent.
const ASKED: &str = "/forward-auth";

/// A server with a gateway, and the upstream behind it.
async fn asked_by_proxies() -> (Server, Stub) {
    let stub = Stub::start().await;
    let server = Server::configured(json!({
        "session": {"upstream": {"url": stub.url, "admin_url": stub.url, "ttl": "1h"}},
        "serve": {"gateway": {"enabled": true, "port": 0}},
    }));
    (server, stub)
}

#[tokio::test]
async fn a_session_of_the_upstream_passes_and_is_asked_about_once() {
    let (server, stub) = asked_by_proxies().await;
    stub.knows(CREDENTIAL, session(1));
    for questions in [1, 0] {
        assert_eq!(server.gateway("GET", ASKED, &[HEADER]).await.status, 200);
        assert_eq!(stub.asked().len(), questions);
    }
}

#[tokio::test]
async fn who_signs_out_through_this_server_passes_no_proxy_any_more() {
    let (server, stub) = asked_by_proxies().await;
    stub.knows(CREDENTIAL, session(1));
    assert_eq!(server.gateway("GET", ASKED, &[HEADER]).await.status, 200);
    stub.ends(CREDENTIAL);
    let body = json!({"session_token": TOKEN});
    server.public("DELETE", "/self-service/logout/api", &[], Some(body)).await;
    assert_eq!(server.gateway("GET", ASKED, &[HEADER]).await.status, 401);
}

#[tokio::test]
async fn a_cookie_of_the_upstream_goes_to_the_browser() {
    let (server, stub) = asked_by_proxies().await;
    let own = ("cookie", "ory_kratos_session=old");
    for path in [ASKED, "/auth-request", "/ext-authz/default/page"] {
        let cookie = [("set-cookie", "ory_kratos_session=new; Path=/")];
        stub.next(answer(200, &cookie, &session(1).to_string()));
        let passed = server.gateway("GET", path, &[own, ("cache-control", "no-cache")]).await;
        assert_eq!((passed.status, passed.header("set-cookie")), (200, cookie[0].1), "{path}");
        server.admin("DELETE", "/admin/sessions/anything", None).await;
    }
}

#[tokio::test]
async fn a_second_factor_that_the_upstream_asks_for_is_asked_for_there() {
    let (server, stub) = asked_by_proxies().await;
    let told = json!({
        "error": {"id": "session_aal2_required", "code": 403},
        "redirect_browser_to": "https://upstream.example/login?aal=aal2",
    });
    for (headers, status) in [(vec![HEADER, PAGE], 302), (vec![HEADER], 403)] {
        stub.next(answer(403, &[], &told.to_string()));
        let stepped = server.gateway("GET", ASKED, &headers).await;
        assert_eq!(stepped.status, status, "{stepped:?}");
        let way = match status {
            302 => stepped.header("location").to_owned(),
            _ => stepped.body["redirect_browser_to"].as_str().unwrap().to_owned(),
        };
        assert!(way.starts_with("https://upstream.example/login?aal=aal2"), "{way}");
    }
    stub.next(answer(403, &[], r#"{"error":{"id":"session_inactive","code":403}}"#));
    assert_eq!(server.gateway("GET", ASKED, &[HEADER, PAGE]).await.status, 403);
}

#[tokio::test]
async fn trouble_of_the_upstream_is_never_a_sign_in() {
    let (server, stub) = asked_by_proxies().await;
    stub.next(answer(500, &[], "{}"));
    let broken = server.gateway("GET", ASKED, &[HEADER, PAGE]).await;
    assert_eq!(broken.status, 503, "{broken:?}");
    stub.next(answer(429, &[("retry-after", "600")], "{}"));
    for _ in 0..2 {
        let paused = server.gateway("GET", ASKED, &[HEADER, PAGE]).await;
        assert_eq!(paused.status, 503, "{paused:?}");
        assert!(paused.header("retry-after").parse::<u32>().is_ok_and(|left| left > 500), "{paused:?}");
    }
    assert_eq!(stub.asked().len(), 2, "nobody is sent there during the pause");
}
