//! The public API: what browsers, native clients and verifiers call. Each group of routes has a file.

pub(crate) mod answer;
pub(crate) mod caller;
pub(crate) mod error_page;
pub(crate) mod errors;
pub(crate) mod exchange;
mod flow;
pub(crate) mod html;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod oidc;
pub(crate) mod recovery;
pub(crate) mod registration;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod token;
pub(crate) mod token_exchange;
pub(crate) mod verification;
pub(crate) mod well_known;
pub(crate) mod whoami;

#[cfg(test)]
mod tests;

use axum::http::Method;
use utoipa_axum::router::OpenApiRouter;

use crate::app::AppState;
use sessera_contract::{health, schemas};
use sessera_http::body;

/// The largest form of a flow in bytes. It may carry traits and a payload for hooks.
const FLOW: usize = 256 * 1024;

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
        .merge(oidc::router())
        .merge(token_exchange::router())
        .merge(exchange::router())
        .merge(errors::router())
        .merge(schemas::router())
        .merge(well_known::router())
        .merge(token::router())
        .merge(health::router())
}

/// The largest body of each route.
pub(crate) fn largest_body(_: &Method, route: &str) -> usize {
    match route {
        "/self-service/login"
        | "/self-service/registration"
        | "/self-service/settings"
        | "/self-service/recovery"
        | "/self-service/verification" => FLOW,
        _ => body::SMALL,
    }
}

/// The routes that stay where an upstream keeps the sessions: everything about tokens. The others are the upstream's.
pub(crate) fn routes_of_tokens() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(whoami::router())
        .merge(exchange::router())
        .merge(well_known::router_of_tokens())
        .merge(token::router())
        .merge(health::router_of_health())
}
