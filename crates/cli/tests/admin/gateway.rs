//! The gateway over HTTP: what proxies are answered, in which dialect they may ask, and how routes change.

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::Value;

use crate::server::Server;

/// As a browser asks for a page.
const PAGE: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

const ROUTE: &str = r#"/gateway/routes/api={"template":"api","headers":{"X-User-Id":"sub"}}"#;

/// What a proxy was answered.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A server with a gateway, whose route `api` gives tokens.
fn started() -> Server {
    let server = Server::start_with(&[
        ("SERVE_GATEWAY_ENABLED", "true"),
        ("SERVE_GATEWAY_PORT", "0"),
        ("SELFSERVICE_ALLOWED_RETURN_URLS", "https://app.example/"),
    ]);
    server.run(&["create", "jwk", "k", "--alg", "ES256"]).good();
    let template = r#"/session/whoami/tokenizer/templates/api={"jwks_url":"set://k"}"#;
    server.run(&["patch", "identity-config", "--add", template, "--add", ROUTE]).good();
    server
}

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let mut request = client.request(method, format!("{}{path}", server.gateway()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, body: serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default() }
}

#[tokio::test]
async fn three_dialects_give_the_same_answers_in_their_own_ways() {
    let server = started();
    let token = server.register("ada@example.org").await;
    let own = ("x-session-token", token.as_str());
    let told =
        [("x-forwarded-proto", "https"), ("x-forwarded-host", "app.example"), ("x-forwarded-uri", "/in?a=b")];
    for path in ["/auth-request?route=api", "/forward-auth?route=api", "/ext-authz/api/in?a=b"] {
        let passed = ask(&server, Method::GET, path, &[own, ("cookie", "a=1"), told[0]]).await;
        assert_eq!(passed.status, 200, "{path}");
        assert!(passed.header("authorization").unwrap().starts_with("Bearer ey"), "{path}");
        assert!(passed.header("x-user-id").unwrap().len() == 36, "{path}");
        assert_eq!(passed.header("x-session-token"), Some(""), "{path}");
        assert!(passed.header("cache-control").unwrap().contains("no-store"), "{path}");
        let is_envoy = path.starts_with("/ext");
        assert_eq!(passed.header("cookie"), (!is_envoy).then_some("a=1"), "{path}");
        let removed = passed.header("x-envoy-auth-headers-to-remove");
        assert_eq!(removed, is_envoy.then_some("x-session-token,x-session-cookie"), "{path}");

        let refused = ask(&server, Method::GET, path, &told).await;
        assert_eq!((refused.status, &refused.body["error"]["code"]), (401, &401.into()), "{path}");
        assert!(refused.header("location").is_none() && refused.header("x-redirect-to").is_none(), "{path}");
    }
    let page = [PAGE, told[0], told[1], told[2]];
    let way = "/self-service/login/browser?return_to=https%3A%2F%2Fapp.example%2Fin%3Fa%3Db";
    let refused = ask(&server, Method::GET, "/auth-request?route=api", &page).await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("x-redirect-to").unwrap().ends_with(way));
    for (method, status) in [("GET", 302), ("HEAD", 302), ("POST", 303)] {
        let method = [("x-forwarded-method", method)];
        let sent = ask(&server, Method::GET, "/forward-auth?route=api", &[&page[..], &method].concat()).await;
        assert_eq!(sent.status, status);
        assert!(sent.header("location").unwrap().ends_with(way));
    }
    let sent =
        ask(&server, Method::POST, "/ext-authz/api/in?a=b", &[PAGE, told[0], ("host", "app.example")]).await;
    assert_eq!(sent.status, 303);
    assert!(sent.header("location").unwrap().ends_with(way), "{:?}", sent.headers);
}

#[tokio::test]
async fn the_gateway_is_observed_like_the_rest() {
    let server = started();
    let token = server.register("ada@example.org").await;
    for _ in 0..3 {
        let headers = [("x-session-token", token.as_str()), ("x-request-id", "from-the-proxy")];
        let passed = ask(&server, Method::GET, "/forward-auth?route=api", &headers).await;
        assert_eq!(passed.header("x-request-id"), Some("from-the-proxy"));
    }
    assert_eq!(ask(&server, Method::GET, "/forward-auth", &[]).await.status, 401);
    let unknown = ask(&server, Method::GET, "/forward-auth?route=nope", &[]).await;
    assert_eq!(unknown.status, 500);
    assert!(unknown.body["error"]["reason"].as_str().unwrap().contains("no route \"nope\""));
    assert_eq!(ask(&server, Method::GET, "/elsewhere", &[]).await.status, 404);
    assert_eq!(ask(&server, Method::GET, "/health/ready", &[]).await.status, 200);
    let metrics = reqwest::get(format!("{}/metrics/prometheus", server.admin())).await.unwrap();
    let metrics = metrics.text().await.unwrap();
    for line in [
        "sessera_gateway_decisions_total{dialect=\"forward-auth\",outcome=\"pass\",route=\"api\"} 3",
        "sessera_gateway_decisions_total{dialect=\"forward-auth\",outcome=\"sign_in\",route=\"default\"} 1",
        "sessera_gateway_decisions_total{dialect=\"forward-auth\",outcome=\"no_route\",route=\"(none)\"} 1",
        "sessera_reused_tokens_total 2",
        "sessera_requests_total{api=\"gateway\",method=\"GET\",route=\"/forward-auth\",status=\"200\"} 3",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
}

#[tokio::test]
async fn routes_change_like_templates() {
    let server = started();
    let token = server.register("ada@example.org").await;
    let own = [("x-session-token", token.as_str())];
    let first = ask(&server, Method::GET, "/forward-auth?route=api", &own).await;
    let change = "/session/whoami/tokenizer/templates/api/ttl=\"5m\"";
    server.run(&["patch", "identity-config", "--add", change]).good();
    let second = ask(&server, Method::GET, "/forward-auth?route=api", &own).await;
    assert_ne!(first.header("authorization"), second.header("authorization"), "another template");
    server.run(&["patch", "identity-config", "--replace", "/gateway/routes/api/header=\"X-Token\""]).good();
    let third = ask(&server, Method::GET, "/forward-auth?route=api", &own).await;
    assert!(third.header("x-token").unwrap().starts_with("ey"));
    for (change, place) in [
        ("/gateway/routes/api/template=\"gone\"", "/gateway/routes/api/template"),
        ("/gateway/routes/api/session=\"maybe\"", "/gateway/routes/api/session"),
        ("/gateway/routes/b={\"headers\":{\"X-A\":\"sub\"}}", "/gateway/routes/b/headers"),
        ("/gateway/routes/api/hedder=\"X\"", "/gateway/routes/api/hedder"),
    ] {
        let told = server.run(&["patch", "identity-config", "--add", change]).refused();
        assert!(told.contains(place), "{told}");
    }
    let told = server.run(&[
        "patch",
        "identity-config",
        "--remove",
        "/session/whoami/tokenizer/templates/api",
        "--yes",
    ]);
    assert!(told.refused().contains("/gateway/routes/api/template"), "a route needs it");
    let listed = server.run(&["list", "routes", "--format", "json"]).json();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|route| route["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["api", "default"]);
    assert_eq!((&listed[0]["state"], &listed[0]["header"]), (&"ready".into(), &"X-Token".into()));
    let strict = r#"/gateway/routes/strict={"template":"api","aal":"aal2","schema_ids":["default"],"on_missing":"401"}"#;
    let lax = r#"/gateway/routes/lax={"session":"optional","aal":"highest_available"}"#;
    server.run(&["patch", "identity-config", "--add", strict, "--add", lax]).good();
    let table = server.run(&["list", "routes"]).good().out;
    let of = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(of("strict").contains("session, aal2, default   401 "), "{table}");
    assert!(of("lax").contains("anybody, highest aal     redirect "), "{table}");
    assert!(of("default").contains("session                  redirect "), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let printed = server.run(&["proxy-config", "nginx", "--route", "api"]).good();
    assert!(printed.out.contains("proxy_set_header X-Token $sessera_x_token;"), "{}", printed.out);
    let address = server.gateway().strip_prefix("http://").unwrap();
    assert!(printed.out.contains(&format!("server {address};")), "{}", printed.out);
    assert!(
        printed.err.contains(&format!("{address}, where it is as the running server says")),
        "{printed:?}"
    );
}
