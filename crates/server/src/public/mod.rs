//! The public API: what browsers, native clients and verifiers call. One file per route group.

mod answer;
mod caller;
mod errors;
pub(crate) mod exchange;
mod login;
mod logout;
mod recovery;
mod registration;
mod schemas;
pub(crate) mod sessions;
mod settings;
mod verification;
mod well_known;
mod whoami;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::{health, http, openapi};

/// All routes of the public API with their description.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::document("Sessera public API"))
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
        .merge(health::router())
}

/// The routes of identity schemas, which both ports have.
pub(crate) fn schemas_router() -> OpenApiRouter<Arc<App>> {
    schemas::router()
}

/// The public API, ready to be served.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (router, document) = routes().split_for_parts();
    let router = http::layers::complete(router.route("/openapi.json", openapi::route(&document)))
        .layer(http::cors::layer(app.clone()))
        .layer(axum::middleware::map_response(http::cors::tidy));
    http::layers::wrap(router.with_state(app))
}
