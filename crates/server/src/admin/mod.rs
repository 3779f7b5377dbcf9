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
use axum::http::Method;
use axum::middleware;
use sessera_jose::verify::MAX_TOKEN;
use utoipa_axum::router::OpenApiRouter;

use crate::app::{AppState, Snapshots};
use crate::http::body::{self, Bodies};
use crate::http::observe::Observer;
use crate::openapi::{self, Port};
use crate::{health, http, public};

/// The largest body in bytes with one record: an identity, a key set, the configuration.
const RECORD: usize = 1024 * 1024;

/// The largest body in bytes with many identities.
const MANY_RECORDS: usize = 8 * 1024 * 1024;

/// The largest form in bytes that asks about a signed token. It is as long as the longest token that is looked at and a
/// half, for what is written around it.
const TOKEN_FORM: usize = MAX_TOKEN + MAX_TOKEN / 2;

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

/// The largest body of each route.
fn largest_body(method: &Method, route: &str) -> usize {
    match route {
        "/admin/identities" if method == Method::PATCH => MANY_RECORDS,
        introspect::PATH | revoke::PATH => TOKEN_FORM,
        _ if route.starts_with("/admin/") || route.starts_with("/projects/") => RECORD,
        _ => body::SMALL,
    }
}

/// The admin API, ready to be served with its state.
pub(crate) fn router(snapshots: Snapshots, observer: Observer) -> Router<AppState> {
    let (router, document) = openapi::described(routes(), Port::Admin);
    let router = router.route("/openapi.json", openapi::route(&document));
    let router = http::layers::complete(router, Bodies::new(largest_body))
        .layer(middleware::from_fn_with_state(snapshots, guard::check));
    http::layers::wrap(router, observer)
}
