//! The public API: what browsers, native clients and verifiers call. One file per route group.

pub(crate) mod answer;
pub(crate) mod caller;
pub(crate) mod errors;
pub(crate) mod exchange;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod recovery;
pub(crate) mod registration;
mod schemas;
pub(crate) mod sessions;
pub(crate) mod settings;
mod token;
pub(crate) mod verification;
mod well_known;
pub(crate) mod whoami;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;

use crate::app::{App, AppState};
use crate::openapi::{self, Port};
use crate::public::caller::Caller;
use crate::public::well_known::PublishedKeys;
use crate::{health, http, pages};

/// All routes of the public API with their description.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(whoami::router())
        .merge(sessions::router())
        .merge(login::router())
        .merge(registration::router())
        .merge(logout::router())
        .merge(settings::router())
        .merge(recovery::router())
        .merge(verification::router())
        .merge(exchange::router())
        .merge(errors::router())
        .merge(schemas::router())
        .merge(well_known::router())
        .merge(token::router())
        .merge(health::router())
}

/// The routes of identity schemas, which both ports have.
pub(crate) fn schemas_router() -> OpenApiRouter<AppState> {
    schemas::router()
}

/// What no route has: documents of issuers, which the configuration names, or nothing.
async fn elsewhere(
    State(app): State<Arc<App>>,
    State(keys): State<PublishedKeys>,
    caller: Caller,
    method: Method,
    uri: Uri,
) -> Response {
    match keys.of_issuer(&method, uri.path(), &caller.headers) {
        Some(found) => found,
        None => pages::not_found(State(app), caller).await,
    }
}

/// The public API, ready to be served.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (router, document) = openapi::described(routes(), Port::Public);
    let router = router.route("/openapi.json", openapi::route(&document)).merge(pages::router());
    let router = http::layers::complete(router)
        .fallback(elsewhere)
        .layer(http::cors::layer(&app.snapshots))
        .layer(axum::middleware::map_response(http::cors::tidy));
    http::layers::wrap(router.with_state(AppState::from(app.clone())), "public", &app)
}
