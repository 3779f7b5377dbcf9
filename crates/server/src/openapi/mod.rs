//! The OpenAPI 3.1 documents of both ports, made from the handlers.
//!
//! Handlers describe what they answer themselves; [`complete`] adds what the layers around them answer.
//! docs/openapi has both documents as they are served.

mod complete;
mod flows;
#[cfg(test)]
pub(crate) mod tests;

use axum::Router;
use axum::http::header;
use axum::routing::{MethodRouter, get};
use utoipa::openapi::{InfoBuilder, OpenApi};
use utoipa_axum::router::OpenApiRouter;

pub(crate) use sessera_openapi::*;

use crate::app::AppState;

use complete::complete;
pub(crate) use complete::{ADMIN_TOKEN, Port, operations, operations_mut};
pub(crate) use flows::{ComesBack, ReadsFlow, TakesForm};

/// The routes of a port, and the document that describes them.
pub(crate) fn described(routes: OpenApiRouter<AppState>, port: Port) -> (Router<AppState>, OpenApi) {
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
pub(crate) fn route(document: &OpenApi) -> MethodRouter<AppState> {
    let json = document.to_json().unwrap_or_default();
    get(move || {
        let json = json.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], json) }
    })
}
