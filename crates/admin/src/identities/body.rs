//! Bodies that the routes share.

use std::collections::HashMap;

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use sessera_accounts::schema::normalise;
use sessera_model::credential::CredentialView;
use sessera_model::identity::VerificationStatus;
use sessera_model::{
    Actor, Credential, CredentialKind, Identity, IdentityState, IdentityView, Role, Timestamp,
};
use utoipa::ToSchema;

use crate::guard::require;
use sessera_contract::answer::{ApiError, NO_STORE};
use sessera_contract::request::Parameters;
use sessera_node::Snapshot;

/// Kinds of credential that Ory's clients may ask for and that no identity has here.
const UNKNOWN_HERE: [&str; 5] = ["saml", "profile", "deviceauthn", "link_recovery", "code_recovery"];

/// The state of an address as an administrator sets it. What does not follow from the traits is
/// passed over.
#[derive(Deserialize, ToSchema, Clone, Debug)]
#[schema(as = VerifiableAddressState)]
pub(super) struct AddressBody {
    /// The address itself.
    value: String,
    #[serde(default)]
    via: Option<String>,
    #[serde(default)]
    verified: bool,
    /// When it was proven (RFC 3339); now when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    verified_at: Option<Timestamp>,
}

/// Sets whether addresses are proven.
pub(super) fn mark_verified(identity: &mut Identity, wanted: &[AddressBody], now: Timestamp) {
    let mut by_value: HashMap<String, Vec<&AddressBody>> = HashMap::new();
    for body in wanted {
        by_value.entry(normalise::identifier(&body.value)).or_default().push(body);
    }
    for address in &mut identity.verifiable_addresses {
        let same_channel = |body: &&AddressBody| body.via.as_ref().is_none_or(|via| *via == address.via);
        let of_same_value = by_value.get(&address.value).into_iter().flatten();
        let Some(body) = of_same_value.copied().find(same_channel) else { continue };
        let verified_at =
            if body.verified { body.verified_at.or(address.verified_at).or(Some(now)) } else { None };
        if body.verified == address.verified && verified_at == address.verified_at {
            continue;
        }
        address.verified = body.verified;
        address.verified_at = verified_at;
        address.status =
            if body.verified { VerificationStatus::Completed } else { VerificationStatus::Pending };
        address.updated_at = now;
    }
}

/// Reads a state. The answer is 400 when there is no such one.
pub(super) fn state(word: &str) -> Result<IdentityState, ApiError> {
    IdentityState::parse(word)
        .ok_or_else(|| ApiError::bad_request("The state is neither \"active\" nor \"inactive\"."))
}

/// The kinds of credential of which `include_credential` asks to see the content, where secrets may stand.
pub(super) fn included_kinds(
    parameters: &Parameters,
    actor: &Actor,
) -> Result<Option<Vec<CredentialKind>>, ApiError> {
    let mut kinds = None;
    for word in parameters.all("include_credential") {
        require(actor, Role::Operator)?;
        let kinds = kinds.get_or_insert_with(Vec::new);
        match CredentialKind::parse(word) {
            Some(kind) => kinds.push(kind),
            None if UNKNOWN_HERE.contains(&word) => {}
            None => {
                return Err(ApiError::bad_request(
                    "The parameter include_credential names no kind of credential. Known are password, code, totp, lookup_secret, webauthn, passkey and oidc.",
                ));
            }
        }
    }
    Ok(kinds)
}

/// An identity with its credentials as administrators see it.
pub(super) fn show(
    snapshot: &Snapshot,
    identity: &Identity,
    credentials: &[Credential],
    with_config: &[CredentialKind],
) -> Value {
    let view = IdentityView::admin(&snapshot.schemas_url);
    identity.to_json_with_credentials(view, credentials, CredentialView { with_config })
}

/// JSON that must not be kept.
pub(super) fn private_json(body: &Value) -> Response {
    ([(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response()
}
