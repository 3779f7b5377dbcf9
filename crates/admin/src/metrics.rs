//! `GET /metrics/prometheus`: what happens, in numbers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sessera_accounts::Accounts;
use sessera_issuer::{Lease, Sessions};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AdminState;
use sessera_contract::answer::ApiError;
use sessera_node::Snapshot;
use sessera_telemetry::{Measured, Metrics};

/// The route, and once more under `/admin`, where Kratos has it.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new().routes(routes!(show)).route("/admin/metrics/prometheus", get(show))
}

/// Get the server's metrics
///
/// They are counters and times in the Prometheus text format. docs/operations.md says what they mean.
#[utoipa::path(
    get,
    path = "/metrics/prometheus",
    operation_id = "getMetrics",
    tag = "metadata",
    security(("adminToken" = ["viewer"])),
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"))
)]
async fn show(
    State(metrics): State<Arc<Metrics>>,
    State(sessions): State<Arc<Sessions>>,
    State(accounts): State<Arc<Accounts>>,
    State(lease): State<Arc<Lease>>,
    State(snapshot): State<Arc<Snapshot>>,
) -> Result<Response, ApiError> {
    let now = Measured {
        cache: sessions.cache(),
        passwords: &accounts.passwords,
        store: &*accounts.store,
        is_lease_held: lease.check(accounts.clock.now(), &snapshot.issuer.settings.timing).is_ok(),
    };
    let text = metrics.render(&now).map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}
