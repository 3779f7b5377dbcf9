//! The documents, the routes and the answers are the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use axum::Router;
use serde_json::Value;

use crate::public;
use crate::testing::TestServer;
use sessera_contract::openapi::{Port, described};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What a router answers, by its own account: axum shows its paths only in its debug output. Its
/// fallback stands there as the root and as a wildcard of its own.
fn paths(router: &Router) -> BTreeSet<String> {
    let text = format!("{router:?}");
    text.split("RouteId(")
        .filter_map(|part| part.split_once("): \"")?.1.split_once('"'))
        .map(|(path, _)| path.to_owned())
        .filter(|path| path != "/" && !path.contains("__private"))
        .collect()
}

/// A path with something in the place of each parameter.
pub(crate) fn example(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "none".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

async fn check(server: &TestServer, admin: bool) {
    let call = async |method: &str, path: &str| {
        if admin {
            server.admin(method, path, None).await
        } else {
            server.public(method, path, &[], None).await
        }
    };
    let document = call("GET", "/openapi.json").await.body;
    assert_eq!(document["openapi"], "3.1.0");
    let described = document["paths"].as_object().unwrap();
    let mut routes = paths(if admin { server.admin_router() } else { server.public_router() });
    // The document does not describe itself.
    assert!(routes.remove("/openapi.json"));
    // Pages are for people, not part of the API.
    routes.retain(|path| !path.starts_with("/ui/") && !path.starts_with("/console"));
    // Health and version stand under /admin once more, for those who look for them there.
    let all = routes.clone();
    routes.retain(|path| path.strip_prefix("/admin").is_none_or(|rest| !all.contains(rest)));
    assert_eq!(routes, described.keys().cloned().collect());
    for (path, methods) in described {
        for method in METHODS {
            let answer = call(method, &example(path)).await;
            let known = methods.get(method.to_ascii_lowercase()).is_some_and(Value::is_object);
            // Whoami answers every method as it answers GET: proxies pass on the method they were asked with.
            let known = known || path == "/sessions/whoami";
            assert_eq!(answer.status != 405, known, "{method} {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn the_document_describes_every_route() {
    let server = TestServer::start().await;
    check(&server, false).await;
    check(&server, true).await;
}

/// The documents as they are served.
static DOCUMENTS: LazyLock<[Value; 2]> = LazyLock::new(|| {
    let value = |document: utoipa::openapi::OpenApi| serde_json::to_value(document).unwrap();
    let public = described(public::routes(), Port::Public).1;
    let admin = described(sessera_admin::routes(), Port::Admin).1;
    [value(public), value(admin)]
});

fn document(port: Port) -> &'static Value {
    &DOCUMENTS[usize::from(port == Port::Admin)]
}

/// The description of the route that answers a path, where it is described.
fn route(port: Port, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |template: &str| {
        let (mut parts, mut wanted) = (path.split('/'), template.split('/'));
        loop {
            match (parts.next(), wanted.next()) {
                (None, None) => return true,
                (Some(part), Some(wanted)) if part == wanted || wanted.starts_with('{') => {}
                _ => return false,
            }
        }
    };
    let routes = document(port)["paths"].as_object().unwrap().iter();
    // Of `/identities/by/external/{id}` and `/identities/{id}/credentials/{type}` the first is the more exact.
    let (_, route) = routes
        .filter(|(template, _)| fits(template))
        .min_by_key(|(template, _)| template.matches('{').count())?;
    Some(route)
}

/// Makes sure that an answer has a status that the document names for its route. All tests of the server
/// that ask by HTTP come through here.
pub(crate) fn check_answer(port: Port, method: &str, path: &str, status: u16) {
    let Some(described) = route(port, path).and_then(|route| route.get(method.to_ascii_lowercase())) else {
        return;
    };
    assert!(
        described["responses"].get(status.to_string()).is_some(),
        "{method} {path} answers {status}, which its #[utoipa::path] does not name"
    );
}

#[test]
fn an_answer_that_is_not_described_is_noticed() {
    check_answer(Port::Public, "GET", "/sessions/whoami?tokenize_as=x", 401);
    check_answer(Port::Admin, "DELETE", "/admin/identities/by", 404);
    let unnoticed = std::panic::catch_unwind(|| check_answer(Port::Admin, "GET", "/admin/keys/k/kid", 418));
    assert!(unnoticed.is_err());
}

#[test]
fn the_committed_documents_are_those_that_are_served() {
    for (name, port) in [("public", Port::Public), ("admin", Port::Admin)] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/openapi/{name}.json"));
        let served = serde_json::to_string_pretty(document(port)).unwrap() + "\n";
        if std::env::var_os("SESSERA_BLESS").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &served).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == served,
            "docs/openapi/{name}.json is out of date. Make it anew: SESSERA_BLESS=1 cargo test -p sessera-server openapi"
        );
    }
}

#[test]
fn every_body_has_a_schema_and_every_route_says_who_may_ask() {
    for port in [Port::Public, Port::Admin] {
        for (path, methods) in document(port)["paths"].as_object().unwrap() {
            for (method, route) in methods.as_object().unwrap() {
                assert!(route["security"].is_array(), "{method} {path} does not say who may ask");
                for (status, answer) in route["responses"].as_object().unwrap() {
                    let has_body = !matches!(status.as_str(), "204" | "302" | "303" | "304")
                        && !path.ends_with("/revoke");
                    let contents = answer.get("content").and_then(Value::as_object);
                    let mut contents = contents.into_iter().flat_map(|contents| contents.values());
                    let has_schema = contents.any(|content| content.get("schema").is_some());
                    assert!(has_schema || !has_body, "{method} {path}: the body of {status} has no schema");
                }
            }
        }
    }
}
