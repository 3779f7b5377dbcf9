//! What the layers around handlers do, on every route of both ports.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::routing::get;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::testing::{TestServer, whole};
use sessera_contract::layers;

/// A route as the documents describe it.
struct Route {
    method: String,
    path: String,
    takes_body: bool,
    is_public: bool,
}

/// All routes of both ports, and what the documents do not describe, with something in the place of each parameter.
async fn routes(server: &TestServer) -> Vec<Route> {
    let mut routes = Vec::new();
    for is_public in [true, false] {
        let document = if is_public {
            server.public("GET", "/openapi.json", &[], None).await.body
        } else {
            server.admin("GET", "/openapi.json", None).await.body
        };
        for (path, methods) in document["paths"].as_object().unwrap() {
            let part = |part: &str| if part.starts_with('{') { "none".to_owned() } else { part.to_owned() };
            let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
            for (method, route) in methods.as_object().unwrap() {
                let takes_body = route["requestBody"].is_object();
                routes.push(Route {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    takes_body,
                    is_public,
                });
            }
        }
    }
    let page = |method: &str, path: &str| Route {
        method: method.into(),
        path: path.into(),
        takes_body: method == "POST",
        is_public: true,
    };
    routes.extend([page("GET", "/"), page("GET", "/ui/login"), page("POST", "/ui/settings/sessions")]);
    routes
}

/// Sends a request and returns status, headers and body, whatever the documents say.
async fn send(
    server: &TestServer,
    route: &Route,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, HeaderMap, Value) {
    let router = if route.is_public { server.public_router() } else { server.admin_router() };
    let mut request =
        Request::builder().method(route.method.as_str()).uri(&route.path).header("host", "127.0.0.1:4434");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let (parts, body) = whole(response).await;
    (parts.status.as_u16(), parts.headers, serde_json::from_slice(&body).unwrap_or_default())
}

const JSON: (&str, &str) = ("content-type", "application/json");

/// What pages of other sites may send: questions that change nothing, and the answers of providers, some of which come as
/// a form that the browser sends from there. Those count only with the flow and the cookie of the browser that was sent there.
const OPEN: [&str; 4] = [
    "/sessions/whoami",
    "/oauth2/token",
    "/self-service/methods/oidc/callback",
    "/self-service/methods/oidc/callback/none",
];

#[tokio::test]
async fn what_a_page_of_another_site_sends_changes_nothing() {
    let server = TestServer::start().await;
    for route in routes(&server).await.into_iter().filter(|route| route.is_public && route.method != "GET") {
        for foreign in [
            vec![("origin", "https://evil.example")],
            vec![("origin", "null")],
            vec![("origin", "http://127.0.0.1:4434")],
            vec![("origin", "https://127.0.0.1:4433")],
            vec![("origin", "http://127.0.0.1:4433.evil.example")],
            vec![("origin", "")],
            vec![("sec-fetch-site", "cross-site")],
            vec![("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            vec![("origin", "https://evil.example"), ("x-session-token", "x")],
            vec![("origin", "http://127.0.0.1:4433"), ("sec-fetch-site", "cross-site")],
        ] {
            for media_type in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
                let headers =
                    [foreign.as_slice(), &[("content-type", media_type), ("accept", "text/html")]].concat();
                let (status, headers, body) = send(&server, &route, &headers, b"{}".to_vec()).await;
                let is_open = OPEN.contains(&route.path.as_str());
                let is_refused = status == 403 && body["error"]["id"] == "security_csrf_violation";
                assert_eq!(
                    is_refused, !is_open,
                    "{} {} {foreign:?}: {status} {body}",
                    route.method, route.path
                );
                assert!(!headers.contains_key("set-cookie"), "{} {}", route.method, route.path);
            }
        }
    }
}

#[tokio::test]
async fn what_a_known_page_or_a_program_sends_is_read() {
    let server = TestServer::configured(json!({
        "serve": {"public": {"cors": {"enabled": true, "allowed_origins": ["https://app.example.org"]}}},
        "selfservice": {
            "allowed_return_urls": ["https://spa.example.net/back", "myapp://callback"],
            "default_browser_return_url": "https://www.example.org/",
            "flows": {"login": {"ui_url": "https://login.example.org/in"}},
        },
    }))
    .await;
    let known = [
        vec![],
        vec![("sec-fetch-site", "none")],
        vec![("sec-fetch-site", "same-site")],
        vec![("origin", "http://127.0.0.1:4433")],
        vec![("origin", "http://127.0.0.1:4433"), ("sec-fetch-site", "same-origin")],
        vec![("origin", "https://app.example.org"), ("sec-fetch-site", "cross-site")],
        vec![("origin", "https://spa.example.net"), ("sec-fetch-site", "cross-site")],
        vec![("origin", "https://login.example.org"), ("sec-fetch-site", "same-site")],
        vec![("origin", "https://www.example.org")],
    ];
    for route in routes(&server).await.into_iter().filter(|route| route.is_public && route.method != "GET") {
        for headers in &known {
            let headers = [headers.as_slice(), &[JSON]].concat();
            let (status, _, body) = send(&server, &route, &headers, b"{}".to_vec()).await;
            let is_refused = body["error"]["id"] == "security_csrf_violation";
            assert!(!is_refused, "{} {} {headers:?}: {status} {body}", route.method, route.path);
        }
        for origin in
            ["myapp://callback", "null", "https://spa.example.net.evil.example", "http://login.example.org"]
        {
            let (status, _, _) = send(&server, &route, &[("origin", origin), JSON], b"{}".to_vec()).await;
            let is_open = OPEN.contains(&route.path.as_str());
            assert_eq!(status == 403, !is_open, "{} {} {origin}", route.method, route.path);
        }
    }
}

#[tokio::test]
async fn where_every_page_may_call_it_acts_for_a_token_of_its_own_only() {
    let cors = json!({"enabled": true, "allowed_origins": ["*"]});
    let server = TestServer::configured(json!({"serve": {"public": {"cors": cors}}})).await;
    server.person("ada@example.org").await;
    let (token, _) = server.signed_in("ada@example.org").await;
    let origin = ("origin", "https://anywhere.example");
    let by_token = [origin, ("x-session-token", token.as_str())];
    assert_eq!(server.public("DELETE", "/sessions", &by_token, None).await.status, 200);
    let cookie = format!("ory_kratos_session={token}");
    assert_eq!(server.public("DELETE", "/sessions", &[origin, ("cookie", &cookie)], None).await.status, 403);
}

#[tokio::test]
async fn every_answer_forbids_to_guess_its_media_type() {
    let server = TestServer::start().await;
    let mut routes = routes(&server).await;
    for is_public in [true, false] {
        for (method, path) in [
            ("GET", "/none"),
            ("TRACE", "/health/alive"),
            ("POST", "/health/alive"),
            ("OPTIONS", "/sessions/whoami"),
        ] {
            routes.push(Route { method: method.into(), path: path.into(), takes_body: false, is_public });
        }
    }
    for route in &routes {
        for headers in [
            vec![],
            vec![("origin", "https://evil.example")],
            vec![("x-session-token", "a"), ("x-session-token", "b")],
        ] {
            for body in [vec![], b"{".to_vec(), vec![b' '; 9_000_000]] {
                if body.len() > 1 && !route.takes_body {
                    continue;
                }
                let headers = [headers.as_slice(), &[JSON]].concat();
                let (status, headers, _) = send(&server, route, &headers, body).await;
                let told = headers.get("x-content-type-options").map(HeaderValue::as_bytes);
                assert_eq!(told, Some(&b"nosniff"[..]), "{} {}: {status}", route.method, route.path);
            }
        }
    }
    server.person("ada@example.org").await;
    let (token, _) = server.signed_in("ada@example.org").await;
    let plain = server.public("GET", "/sessions/whoami", &[("x-session-token", &token)], None).await;
    assert_eq!((plain.status, plain.header("x-content-type-options")), (200, "nosniff"), "from memory");
}

#[tokio::test]
async fn answers_to_what_fails_forbid_it_too() {
    async fn fails() -> &'static str {
        panic!("on purpose")
    }
    let server = TestServer::start().await;
    tokio::time::pause();
    let hangs = std::future::pending::<&str>;
    let observer = server.app.observer("public");
    let router =
        layers::wrap(Router::new().route("/fails", get(fails)).route("/hangs", get(hangs)), observer);
    for (path, status) in [("/fails", 500), ("/hangs", 503)] {
        let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}

/// The bound of each route is written down here once more, so that a change of one is noticed.
fn largest(route: &Route) -> usize {
    const KIB: usize = 1024;
    match (route.is_public, route.path.as_str()) {
        (
            true,
            "/self-service/login"
            | "/self-service/registration"
            | "/self-service/settings"
            | "/self-service/recovery"
            | "/self-service/verification",
        ) => 256 * KIB,
        (true, _) => 64 * KIB,
        (false, "/admin/identities") if route.method == "PATCH" => 8 * KIB * KIB,
        (false, "/oauth2/introspect" | "/oauth2/revoke") => 384 * KIB,
        (false, _) => KIB * KIB,
    }
}

#[tokio::test]
async fn every_route_takes_a_body_as_large_as_it_needs_and_no_larger() {
    let server = TestServer::start().await;
    for route in routes(&server).await.into_iter().filter(|route| route.takes_body) {
        let largest = largest(&route);
        let (status, _, _) = send(&server, &route, &[JSON], vec![b' '; largest]).await;
        assert_ne!(status, 413, "{} {}", route.method, route.path);
        let (status, _, body) = send(&server, &route, &[JSON], vec![b' '; largest + 1]).await;
        assert_eq!(status, 413, "{} {}: {body}", route.method, route.path);
    }
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_body() {
    let server = TestServer::start().await;
    for get in routes(&server).await.into_iter().filter(|route| route.method == "GET") {
        let head = Route { method: "HEAD".into(), path: get.path.clone(), ..get };
        let (status, headers, _) = send(&server, &get, &[], Vec::new()).await;
        let (head_status, head_headers, body) = send(&server, &head, &[], Vec::new()).await;
        // What acts when it is asked for does nothing.
        let acts = ["/self-service/", "/sessions/token-exchange", "/ui/"];
        if get.is_public && acts.iter().any(|path| get.path.starts_with(path)) {
            assert_eq!((head_status, &body), (204, &Value::Null), "{}", get.path);
            continue;
        }
        assert_eq!((head_status, &body), (status, &Value::Null), "{}", get.path);
        assert_eq!(head_headers.get("content-type"), headers.get("content-type"), "{}", get.path);
    }
}

#[tokio::test]
async fn what_two_readers_could_understand_differently_is_refused_on_every_route() {
    let server = TestServer::start().await;
    for mut route in routes(&server).await {
        let twice = [("x-session-token", "a"), ("x-session-token", "b")];
        assert_eq!(send(&server, &route, &twice, Vec::new()).await.0, 400, "{} {}", route.method, route.path);
        let (status, _, _) = send(&server, &route, &[("host", "localhost")], Vec::new()).await;
        assert_eq!(status, 400, "two hosts: {} {}", route.method, route.path);
        route.path.push_str("?a=%ff");
        assert_eq!(send(&server, &route, &[], Vec::new()).await.0, 400, "{} {}", route.method, route.path);
    }
}
