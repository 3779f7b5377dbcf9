//! `GET /self-service/errors`: what went wrong, for the page that shows errors to browsers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};
use sessera_model::{Clock, Uuid};
use sessera_store::{FlowKind, Store};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::public::flow::ById;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Query;
use sessera_openapi::{ErrorBody, FlowErrorBody};

/// The route.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get))
}

/// Get an error
#[utoipa::path(
    get,
    path = "/self-service/errors",
    operation_id = "getFlowError",
    tag = "frontend",
    params(("id" = String, Query, description = "The id of the error")),
    responses(
        (status = 200, description = "The error", body = FlowErrorBody),
        (status = 404, description = "No such error", body = ErrorBody),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
    )
)]
async fn get(
    State(store): State<Arc<dyn Store>>,
    State(clock): State<Arc<dyn Clock>>,
    Query(parameters): Query<ById>,
) -> Result<Response, ApiError> {
    Ok(answer::ok(find(&*store, &*clock, parameters.id.as_deref()).await?))
}

/// The error with this id, as JSON on the wire. The answer is 404 when there is none.
pub(crate) async fn find(store: &dyn Store, clock: &dyn Clock, id: Option<&str>) -> Result<Value, ApiError> {
    let unknown = || ApiError::not_found("There is no such error, or it happened too long ago.");
    let id = id.and_then(|id| Uuid::parse_str(id).ok()).ok_or_else(unknown)?;
    let record = store
        .flow(id)
        .await?
        .filter(|record| record.kind == FlowKind::Error && record.expires_at > clock.now());
    let record = record.ok_or_else(unknown)?;
    let mut body: Value = serde_json::from_str(&record.body).map_err(ApiError::internal)?;
    body["id"] = json!(id);
    body["updated_at"] = body["created_at"].clone();
    Ok(body)
}
