//! `POST /admin/identities`

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use sessera_accounts::identities::{IdentityDraft, PreparedIdentity};
use sessera_model::{Credential, CredentialKind};
use utoipa::ToSchema;

use super::Identities;
use super::body::{AddressBody, mark_verified, show, state};
use super::imports::CredentialsBody;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::JsonBody;
use sessera_openapi::{ErrorBody, IdentityBody};

/// An identity to be created.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateIdentityBody)]
pub(super) struct CreateBody {
    /// Which schema judges the traits; the default one when absent.
    #[serde(default)]
    schema_id: Option<String>,
    /// What the schema describes.
    #[serde(default)]
    #[schema(value_type = Object)]
    traits: Value,
    /// Credentials to be imported.
    #[serde(default)]
    pub(super) credentials: Option<CredentialsBody>,
    /// Which addresses of the traits are proven already.
    #[serde(default)]
    verifiable_addresses: Option<Vec<AddressBody>>,
    /// What its owner may see.
    #[serde(default)]
    metadata_public: Option<Value>,
    /// What only administrators may see.
    #[serde(default)]
    metadata_admin: Option<Value>,
    /// `active`, also when absent, or `inactive`.
    #[serde(default)]
    state: Option<String>,
    /// Its id in another system.
    #[serde(default)]
    external_id: Option<String>,
}

/// Create an identity
#[utoipa::path(
    post,
    path = "/admin/identities",
    operation_id = "createIdentity",
    tag = "identity",
    request_body = CreateBody,
    security(("adminToken" = ["operator"])),
    responses(
        (status = 201, description = "The identity", body = IdentityBody),
        (status = 400, description = "The traits do not fit the schema, or a hash cannot be used", body = ErrorBody),
        (status = 409, description = "An identifier or address belongs to somebody else", body = ErrorBody),
    )
)]
pub(super) async fn create(
    State(identities): State<Identities>,
    JsonBody(body): JsonBody<CreateBody>,
) -> Result<Response, ApiError> {
    let prepared = create_identity(&identities, body).await?;
    let snapshot = &identities.snapshot;
    let location = format!("{}identities/{}", snapshot.config.admin.base_url, prepared.identity.id);
    let location = HeaderValue::from_str(&location).map_err(ApiError::internal)?;
    let body = show(snapshot, &prepared.identity, &as_just_made(&prepared), &[]);
    Ok(([(header::LOCATION, location)], answer::created(body)).into_response())
}

/// Stores what a body asks for.
pub(super) async fn create_identity(
    identities: &Identities,
    body: CreateBody,
) -> Result<PreparedIdentity, ApiError> {
    let snapshot = &identities.snapshot;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let schema_id =
        given(body.schema_id).unwrap_or_else(|| snapshot.accounts.schemas.default().id().to_owned());
    let mut draft = IdentityDraft::new(schema_id, body.traits);
    if let Some(word) = given(body.state) {
        draft.state = state(&word)?;
    }
    draft.external_id = given(body.external_id);
    draft.metadata_public = body.metadata_public;
    draft.metadata_admin = body.metadata_admin;
    let surroundings = identities.surroundings();
    let mut prepared = PreparedIdentity::create(draft, surroundings)?;
    mark_verified(
        &mut prepared.identity,
        body.verifiable_addresses.as_deref().unwrap_or_default(),
        surroundings.now,
    );
    if let Some(credentials) = body.credentials {
        credentials
            .import_into(&mut prepared, &identities.accounts.passwords, snapshot.accounts.rules.hashing)
            .await?;
    }
    identities.accounts.committer.commit(&prepared.changes()).await?;
    Ok(prepared)
}

/// The wire contract shows credentials that were made in the same request as version 0, unless they follow from the traits
/// alone.
fn as_just_made(prepared: &PreparedIdentity) -> Vec<Credential> {
    let shown = |credential: &Credential| Credential {
        version: if credential.kind == CredentialKind::Code { credential.version } else { 0 },
        ..credential.clone()
    };
    prepared.credentials().iter().map(shown).collect()
}
