//! Bodies that the routes share.

use std::collections::HashMap;

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use sessera_accounts::identities::PreparedIdentity;
use sessera_accounts::password::{HashAlgorithm, PasswordHashing, StoredHash};
use sessera_accounts::schema::normalise;
use sessera_model::credential::CredentialView;
use sessera_model::identity::VerificationStatus;
use sessera_model::{Credential, CredentialKind, Identity, IdentityState, IdentityView, Timestamp};
use utoipa::ToSchema;

use crate::app::Snapshot;
use crate::error::{ApiError, NO_STORE};
use crate::request::Parameters;

/// Kinds of credential that Ory's clients may ask for and that no identity has here.
const UNKNOWN_HERE: [&str; 6] = ["oidc", "saml", "profile", "deviceauthn", "link_recovery", "code_recovery"];

/// Credentials to be imported.
#[derive(Deserialize, ToSchema, Default)]
#[schema(as = IdentityWithCredentials)]
pub(super) struct CredentialsBody {
    /// A password.
    #[serde(default)]
    pub(super) password: Option<PasswordBody>,
    /// Other kinds, which are refused.
    #[serde(flatten)]
    #[schema(ignore)]
    others: Map<String, Value>,
}

/// A password to be imported.
#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityWithCredentialsPassword)]
pub(super) struct PasswordBody {
    /// The password as text or as a hash.
    #[serde(default, deserialize_with = "object")]
    config: PasswordConfigBody,
}

/// Reads an object. A list of its members in their order, which serde takes too, is refused.
fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    let members = Map::deserialize(deserializer)?;
    T::deserialize(Value::Object(members)).map_err(D::Error::custom)
}

/// The password as text or as a hash.
#[derive(Deserialize, ToSchema, Default)]
#[schema(as = IdentityWithCredentialsPasswordConfig)]
pub(super) struct PasswordConfigBody {
    /// A hash: bcrypt, argon2id, argon2i, pbkdf2, scrypt, `$md5$`, `$sha256$`, `{SSHA512}`.
    #[serde(default)]
    hashed_password: Option<String>,
    /// The password itself, which is hashed as configured.
    #[serde(default)]
    password: Option<String>,
}

impl CredentialsBody {
    /// Whether a password has to be hashed.
    pub(super) fn has_cleartext_password(&self) -> bool {
        self.cleartext_password().is_some()
    }

    fn cleartext_password(&self) -> Option<&str> {
        self.password.as_ref()?.config.password.as_deref().filter(|password| !password.is_empty())
    }

    /// Puts the credentials into an identity. The rules for new passwords are not asked: who moves
    /// here must be able to sign in as before.
    pub(super) async fn import_into(
        &self,
        prepared: &mut PreparedIdentity,
        passwords: &PasswordHashing,
        hashing: HashAlgorithm,
    ) -> Result<(), ApiError> {
        if let Some(kind) = self.others.iter().find(|(_, value)| !value.is_null()).map(|(kind, _)| kind) {
            let kind: String = kind.chars().take(64).collect();
            return Err(ApiError::bad_request(format!(
                "Credentials of the kind \"{kind}\" cannot be imported; only password can. Leave it out."
            )));
        }
        let Some(PasswordBody { config }) = &self.password else { return Ok(()) };
        let hash = match (self.cleartext_password(), config.hashed_password.as_deref()) {
            (Some(password), _) => passwords.hash(hashing, password).await?,
            (None, Some(hash)) => StoredHash::parse(hash)?.to_text(),
            (None, None) => {
                return Err(ApiError::bad_request(
                    "credentials.password.config has neither password nor hashed_password. Give one of them.",
                ));
            }
        };
        if prepared.identifiers(CredentialKind::Password).is_empty() {
            return Err(ApiError::bad_request(
                "There is a password, but the traits hold nothing to sign in with. Fill in the trait that the identity schema marks as identifier.",
            ));
        }
        prepared.set_password(hash);
        Ok(())
    }
}

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

/// The kinds of credential of which `include_credential` asks to see the content.
pub(super) fn included_kinds(parameters: &Parameters) -> Result<Option<Vec<CredentialKind>>, ApiError> {
    let mut kinds = None;
    for word in parameters.all("include_credential") {
        let kinds = kinds.get_or_insert_with(Vec::new);
        match CredentialKind::parse(word) {
            Some(kind) => kinds.push(kind),
            None if UNKNOWN_HERE.contains(&word) => {}
            None => {
                return Err(ApiError::bad_request(
                    "The parameter include_credential names no kind of credential. Known are password, code, totp, lookup_secret, webauthn and passkey.",
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
