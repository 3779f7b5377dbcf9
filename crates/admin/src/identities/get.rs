//! `GET /admin/identities/{id}` and `GET /admin/identities/by/external/{external_id}`

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use sessera_model::{Actor, Credential, Identity};

use super::body::{included_kinds, private_json, show};
use super::{Identities, no_identity};
use sessera_contract::answer::ApiError;
use sessera_contract::request::{Parameters, Segment};
use sessera_openapi::{ErrorBody, IdentityBody};

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
    security(("adminToken" = ["viewer"])),
    responses(
        (status = 200, description = "The identity", body = IdentityBody),
        (status = 404, description = "There is no such identity", body = ErrorBody),
        (status = 400, description = "A kind of credential is not known", body = ErrorBody),
    )
)]
pub(super) async fn get(
    State(identities): State<Identities>,
    Extension(actor): Extension<Actor>,
    Segment(id): Segment,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let (identity, credentials) = identities.find(&id).await?;
    answer(&identities, &identity, &credentials, &parameters, &actor)
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
    security(("adminToken" = ["viewer"])),
    responses(
        (status = 200, description = "The identity", body = IdentityBody),
        (status = 404, description = "There is no such identity", body = ErrorBody),
        (status = 400, description = "A kind of credential is not known", body = ErrorBody),
    )
)]
pub(super) async fn get_by_external_id(
    State(identities): State<Identities>,
    Extension(actor): Extension<Actor>,
    Segment(external_id): Segment,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let identity =
        identities.accounts.store.identity_by_external_id(&external_id).await?.ok_or_else(no_identity)?;
    let credentials = identities.accounts.store.credentials(identity.id).await?;
    answer(&identities, &identity, &credentials, &parameters, &actor)
}

fn answer(
    identities: &Identities,
    identity: &Identity,
    credentials: &[Credential],
    parameters: &Parameters,
    actor: &Actor,
) -> Result<Response, ApiError> {
    let kinds = included_kinds(parameters, actor)?.unwrap_or_default();
    Ok(private_json(&show(&identities.snapshot, identity, credentials, &kinds)))
}
