//! Requests of other origins (the Fetch standard's CORS protocol), as `serve.public.cors` says.

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, Method, request::Parts};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::app::App;

/// The layer. Origins are judged by the configuration of the moment; the rest is that of the start.
pub(crate) fn layer(app: Arc<App>) -> CorsLayer {
    let snapshot = app.snapshot();
    let cors = &snapshot.config.public.cors;
    if !cors.enabled {
        return CorsLayer::new();
    }
    let headers = |names: &[String]| {
        names.iter().filter_map(|name| name.parse::<HeaderName>().ok()).collect::<Vec<_>>()
    };
    let methods =
        cors.allowed_methods.iter().filter_map(|name| name.parse::<Method>().ok()).collect::<Vec<_>>();
    let judge = app.clone();
    let mut layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, _: &Parts| {
            let snapshot = judge.snapshot();
            let allowed = &snapshot.config.public.cors.allowed_origins;
            allowed
                .iter()
                .any(|known| known == "*" || known.trim_end_matches('/').as_bytes() == origin.as_bytes())
        }))
        .allow_methods(AllowMethods::list(methods))
        .allow_headers(AllowHeaders::list(headers(&cors.allowed_headers)))
        .expose_headers(ExposeHeaders::list(headers(&cors.exposed_headers)))
        .allow_credentials(cors.allow_credentials);
    if let Some(max_age) = cors.max_age {
        layer = layer.max_age(max_age);
    }
    layer
}

/// A preflight answer has no body, which its status says.
pub(crate) async fn preflight(mut response: axum::response::Response) -> axum::response::Response {
    let is_preflight = response.headers().contains_key(axum::http::header::ACCESS_CONTROL_ALLOW_METHODS);
    if is_preflight && response.status() == axum::http::StatusCode::OK {
        *response.status_mut() = axum::http::StatusCode::NO_CONTENT;
    }
    response
}
