//! `DELETE /admin/identities/{id}`

use axum::extract::State;
use axum::response::Response;
use sessera_model::Uuid;
use sessera_store::{Change, Committer, Conflict, StoreError};

use super::no_identity;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Segment;
use sessera_openapi::ErrorBody;

/// Delete an identity
///
/// Everything that belongs to it is deleted with it: its credentials, its sessions and its flows.
#[utoipa::path(
    delete,
    path = "/admin/identities/{id}",
    operation_id = "deleteIdentity",
    tag = "identity",
    params(("id" = String, Path, description = "The identity's id")),
    security(("adminToken" = ["operator"])),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 404, description = "There is no such identity", body = ErrorBody),
    )
)]
pub(super) async fn delete(
    State(committer): State<Committer>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id = Uuid::parse_str(&id).map_err(|_| no_identity())?;
    match committer.commit(&[Change::DeleteIdentity(id)]).await {
        Ok(()) => Ok(answer::no_content()),
        Err(StoreError::Conflict(Conflict::Missing)) => Err(no_identity()),
        Err(error) => Err(error.into()),
    }
}
