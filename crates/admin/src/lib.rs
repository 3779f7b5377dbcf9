//! The admin port: what operators and back ends call, and the console for people. Each group of routes has a file.
//!
//! The routes are made of [`Parts`], which a server fills. It also serves them; nothing here knows how.

mod audit;
pub mod console;
mod courier;
mod events;
mod guard;
mod identities;
mod introspect;
mod keys;
pub mod listeners;
mod managed_keys;
mod metrics;
mod projects;
mod recovery;
mod revoke;
mod roles;
mod sessions;
mod sinks;
mod state;
mod tokens;
mod upstream;

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::middleware;
use sessera_http::body::{self, ClientOf};
use sessera_jose::verify::MAX_TOKEN;
use utoipa_axum::router::OpenApiRouter;

use guard::Guard;
use roles::Roles;
use sessera_contract::observe::Observer;
use sessera_contract::openapi::{self, Port};
use sessera_contract::{health, layers, schemas};
pub use state::{AdminState, Parts};

/// The largest body in bytes with one record: an identity, a key set, the configuration.
const RECORD: usize = 1024 * 1024;

/// The largest body in bytes with many identities.
const MANY_RECORDS: usize = 8 * 1024 * 1024;

/// The largest form in bytes that asks about a signed token. It is as long as the longest token that is looked at and a
/// half, for what is written around it.
const TOKEN_FORM: usize = MAX_TOKEN + MAX_TOKEN / 2;

/// All routes of the admin API with their description.
pub fn routes() -> OpenApiRouter<AdminState> {
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
fn routes_of_tokens() -> OpenApiRouter<AdminState> {
    routes_of_both()
        .merge(roles::for_viewers(health::router_of_health()))
        .merge(health::admin_router_of_health())
}

/// The routes that are there whoever keeps the sessions.
fn routes_of_both() -> OpenApiRouter<AdminState> {
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

/// The admin port, ready to be served. Where an upstream keeps the sessions, only the routes about tokens are there, and
/// `elsewhere` answers what none of them does.
pub fn router(parts: Parts, observer: Observer, elsewhere: Option<Router>) -> Router {
    let state = AdminState::from(parts);
    let has_upstream = elsewhere.is_some();
    let routes = if has_upstream { routes_of_tokens() } else { routes() };
    let (router, document) = openapi::described(routes, Port::Admin);
    let router = router.route(roles::DOCUMENT, openapi::route(&document));
    // The guard lets nobody come this far who may not, and a back end asks for many from one address.
    let client: ClientOf = Arc::new(|_, _| None);
    let router = layers::complete(router, largest_body, client, &observer);
    let router = match elsewhere {
        Some(elsewhere) => router.fallback_service(elsewhere),
        None => router,
    };
    let guard = Guard::new(&state, Roles::of(&document), has_upstream);
    let router = router.layer(middleware::from_fn_with_state(guard, guard::check));
    // Browsers come with a cookie, so the console has a guard of its own.
    let router = router.merge(console::router(&state, &observer));
    layers::wrap(router, observer).with_state(state)
}
