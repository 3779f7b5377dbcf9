//! The OpenAPI 3.1 document of a port, made from its handlers.
//!
//! Handlers describe what they answer themselves, with the bodies of [`sessera_openapi`]; `complete.rs` adds what the
//! layers around them answer. docs/openapi has the documents as they are served.

mod complete;

use axum::Router;
use axum::http::header;
use axum::routing::{MethodRouter, get};
use utoipa::openapi::{InfoBuilder, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use complete::complete;
pub use complete::{ADMIN_TOKEN, Port, operations, operations_mut};

/// The routes of a port, and the document that describes them.
pub fn described<S>(routes: OpenApiRouter<S>, port: Port) -> (Router<S>, OpenApi)
where
    S: Clone + Send + Sync + 'static,
{
    let title = match port {
        Port::Public => "Sessera public API",
        Port::Admin => "Sessera admin API",
    };
    let (router, mut document) = routes.split_for_parts();
    document.info = InfoBuilder::new().title(title).version(env!("CARGO_PKG_VERSION")).build();
    complete(&mut document, port);
    (router, document)
}

/// The route that serves a document.
pub fn route<S>(document: &OpenApi) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let json = document.to_json().unwrap_or_default();
    get(move || {
        let json = json.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], json) }
    })
}
