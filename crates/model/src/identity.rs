//! Identities, which are the people who sign in, with their traits and addresses and their JSON on the wire.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::credential::{Credential, CredentialView};
use crate::json::{list, text};

/// Whether an identity may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum IdentityState {
    /// The identity may sign in.
    #[default]
    Active,
    /// The identity may not sign in, and its sessions are not honoured.
    Inactive,
}

impl IdentityState {
    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }

    /// The state that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "active" => Some(Self::Active),
            "inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

/// How far the verification of an address has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerificationStatus {
    /// Nothing was sent yet.
    Pending,
    /// A message was written to the address.
    Sent,
    /// The address was proven.
    Completed,
}

impl VerificationStatus {
    /// The status that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        serde_json::from_value(word.into()).ok()
    }
}

/// An address that its owner can prove to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiableAddress {
    /// Identifier of the address.
    pub id: Uuid,
    /// The address itself, lower case for e-mail.
    pub value: String,
    /// Whether it was proven.
    pub verified: bool,
    /// The channel, `email`.
    pub via: String,
    /// How far its verification has come.
    pub status: VerificationStatus,
    /// When it was proven.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub verified_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// An address through which its owner can recover the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryAddress {
    /// Identifier of the address.
    pub id: Uuid,
    /// The address itself, lower case for e-mail.
    pub value: String,
    /// The channel, `email`.
    pub via: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A person who signs in. The credentials are kept beside it, see [`Credential`].
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Identifier, the `sub` of its tokens.
    pub id: Uuid,
    /// Identifier in another system, unique when present.
    pub external_id: Option<String>,
    /// Which schema judges the traits.
    pub schema_id: String,
    /// Whether it may sign in.
    pub state: IdentityState,
    /// When the state last changed.
    pub state_changed_at: Timestamp,
    /// What the identity's owner may see and change, judged by the schema.
    pub traits: Value,
    /// Addresses to verify, made from the traits.
    pub verifiable_addresses: Vec<VerifiableAddress>,
    /// Addresses to recover by, made from the traits.
    pub recovery_addresses: Vec<RecoveryAddress>,
    /// What the owner may see and only an administrator may change.
    pub metadata_public: Option<Value>,
    /// What only an administrator may see.
    pub metadata_admin: Option<Value>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// A number that grows with every change. A change names the version it was made from.
    pub version: i64,
}

/// Which parts of an identity an answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityView<'a> {
    /// Where its schema can be read, without the schema's id: `{base_url}schemas/`.
    pub schemas_url: &'a str,
    /// Whether `metadata_admin` is shown.
    pub admin: bool,
    /// Whether verifiable and recovery addresses are shown.
    pub addresses: bool,
}

impl<'a> IdentityView<'a> {
    /// What the identity's owner sees.
    pub const fn public(schemas_url: &'a str) -> Self {
        Self { schemas_url, admin: false, addresses: true }
    }

    /// What an administrator sees.
    pub const fn admin(schemas_url: &'a str) -> Self {
        Self { schemas_url, admin: true, addresses: true }
    }

    /// Leaves the addresses out, as lists of sessions do.
    #[must_use]
    pub const fn without_addresses(mut self) -> Self {
        self.addresses = false;
        self
    }
}

impl Identity {
    /// An identity that may sign in, made at `now`, of which nothing is known but its traits. They have been judged by the
    /// schema.
    pub fn new(id: Uuid, schema_id: impl Into<String>, traits: Value, now: Timestamp) -> Self {
        Self {
            id,
            external_id: None,
            schema_id: schema_id.into(),
            state: IdentityState::Active,
            state_changed_at: now,
            traits,
            verifiable_addresses: Vec::new(),
            recovery_addresses: Vec::new(),
            metadata_public: None,
            metadata_admin: None,
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// The identity as JSON on the wire.
    pub fn to_json(&self, view: IdentityView<'_>) -> Value {
        self.write_json(view, None)
    }

    /// The identity as JSON with its credentials, as the admin API shows it.
    pub fn to_json_with_credentials(
        &self,
        view: IdentityView<'_>,
        credentials: &[Credential],
        how: CredentialView<'_>,
    ) -> Value {
        let credentials: Map<String, Value> = credentials
            .iter()
            .map(|credential| (credential.kind.as_str().to_owned(), credential.to_json(how)))
            .collect();
        self.write_json(view, Some(Value::Object(credentials)))
    }

    fn write_json(&self, view: IdentityView<'_>, credentials: Option<Value>) -> Value {
        let mut json = Map::new();
        let mut set = |name: &str, value: Value| {
            json.insert(name.to_owned(), value);
        };
        set("id", text(&self.id));
        if let Some(external_id) = &self.external_id {
            set("external_id", Value::from(external_id.as_str()));
        }
        if let Some(credentials) = credentials {
            set("credentials", credentials);
        }
        set("schema_id", Value::from(self.schema_id.as_str()));
        set("schema_url", Value::from(schema_url(view.schemas_url, &self.schema_id)));
        set("state", Value::from(self.state.as_str()));
        set("state_changed_at", text(&self.state_changed_at));
        set("traits", self.traits.clone());
        if view.addresses {
            if !self.verifiable_addresses.is_empty() {
                set("verifiable_addresses", list(&self.verifiable_addresses));
            }
            if !self.recovery_addresses.is_empty() {
                set("recovery_addresses", list(&self.recovery_addresses));
            }
        }
        set("metadata_public", self.metadata_public.clone().unwrap_or(Value::Null));
        if view.admin {
            set("metadata_admin", self.metadata_admin.clone().unwrap_or(Value::Null));
        }
        set("created_at", text(&self.created_at));
        set("updated_at", text(&self.updated_at));
        set("organization_id", Value::Null);
        Value::Object(json)
    }

    /// The verifiable address with this value, if there is one.
    pub fn verifiable_address(&self, value: &str) -> Option<&VerifiableAddress> {
        self.verifiable_addresses.iter().find(|address| address.value == value)
    }
}

/// The address of a schema: Kratos writes the id as unpadded base64url, so that any id fits a path.
fn schema_url(schemas_url: &str, schema_id: &str) -> String {
    use base64::Engine as _;
    format!("{schemas_url}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(schema_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::CredentialKind;
    use serde_json::json;

    fn ada() -> Identity {
        let at = Timestamp::from_seconds(1_700_000_000);
        Identity {
            verifiable_addresses: vec![VerifiableAddress {
                id: Uuid::from_u128(2),
                value: "ada@example.org".into(),
                verified: false,
                via: "email".into(),
                status: VerificationStatus::Pending,
                verified_at: None,
                created_at: at,
                updated_at: at,
            }],
            metadata_admin: Some(json!({"note": 1})),
            ..Identity::new(Uuid::from_u128(1), "default", json!({"email": "ada@example.org"}), at)
        }
    }

    #[test]
    fn the_owner_does_not_see_what_is_the_administrators() {
        let json = ada().to_json(IdentityView::public("https://id.example.org/schemas/"));
        assert!(json.get("metadata_admin").is_none());
        assert_eq!(json["metadata_public"], Value::Null);
        assert_eq!(json["organization_id"], Value::Null);
        assert_eq!(json["schema_url"], "https://id.example.org/schemas/ZGVmYXVsdA");
        assert_eq!(json["verifiable_addresses"][0]["status"], "pending");
        assert!(json["verifiable_addresses"][0].get("verified_at").is_none());
        assert!(json.get("external_id").is_none());
    }

    #[test]
    fn lists_of_sessions_leave_addresses_out() {
        let json = ada().to_json(IdentityView::admin("/schemas/").without_addresses());
        assert!(json.get("verifiable_addresses").is_none());
        assert_eq!(json["metadata_admin"]["note"], 1);
    }

    #[test]
    fn credentials_are_shown_by_kind() {
        let at = Timestamp::from_seconds(5);
        let password = Credential {
            kind: CredentialKind::Password,
            identifiers: vec!["ada@example.org".into()],
            config: json!({"hashed_password": "$argon2id$.."}).into(),
            version: 1,
            created_at: at,
            updated_at: at,
        };
        let json = ada().to_json_with_credentials(
            IdentityView::admin("/schemas/"),
            &[password],
            CredentialView::METADATA,
        );
        assert_eq!(json["credentials"]["password"]["identifiers"], json!(["ada@example.org"]));
        assert!(json["credentials"]["password"].get("config").is_none());
    }
}
