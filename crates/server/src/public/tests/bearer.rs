//! Signed tokens as credentials: taken at one place, and there only as configured.

use std::time::Duration;

use serde_json::{Value, json};

use crate::testing::{Answer, TestServer, damaged};

const ADA: &str = "ada@example.org";
const US: &str = "http://127.0.0.1:4433/";
const WHOAMI: &str = "/sessions/whoami";

/// A server with templates, and Ada's session: its token and its id.
async fn server() -> (TestServer, String, String) {
    let server = TestServer::start().await;
    assert_eq!(server.admin("POST", "/admin/keys/k", Some(json!({"alg": "ES256"}))).await.status, 201);
    let template = |audience: Value, bearer: Value| json!({"jwks_url": "set://k", "ttl": "10m", "audience": audience, "bearer": bearer});
    let templates = json!({
        "good": template(json!(US), json!(true)),
        "list": template(json!(["https://api.example.org", "http://127.0.0.1:4433"]), json!(true)),
        "unmarked": template(json!(US), Value::Null),
        "switched_off": template(json!(US), json!(false)),
        "for_others": template(json!("https://api.example.org"), json!(true)),
        "for_nobody": template(Value::Null, json!(true)),
    });
    let patch = json!([{"op": "add", "path": "/services/identity/config/session/whoami/tokenizer/templates",
        "value": templates}]);
    let patched = server.admin("PATCH", "/projects/default", Some(patch)).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    server.person(ADA).await;
    let (token, session) = server.signed_in(ADA).await;
    (server, token, session)
}

async fn tokenize(server: &TestServer, token: &str, template: &str) -> String {
    let path = format!("{WHOAMI}?tokenize_as={template}");
    let answer = server.public("GET", &path, &[("x-session-token", token)], None).await;
    answer.body["tokenized"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

async fn whoami(server: &TestServer, jwt: &str) -> Answer {
    server.public("GET", WHOAMI, &[("authorization", &format!("Bearer {jwt}"))], None).await
}

#[tokio::test]
async fn templates_that_are_marked_and_for_this_server_give_bearers_of_whoami() {
    let (server, token, _) = server().await;
    let expected = server.public("GET", WHOAMI, &[("x-session-token", &token)], None).await;
    for template in ["good", "list"] {
        let answer = whoami(&server, &tokenize(&server, &token, template).await).await;
        assert_eq!((answer.status, &answer.body), (200, &expected.body), "{template}");
        assert!(answer.header("cache-control").contains("no-store"));
    }
    for template in ["unmarked", "switched_off", "for_others", "for_nobody"] {
        let answer = whoami(&server, &tokenize(&server, &token, template).await).await;
        assert_eq!(answer.status, 401, "{template}: {answer:?}");
    }
}

#[tokio::test]
async fn a_bearer_is_good_while_its_token_and_its_session_are() {
    let (server, token, session) = server().await;
    let jwt = tokenize(&server, &token, "good").await;
    assert_eq!(whoami(&server, &damaged(&jwt)).await.status, 401, "not signed by us");
    server.clock.advance(Duration::from_secs(599));
    assert_eq!(whoami(&server, &jwt).await.status, 200);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(whoami(&server, &jwt).await.status, 401, "it has ended");
    let jwt = tokenize(&server, &token, "good").await;
    assert_eq!(whoami(&server, &jwt).await.status, 200);
    let path = "/services/identity/config/session/whoami/tokenizer/templates/good/bearer";
    let mark = |bearer: bool| json!([{"op": "replace", "path": path, "value": bearer}]);
    server.admin("PATCH", "/projects/default", Some(mark(false))).await;
    assert_eq!(whoami(&server, &jwt).await.status, 401, "no longer configured");
    server.admin("PATCH", "/projects/default", Some(mark(true))).await;
    assert_eq!(whoami(&server, &jwt).await.status, 200);
    assert_eq!(server.admin("DELETE", &format!("/admin/sessions/{session}"), None).await.status, 204);
    assert_eq!(whoami(&server, &jwt).await.status, 401, "its session was revoked");
}

#[tokio::test]
async fn a_signed_token_opens_nothing_else() {
    let (server, token, session) = server().await;
    let jwt = tokenize(&server, &token, "good").await;
    assert_eq!(whoami(&server, &jwt).await.status, 200);
    let document = server.public("GET", "/openapi.json", &[], None).await.body;
    let mut routes = vec![
        ("GET", "/".to_owned()),
        ("GET", "/ui/settings".into()),
        ("POST", "/ui/settings/sessions".into()),
    ];
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = ["GET", "POST", "PUT", "PATCH", "DELETE"]
                .into_iter()
                .find(|known| known.eq_ignore_ascii_case(method));
            let path = path.split('/').map(|part| if part.starts_with('{') { &session } else { part });
            routes.push((method.unwrap(), path.collect::<Vec<_>>().join("/")));
        }
    }
    assert!(routes.len() > 30, "{routes:?}");
    routes.extend(["POST", "PUT", "PATCH", "DELETE"].map(|method| (method, WHOAMI.to_owned())));
    routes.push(("GET", format!("{WHOAMI}?tokenize_as=good")));
    let garbage = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA";
    for (method, path) in routes {
        for header in ["authorization", "x-session-token", "x-session-cookie", "cookie"] {
            if (method, path.as_str(), header) == ("GET", WHOAMI, "authorization") {
                continue;
            }
            let ask = async |jwt: &str| {
                let value = match header {
                    "authorization" => format!("Bearer {jwt}"),
                    "cookie" => format!("ory_kratos_session={jwt}"),
                    _ => jwt.to_owned(),
                };
                let body = (method != "GET").then(|| json!({"session_token": jwt}));
                let answer = server
                    .public(method, &path, &[(header, &value), ("accept", "application/json")], body)
                    .await;
                (answer.status, answer.reason().to_owned())
            };
            assert_eq!(ask(&jwt).await, ask(garbage).await, "{method} {path} with {header}");
        }
    }
    let live = server.admin("GET", &format!("/admin/sessions/{session}"), None).await;
    assert_eq!(live.body["active"], true, "nobody was signed out");
}
