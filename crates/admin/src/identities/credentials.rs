//! `DELETE /admin/identities/{id}/credentials/{type}`

use axum::extract::State;
use axum::response::Response;
use sessera_accounts::identities::{IdentityDraft, PreparedIdentity};
use sessera_accounts::methods::password::is_kept_elsewhere;
use sessera_model::{Credential, CredentialKind};

use super::Identities;
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::{Parameters, Path};
use sessera_openapi::ErrorBody;

/// Delete a credential of an identity
///
/// The last one that can sign in by itself stays: its owner would be locked out.
#[utoipa::path(
    delete,
    path = "/admin/identities/{id}/credentials/{type}",
    operation_id = "deleteIdentityCredentials",
    tag = "identity",
    params(
        ("id" = String, Path, description = "The identity's id"),
        ("type" = String, Path, description = "`password`, `totp`, `lookup_secret`, `webauthn`, `passkey`, `oidc`"),
        ("identifier" = Option<String>, Query, description = "Which account of `oidc`: the provider, a colon and the subject"),
    ),
    security(("adminToken" = ["operator"])),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 400, description = "It is the last one, or one that follows from the traits", body = ErrorBody),
        (status = 404, description = "There is no such identity or credential", body = ErrorBody),
        (status = 409, description = "Somebody else changed it meanwhile", body = ErrorBody),
    )
)]
pub(super) async fn delete_credential(
    State(identities): State<Identities>,
    Path((id, kind)): Path<(String, String)>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let (identity, credentials) = identities.find(&id).await?;
    let absent = || ApiError::not_found("The identity has no credential of this kind.");
    let kind = CredentialKind::parse(&kind).ok_or_else(absent)?;
    if !credentials.iter().any(|credential| credential.kind == kind && is_set(credential)) {
        return Err(absent());
    }
    let methods = &identities.snapshot.accounts.methods;
    let ways_in = methods.ways_in(&credentials);
    let draft = IdentityDraft::of(&identity);
    let mut prepared = PreparedIdentity::update(identity, credentials, draft, identities.surroundings())?;
    match kind {
        CredentialKind::Code => {
            return Err(ApiError::bad_request(
                "Where codes are sent follows from the traits. Change the traits instead.",
            ));
        }
        CredentialKind::Oidc => {
            let identifier = parameters.get("identifier").ok_or_else(|| {
                ApiError::bad_request(
                    "A person can have accounts at several providers. Name one with the parameter identifier: the provider, a colon and the subject.",
                )
            })?;
            if !prepared.unlink(identifier) {
                return Err(ApiError::not_found("The identity has no account with this identifier."));
            }
        }
        CredentialKind::Webauthn => prepared.remove_security_keys(),
        other => prepared.remove_credential(other),
    }
    if ways_in > 0 && methods.ways_in(prepared.credentials()) == 0 {
        return Err(ApiError::bad_request(
            "This is the identity's last credential that can sign in by itself. Deactivate or delete the identity instead.",
        ));
    }
    identities.accounts.committer.commit(&prepared.changes()).await?;
    Ok(answer::no_content())
}

/// A password credential without a hash, and without another system that keeps one, only keeps its identifiers from
/// others.
fn is_set(credential: &Credential) -> bool {
    credential.kind != CredentialKind::Password
        || credential.config.text("hashed_password").is_some()
        || is_kept_elsewhere(credential)
}
