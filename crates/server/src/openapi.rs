//! The OpenAPI 3.1 document, made from the handlers, and the bodies they share.

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

/// An error answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorDetail {
    /// The HTTP status.
    pub code: u16,
    /// The HTTP status in words.
    pub status: String,
    /// A machine-readable id, where there is one.
    pub id: Option<String>,
    /// What to do about it.
    pub reason: String,
    /// What happened.
    pub message: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionBody {
    /// Its id.
    pub id: String,
    /// Whether it is good now.
    pub active: bool,
    /// When it ends (RFC 3339).
    pub expires_at: String,
    /// When its owner last signed in with it.
    pub authenticated_at: String,
    /// `aal1` or `aal2`.
    pub authenticator_assurance_level: String,
    /// Every proof given.
    pub authentication_methods: Vec<serde_json::Value>,
    /// When it was made.
    pub issued_at: String,
    /// Whose it is.
    pub identity: Option<serde_json::Value>,
    /// From where it was used to sign in.
    pub devices: Vec<serde_json::Value>,
    /// The signed JSON Web Token, when `tokenize_as` asked for one.
    pub tokenized: Option<String>,
}

/// The head of the document; the routers add their paths.
pub(crate) fn document(title: &str) -> OpenApi {
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title(title).version(env!("CARGO_PKG_VERSION")).build())
        .build()
}

/// The route that serves a document.
pub(crate) fn route(document: &OpenApi) -> axum::routing::MethodRouter<crate::app::AppState> {
    let json = document.to_json().unwrap_or_default();
    axum::routing::get(move || {
        let json = json.clone();
        async move { ([(axum::http::header::CONTENT_TYPE, "application/json")], json) }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::Router;
    use serde_json::Value;

    use crate::testing::TestServer;

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
    fn example(path: &str) -> String {
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
        routes.retain(|path| !path.starts_with("/ui/"));
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
}
