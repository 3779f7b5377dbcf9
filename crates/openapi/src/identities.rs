//! Identities with their addresses and credentials.

use std::collections::BTreeMap;

use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

/// An identity. Its owner is not shown `metadata_admin` and `credentials`.
#[derive(ToSchema)]
#[schema(as = Identity)]
pub struct IdentityBody {
    /// Its id.
    pub id: Uuid,
    /// Its id in another system.
    #[schema(nullable = false)]
    pub external_id: Option<String>,
    /// Its credentials by kind, without secrets.
    #[schema(nullable = false)]
    pub credentials: Option<BTreeMap<String, CredentialBody>>,
    /// Which schema judges its traits.
    pub schema_id: String,
    /// Where that schema can be read.
    pub schema_url: String,
    /// `active` or `inactive`.
    pub state: StateBody,
    /// When the state changed.
    pub state_changed_at: OffsetDateTime,
    /// What the schema describes.
    #[schema(value_type = Object)]
    pub traits: Value,
    /// Addresses to verify.
    #[schema(nullable = false)]
    pub verifiable_addresses: Option<Vec<VerifiableAddressBody>>,
    /// Addresses to recover by.
    #[schema(nullable = false)]
    pub recovery_addresses: Option<Vec<RecoveryAddressBody>>,
    /// What its owner may see.
    pub metadata_public: Option<Value>,
    /// What only administrators may see.
    pub metadata_admin: Option<Value>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was changed.
    pub updated_at: OffsetDateTime,
    /// Always null; there are no organizations.
    pub organization_id: Option<String>,
}

/// Whether an identity may sign in.
#[derive(ToSchema)]
#[schema(as = IdentityState, rename_all = "lowercase")]
pub enum StateBody {
    /// It may.
    Active,
    /// It may not.
    Inactive,
}

/// A credential without its secrets.
#[derive(ToSchema)]
#[schema(as = IdentityCredentials)]
pub struct CredentialBody {
    /// Its kind, for example `password`.
    pub r#type: String,
    /// By what its owner is found.
    pub identifiers: Vec<String>,
    /// What of it may be shown, when that is asked for.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub config: Option<Value>,
    /// The version of its content.
    pub version: i64,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was changed.
    pub updated_at: OffsetDateTime,
}

/// An address that its owner can prove.
#[derive(ToSchema)]
#[schema(as = VerifiableIdentityAddress)]
pub struct VerifiableAddressBody {
    /// Its id.
    pub id: Uuid,
    /// The address itself.
    pub value: String,
    /// Whether it is proven.
    pub verified: bool,
    /// The channel, for example `email`.
    pub via: String,
    /// `pending`, `sent` or `completed`.
    pub status: String,
    /// When it was proven.
    pub verified_at: Option<OffsetDateTime>,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// When it was changed.
    pub updated_at: OffsetDateTime,
}

/// An address by which its owner gets back into the account.
#[derive(ToSchema)]
#[schema(as = RecoveryIdentityAddress)]
pub struct RecoveryAddressBody {
    /// Its id.
    pub id: Uuid,
    /// The address itself.
    pub value: String,
    /// The channel, for example `email`.
    pub via: String,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// When it was changed.
    pub updated_at: OffsetDateTime,
}
