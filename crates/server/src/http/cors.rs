//! Requests of other origins (the Fetch standard's CORS protocol).
//!
//! `serve.public.cors` says who may call with cookies. Besides, a page to which browsers may return can
//! exchange its one-time code for a token, without cookies.

use std::time::Duration;

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
};
use axum::http::{HeaderName, HeaderValue, Method, request::Parts};
use axum::response::Response;
use tower_http::cors::{AllowCredentials, AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};
use url::Url;

use crate::answer;
use crate::snapshot::{Snapshot, Snapshots};

/// The layer. Origins are judged by the configuration of the moment, and the rest is that of the start. Pages to
/// which browsers may return can call `exchange`, a path, without cookies.
pub(crate) fn layer(snapshots: Snapshots, exchange: &'static str) -> CorsLayer {
    let snapshot = snapshots.load();
    let cors = &snapshot.config.public.cors;
    let headers = |names: &[String]| {
        names.iter().filter_map(|name| name.parse::<HeaderName>().ok()).collect::<Vec<_>>()
    };
    let methods =
        cors.allowed_methods.iter().filter_map(|name| name.parse::<Method>().ok()).collect::<Vec<_>>();
    let (judge, with_cookies) = (snapshots.clone(), snapshots.clone());
    let mut layer = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, request: &Parts| {
            let snapshot = judge.load();
            is_allowed(&snapshot, origin)
                || (request.uri.path() == exchange && may_exchange(&snapshot, origin))
        }))
        .allow_credentials(AllowCredentials::predicate(move |origin: &HeaderValue, _: &Parts| {
            let snapshot = with_cookies.load();
            snapshot.config.public.cors.allow_credentials && is_named(&snapshot, origin)
        }))
        .allow_methods(AllowMethods::list(methods))
        .allow_headers(AllowHeaders::list(headers(&cors.allowed_headers)))
        .expose_headers(ExposeHeaders::list(headers(&cors.exposed_headers)));
    if cors.max_age > 0 {
        layer = layer.max_age(Duration::from_secs(cors.max_age.into()));
    }
    layer
}

/// Whether an origin may call: it is named, or everybody may.
pub(super) fn is_allowed(snapshot: &Snapshot, origin: &HeaderValue) -> bool {
    let cors = &snapshot.config.public.cors;
    is_named(snapshot, origin) || (cors.enabled && cors.allowed_origins.iter().any(|known| known == "*"))
}

/// Whether an origin stands in `serve.public.cors.allowed_origins` by its name. Cookies go along for those
/// only: with them for everybody, every page could read the tokens of whoever opens it.
pub(super) fn is_named(snapshot: &Snapshot, origin: &HeaderValue) -> bool {
    let cors = &snapshot.config.public.cors;
    let is = |known: &String| known.trim_end_matches('/').as_bytes() == origin.as_bytes();
    cors.enabled && cors.allowed_origins.iter().any(is)
}

/// Whether an origin is that of a page to which browsers may return.
pub(super) fn may_exchange(snapshot: &Snapshot, origin: &HeaderValue) -> bool {
    let is_origin = |page: &Url| page.origin().ascii_serialization().as_bytes() == origin.as_bytes();
    // Addresses such as myapp://callback have no origin; "null" is nobody's.
    snapshot.accounts.rules.allowed_returns.iter().any(|page| page.origin().is_tuple() && is_origin(page))
}

/// An origin that is not allowed is told nothing. A preflight answer has no body, which its status says.
pub(crate) async fn tidy(mut response: Response) -> Response {
    let is_preflight = response.headers().contains_key(ACCESS_CONTROL_ALLOW_METHODS);
    if is_preflight {
        response = answer::without_body(response);
    }
    if !response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        for name in [
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            ACCESS_CONTROL_ALLOW_HEADERS,
            ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_EXPOSE_HEADERS,
            ACCESS_CONTROL_MAX_AGE,
        ] {
            response.headers_mut().remove(name);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::TestServer;

    #[tokio::test]
    async fn everybody_may_call_but_only_those_named_with_cookies() {
        let cors = json!({"enabled": true, "allowed_origins": ["*", "https://app.example.org"]});
        let server = TestServer::configured(json!({"serve": {"public": {"cors": cors}}})).await;
        for (origin, cookies) in [("https://app.example.org", "true"), ("https://evil.example", "")] {
            let answer = server.public("GET", "/health/alive", &[("origin", origin)], None).await;
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), cookies, "{origin}");
        }
    }
}
