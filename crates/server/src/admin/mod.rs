//! The admin API: what operators and back ends call. Each group of routes has a file.

mod audit;
#[cfg(test)]
mod audit_tests;
mod console;
mod courier;
mod events;
pub(crate) mod guard;
pub(crate) mod identities;
mod introspect;
mod keys;
mod managed_keys;
mod metrics;
mod projects;
mod recovery;
mod revoke;
mod roles;
#[cfg(test)]
mod roles_tests;
pub(crate) mod sessions;
mod sinks;
mod tokens;
mod upstream;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use sessera_http::body;
use sessera_jose::verify::MAX_TOKEN;
use utoipa_axum::router::OpenApiRouter;

use crate::app::{App, AppState};
use crate::forwarding::Forwarding;
use guard::Guard;
use roles::Roles;
use sessera_contract::answer::ApiError;
use sessera_contract::openapi::{self, Port};
use sessera_contract::{health, layers, schemas};

/// The largest body in bytes with one record: an identity, a key set, the configuration.
const RECORD: usize = 1024 * 1024;

/// The largest body in bytes with many identities.
const MANY_RECORDS: usize = 8 * 1024 * 1024;

/// The largest form in bytes that asks about a signed token. It is as long as the longest token that is looked at and a
/// half, for what is written around it.
const TOKEN_FORM: usize = MAX_TOKEN + MAX_TOKEN / 2;

/// All routes of the admin API with their description.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    routes_of_both()
        .merge(identities::router())
        .merge(sessions::router())
        .merge(recovery::router())
        .merge(courier::router())
        .merge(roles::for_viewers(schemas::router()))
        .merge(roles::for_viewers(health::router()))
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

/// The routes that stay where an upstream keeps the sessions: everything about tokens. The others are the upstream's.
fn routes_of_tokens() -> OpenApiRouter<AppState> {
    routes_of_both()
        .merge(roles::for_viewers(health::router_of_health()))
        .merge(health::admin_router_of_health())
}

/// The routes that are there whoever keeps the sessions.
fn routes_of_both() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(keys::router())
        .merge(projects::router())
        .merge(managed_keys::router())
        .merge(introspect::router())
        .merge(revoke::router())
        .merge(upstream::router())
        .merge(metrics::router())
        .merge(tokens::router())
        .merge(audit::router())
        .merge(events::router())
        .merge(sinks::router())
}

/// Answers what no route has where an upstream keeps the sessions.
async fn elsewhere(State(forwarding): State<Option<Forwarding>>, request: Request) -> Response {
    match forwarding {
        Some(forwarding) => forwarding.admin(request).await,
        None => ApiError::not_found("There is no such path.").into_response(),
    }
}

/// The admin API, ready to be served with its state.
pub(crate) fn router(app: &Arc<App>) -> Router<AppState> {
    let has_upstream = app.snapshot().config.upstream.is_some();
    let routes = if has_upstream { routes_of_tokens() } else { routes() };
    let (router, document) = openapi::described(routes, Port::Admin);
    let router = router.route(roles::DOCUMENT, openapi::route(&document));
    let router = layers::complete(router, largest_body);
    let router = if has_upstream { router.fallback(elsewhere) } else { router };
    let guard = Guard {
        snapshots: app.snapshots.clone(),
        tokens: app.admin_tokens.clone(),
        committer: app.committer.clone(),
        roles: Arc::new(Roles::of(&document)),
        has_upstream,
    };
    let router = router.layer(middleware::from_fn_with_state(guard, guard::check));
    // Browsers come with a cookie, so the console has a guard of its own.
    let router = router.merge(console::router(app));
    layers::wrap(router, app.observer("admin"))
}
