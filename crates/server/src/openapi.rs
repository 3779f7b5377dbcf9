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
pub(crate) fn route(document: &OpenApi) -> axum::routing::MethodRouter<std::sync::Arc<crate::app::App>> {
    let json = document.to_json().unwrap_or_default();
    axum::routing::get(move || {
        let json = json.clone();
        async move { ([(axum::http::header::CONTENT_TYPE, "application/json")], json) }
    })
}
