//! `PUT /admin/identities/{id}`

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use sessera_accounts::identities::{IdentityDraft, PreparedIdentity};
use utoipa::ToSchema;

use super::Identities;
use super::body::{private_json, show, state};
use super::imports::CredentialsBody;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{JsonBody, Segment};
use sessera_openapi::{ErrorBody, IdentityBody};

/// An identity as it is to be. What is absent is taken away, except schema, state and credentials.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateIdentityBody)]
pub(super) struct ReplaceBody {
    /// Which schema judges the traits.
    #[serde(default)]
    schema_id: Option<String>,
    /// What the schema describes.
    #[serde(default)]
    #[schema(value_type = Object)]
    traits: Value,
    /// Credentials that take the place of those of their kind.
    #[serde(default)]
    credentials: Option<CredentialsBody>,
    /// What its owner may see.
    #[serde(default)]
    metadata_public: Option<Value>,
    /// What only administrators may see.
    #[serde(default)]
    metadata_admin: Option<Value>,
    /// `active` or `inactive`.
    #[serde(default)]
    state: Option<String>,
    /// Its id in another system.
    #[serde(default)]
    external_id: Option<String>,
}

/// Replace an identity
#[utoipa::path(
    put,
    path = "/admin/identities/{id}",
    operation_id = "updateIdentity",
    tag = "identity",
    params(("id" = String, Path, description = "The identity's id")),
    request_body = ReplaceBody,
    security(("adminToken" = ["operator"])),
    responses(
        (status = 200, description = "The identity", body = IdentityBody),
        (status = 400, description = "The traits do not fit the schema, or a hash cannot be used", body = ErrorBody),
        (status = 404, description = "There is no such identity", body = ErrorBody),
        (status = 409, description = "An identifier or address belongs to somebody else", body = ErrorBody),
    )
)]
pub(super) async fn replace(
    State(identities): State<Identities>,
    Segment(id): Segment,
    JsonBody(body): JsonBody<ReplaceBody>,
) -> Result<Response, ApiError> {
    let snapshot = &identities.snapshot;
    let (identity, stored_credentials) = identities.find(&id).await?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let draft = IdentityDraft {
        schema_id: given(body.schema_id).unwrap_or_else(|| identity.schema_id.clone()),
        traits: body.traits,
        state: given(body.state).map_or(Ok(identity.state), |word| state(&word))?,
        external_id: given(body.external_id),
        metadata_public: body.metadata_public,
        metadata_admin: body.metadata_admin,
    };
    let mut prepared =
        PreparedIdentity::update(identity, stored_credentials, draft, identities.surroundings())?;
    if let Some(credentials) = body.credentials {
        credentials
            .import_into(&mut prepared, &identities.accounts.passwords, snapshot.accounts.rules.hashing)
            .await?;
    }
    identities.accounts.committer.commit(&prepared.changes()).await?;
    Ok(private_json(&show(snapshot, &prepared.identity, prepared.credentials(), &[])))
}
