//! `PATCH /admin/identities`: many identities in one request.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::Identities;
use super::create::{CreateBody, create_identity};
use super::imports::CredentialsBody;
use sessera_contract::answer::{ApiError, NO_STORE};
use sessera_contract::request::JsonBody;
use sessera_openapi::{ErrorBody, ErrorDetail};

/// The most identities of one request.
const MAX_IDENTITIES: usize = 1000;

/// The most passwords that one request may have hashed.
const MAX_PASSWORDS: usize = 200;

/// Identities to be created.
#[derive(Deserialize, ToSchema)]
#[schema(as = PatchIdentitiesBody)]
pub(super) struct BatchBody {
    #[serde(default)]
    identities: Vec<BatchItem>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityPatch)]
struct BatchItem {
    /// The identity.
    #[serde(default)]
    create: Option<CreateBody>,
    /// By which its outcome is recognised.
    #[serde(default)]
    patch_id: Option<String>,
}

/// What became of them, in the same order.
#[derive(Serialize, ToSchema)]
#[schema(as = BatchPatchIdentitiesResponse)]
pub(super) struct BatchOutcome {
    identities: Vec<ItemOutcome>,
}

/// What became of one.
#[derive(Serialize, ToSchema)]
#[schema(as = IdentityPatchResponse)]
struct ItemOutcome {
    /// `create` or `error`.
    action: &'static str,
    /// The id of the new identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    /// By which it is recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_id: Option<String>,
    /// Why there is no new identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ErrorDetail>)]
    error: Option<Value>,
}

/// Create many identities
///
/// Each one is created or refused by itself; the answer says which.
#[utoipa::path(
    patch,
    path = "/admin/identities",
    operation_id = "batchPatchIdentities",
    tag = "identity",
    request_body = BatchBody,
    security(("adminToken" = ["operator"])),
    responses(
        (status = 200, description = "What became of each", body = BatchOutcome),
        (status = 400, description = "There are too many", body = ErrorBody),
    )
)]
pub(super) async fn batch(
    State(identities): State<Identities>,
    JsonBody(body): JsonBody<BatchBody>,
) -> Result<Response, ApiError> {
    if body.identities.len() > MAX_IDENTITIES {
        return Err(ApiError::bad_request(format!(
            "One request can create {MAX_IDENTITIES} identities at the most. Send several requests."
        )));
    }
    let credentials = |item: &BatchItem| {
        item.create
            .as_ref()
            .and_then(|create| create.credentials.as_ref())
            .is_some_and(CredentialsBody::has_cleartext_password)
    };
    if body.identities.iter().filter(|item| credentials(item)).count() > MAX_PASSWORDS {
        return Err(ApiError::bad_request(format!(
            "One request can have {MAX_PASSWORDS} passwords hashed at the most. Send several requests, or hashes."
        )));
    }
    let mut outcomes = Vec::with_capacity(body.identities.len());
    for BatchItem { create, patch_id } in body.identities {
        let outcome = match create {
            Some(create) => create_identity(&identities, create).await,
            None => Err(ApiError::bad_request("An item has no member create.")),
        };
        let (action, identity, error) = match outcome {
            Ok(prepared) => ("create", Some(prepared.identity.id.to_string()), None),
            Err(error) => ("error", None, error.to_json().get("error").cloned()),
        };
        outcomes.push(ItemOutcome { action, identity, patch_id, error });
    }
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(BatchOutcome { identities: outcomes })).into_response())
}
