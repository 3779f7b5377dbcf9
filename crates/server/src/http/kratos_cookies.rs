//! Session cookies of an Ory Kratos from which people moved here are looked at as if they were ours.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use sessera_node::Snapshots;
use sessera_presented::kratos;
use sessera_telemetry::Metrics;

/// What it takes to read them.
#[derive(Clone)]
pub(crate) struct KratosCookies {
    /// The configuration, which has the secrets.
    pub(crate) snapshots: Snapshots,
    /// Where requests with such a cookie are counted.
    pub(crate) metrics: Arc<Metrics>,
}

/// Passes a request on with the cookie that it would have here.
pub(crate) async fn translate(
    State(cookies): State<KratosCookies>,
    mut request: Request,
    next: Next,
) -> Response {
    let translated = kratos::translated(request.headers(), &cookies.snapshots.load().config.session.cookie);
    if let Some(headers) = translated {
        cookies.metrics.kratos_cookies.inc();
        *request.headers_mut() = headers;
    }
    next.run(request).await
}
