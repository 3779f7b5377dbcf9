//! `GET /admin/identities/{id}` and `GET /admin/identities/by/external/{external_id}`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use sessera_model::Identity;

use super::body::{IdentityBody, included_kinds, private_json, show};
use super::{find_identity, no_identity};
use crate::app::App;
use crate::error::ApiError;
use crate::openapi::ErrorBody;
use crate::request::{Parameters, Segment};

/// Get an identity
#[utoipa::path(
    get,
    path = "/admin/identities/{id}",
    operation_id = "getIdentity",
    tag = "identity",
    params(
        ("id" = String, Path, description = "The identity's id"),
        ("include_credential" = Option<Vec<String>>, Query, description = "Kinds of credential to show more of"),
    ),
    responses(
        (status = 200, description = "The identity", body = IdentityBody),
        (status = 404, description = "There is no such identity", body = ErrorBody),
    )
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let identity = find_identity(&app, &id).await?;
    answer(&app, &identity, &parameters).await
}

/// Get an identity by its id in another system
#[utoipa::path(
    get,
    path = "/admin/identities/by/external/{external_id}",
    operation_id = "getIdentityByExternalID",
    tag = "identity",
    params(
        ("external_id" = String, Path, description = "The id in the other system"),
        ("include_credential" = Option<Vec<String>>, Query, description = "Kinds of credential to show more of"),
    ),
    responses(
        (status = 200, description = "The identity", body = IdentityBody),
        (status = 404, description = "There is no such identity", body = ErrorBody),
    )
)]
pub(super) async fn get_by_external_id(
    State(app): State<Arc<App>>,
    Segment(external_id): Segment,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let identity = app.store.identity_by_external_id(&external_id).await?.ok_or_else(no_identity)?;
    answer(&app, &identity, &parameters).await
}

async fn answer(app: &App, identity: &Identity, parameters: &Parameters) -> Result<Response, ApiError> {
    let kinds = included_kinds(parameters)?.unwrap_or_default();
    let credentials = app.store.credentials(identity.id).await?;
    Ok(private_json(&show(&app.snapshot(), identity, &credentials, &kinds)))
}
