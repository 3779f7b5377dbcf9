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
    snapshots: Snapshots,
    /// Where requests with such a cookie are counted.
    metrics: Arc<Metrics>,
}

impl KratosCookies {
    pub(crate) fn new(snapshots: Snapshots, metrics: Arc<Metrics>) -> Self {
        // A form that nobody has brought yet is shown as zero, which can be told from one that nobody counts.
        for form in kratos::Form::ALL {
            metrics.kratos_cookies.with_label_values(&[form.name()]);
        }
        Self { snapshots, metrics }
    }
}

/// Passes a request on with the cookie that it would have here.
pub(crate) async fn translate(
    State(cookies): State<KratosCookies>,
    mut request: Request,
    next: Next,
) -> Response {
    let translated = kratos::translated(request.headers(), &cookies.snapshots.load().config.session.cookie);
    if let Some(translated) = translated {
        for form in translated.forms {
            cookies.metrics.kratos_cookies.with_label_values(&[form.name()]).inc();
        }
        *request.headers_mut() = translated.headers;
    }
    next.run(request).await
}
