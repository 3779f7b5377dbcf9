//! Routes of the gateway, and requests that are tried on them.

use base64::Engine as _;
use serde_json::{Value, json};
use sessera_model::Role;

use super::{Browser, ada, closed, encoded, put, with_template};
use crate::testing::TestServer;

/// A server with a gateway, a template and Ada.
async fn with_gateway() -> (TestServer, String) {
    let built_in = include_str!("../../../../accounts/src/schema/default.schema.json");
    let schema = format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(built_in));
    let server = TestServer::configured(json!({
        "identity": {"schemas": [{"id": "default", "url": schema}, {"id": "staff", "url": schema}]},
        "serve": {
            "admin": {"token": ["a-token-of-the-configuration-1"]},
            "gateway": {"enabled": true, "trusted_proxies": ["10.9.9.9"]},
        },
    }))
    .await;
    with_template(&server).await;
    server.maintain().await;
    let route = json!({"template": "api", "headers": {"X-User-Id": "sub"}, "schema_ids": []});
    add_route(&server, "api", &route).await;
    let ada = ada(&server).await;
    (server, ada)
}

async fn add_route(server: &TestServer, name: &str, route: &Value) {
    use sessera_node::configuration::{Hopeless, Terms};
    let path = format!("/services/identity/config/gateway/routes/{name}");
    let patch = json!([{"op": "add", "path": path, "value": route}]);
    let terms = Terms { hopeless: Hopeless::Allowed, role: Role::Owner };
    server.app.configuration.patch(&patch, None, terms).await.unwrap();
}

fn form(route: &str, headers: &str, whom: &str) -> String {
    let url = encoded("https://app.example.org/inbox?a=b");
    format!("route={route}&method=GET&url={url}&headers={}&whom={}", encoded(headers), encoded(whom))
}

#[tokio::test]
async fn a_request_is_tried_as_a_proxy_asks_about_it_and_nothing_is_left_of_it() {
    let (server, ada) = with_gateway().await;
    let (_, native) = server.signed_in("ada@example.org").await;
    server.browser("ada@example.org").await;
    let mut viewer = Browser::signed_in(&server, "viewer", Role::Viewer).await;
    let page = viewer.get("/console/routes").await;
    for text in ["href=\"/console/routes\"", "href=\"/console/templates/api\"", "x-user-id: sub", ">default<"]
    {
        assert!(page.text.to_lowercase().contains(text), "{text}: {page:?}");
    }
    let numbers = || {
        let issuer = &server.app.metrics.issuer;
        (issuer.cache_misses.get(), issuer.cache_hits.get(), issuer.mapper_fuel.get_sample_count())
    };
    let (before, cached) = (numbers(), server.app.sessions.cache().len());
    let headers = "Accept: text/html\nCookie: a=1; ory_kratos_session=other\nX-User-Id: evil\nX-Session-Token: evil\nX-Other: <b>";
    for whom in ["ADA@example.org", &ada, &native] {
        let tried = viewer.send("/console/routes", &form("api", headers, whom)).await;
        assert!(tried.text.contains("It passes, with the session."), "{whom}: {tried:?}");
        for text in ["token of the template api, ", &ada, "does not reach it", "&lt;b&gt;", ">a=1<"] {
            assert!(tried.text.contains(text), "{text}: {tried:?}");
        }
        assert!(
            !tried.text.contains(">Bearer ") && !tried.text.contains(">ey"),
            "no token is shown: {tried:?}"
        );
        let typed = tried.text.matches("ory_kratos_session=other").count();
        assert_eq!(typed, 1, "it stands in the form alone, because a session was chosen: {tried:?}");
    }
    let nobody = viewer.send("/console/routes", &form("api", "Accept: text/html", "")).await;
    let way = "/self-service/login/browser</p>";
    assert!(nobody.text.contains("nobody is signed in") && nobody.text.contains(way), "{nobody:?}");
    let script = viewer.send("/console/routes", &form("api", "Accept: */*", "")).await;
    assert!(script.text.contains("(401)"), "{script:?}");
    assert_eq!((numbers(), server.app.sessions.cache().len()), (before, cached));
    for outcome in ["pass", "sign_in"] {
        let counted =
            server.app.metrics.gateway_decisions.with_label_values(&["api", "forward-auth", outcome]);
        assert_eq!(counted.get(), 0, "{outcome}");
    }
}

#[tokio::test]
async fn a_session_that_is_over_or_does_not_do_is_judged_so() {
    let (server, ada) = with_gateway().await;
    add_route(&server, "staff", &json!({"template": "api", "schema_ids": ["staff"]})).await;
    add_route(&server, "two", &json!({"aal": "aal2"})).await;
    add_route(&server, "any", &json!({"session": "optional"})).await;
    put(&server, "broken", &json!({"jwks_url": "set://keys", "claims_mapper_url": "base64://e2NsYWltczoge3g6IGVycm9yICdubyd9fQ=="}))
        .await;
    add_route(&server, "broken", &json!({"template": "broken"})).await;
    let (opens, session) = server.signed_in("ada@example.org").await;
    let mut ops = Browser::signed_in(&server, "ops", Role::Operator).await;
    for (route, said) in [
        ("staff", "people of other schemas"),
        ("two", "a second factor"),
        ("broken", "before somebody mends this"),
        ("none", "There is no route &quot;none&quot;"),
    ] {
        let tried = ops.send("/console/routes", &form(route, "Accept: text/html", &session)).await;
        assert!(tried.text.contains(said), "{route}: {tried:?}");
    }
    let pasted = ops.send("/console/routes", &form("api", &format!("X-Session-Token: {opens}"), "")).await;
    assert!(pasted.text.contains("It passes, with the session."), "{pasted:?}");
    assert_eq!(ops.send(&format!("/console/sessions/{session}/end"), "").await.status, 303);
    let over = ops.send("/console/routes", &form("api", "", &session)).await;
    assert!(over.text.contains("nobody is signed in"), "{over:?}");
    let any = ops.send("/console/routes", &form("any", "", &session)).await;
    assert!(any.text.contains("It passes, without a session."), "{any:?}");
    let nobody = ops.send("/console/routes", &form("api", "", &ada)).await;
    assert_eq!(nobody.status, 400, "there is no live session any more");
    assert!(nobody.text.contains("has a live session here"), "{nobody:?}");
}

#[tokio::test]
async fn what_is_no_request_is_named() {
    let (server, _) = with_gateway().await;
    let mut viewer = Browser::signed_in(&server, "viewer", Role::Viewer).await;
    let good = "route=api&method=GET&url=https%3A%2F%2Fa%2F&headers=&whom=";
    for (form, said) in [
        (good.replace("GET", "G%20T"), "no method"),
        (good.replace("https%3A%2F%2Fa%2F", "javascript%3Aalert(1)"), "no address"),
        (good.replace("headers=", "headers=%3Cb%3E"), "&quot;&lt;b&gt;&quot; is no header"),
    ] {
        let refused = viewer.send("/console/routes", &form).await;
        assert_eq!(refused.status, 400, "{form}");
        assert!(refused.text.contains(said), "{said}: {refused:?}");
    }
    assert_eq!(viewer.send("/console/routes", good).await.status, 200);
}

#[tokio::test]
async fn where_no_proxy_asks_there_are_no_routes() {
    let server = closed().await;
    let mut owner = Browser::signed_in(&server, "owner", Role::Owner).await;
    let page = owner.get("/console/routes").await;
    assert_eq!(page.status, 404);
    assert!(page.text.contains("serve.gateway.enabled") && !page.text.contains("href=\"/console/routes\""));
    assert_eq!(owner.send("/console/routes", "").await.status, 404);
}
