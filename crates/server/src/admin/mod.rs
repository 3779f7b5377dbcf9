//! The admin API: what operators and back ends call. One file per route group.

mod guard;
pub(crate) mod identities;
mod introspect;
mod keys;
mod managed_keys;
mod metrics;
mod projects;
mod recovery;
mod revoke;
pub(crate) mod sessions;

use axum::Router;
use axum::middleware;
use utoipa_axum::router::OpenApiRouter;

use crate::app::{AppState, Snapshots};
use crate::http::observe::Observer;
use crate::openapi::{self, Port};
use crate::{health, http, public};

/// All routes of the admin API with their description.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(identities::router())
        .merge(sessions::router())
        .merge(recovery::router())
        .merge(keys::router())
        .merge(projects::router())
        .merge(managed_keys::router())
        .merge(introspect::router())
        .merge(revoke::router())
        .merge(metrics::router())
        .merge(public::schemas_router())
        .merge(health::router())
        .merge(health::admin_router())
}

/// The admin API, ready to be served with its state.
pub(crate) fn router(snapshots: Snapshots, observer: Observer) -> Router<AppState> {
    let (router, document) = openapi::described(routes(), Port::Admin);
    let router = http::layers::complete(router.route("/openapi.json", openapi::route(&document)))
        .layer(middleware::from_fn_with_state(snapshots, guard::check));
    http::layers::wrap(router, observer)
}
