//! Making and changing identities: the schema judges the traits, and what follows from them
//! (addresses, identifiers of credentials) is kept in step.

use std::collections::HashMap;

use serde_json::{Value, json};
use sessera_model::credential::CredentialConfig;
use sessera_model::identity::VerificationStatus;
use sessera_model::{
    Credential, CredentialKind, Identity, IdentityState, Random, RecoveryAddress, Timestamp,
    VerifiableAddress,
};
use sessera_store::Change;
use sessera_store::records::CredentialOf;

use crate::linked::LinkedAccounts;
use crate::schema::normalise::is_invisible;
use crate::schema::{Address, Extracted, IdentitySchemas, Violation};
use crate::submission::size;

/// The longest external id and schema id, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// How large the traits and each kind of metadata of somebody may be, in bytes of JSON. All of it is read with each of
/// their sessions.
const MAX_VALUE_BYTES: usize = 256 * 1024;

/// Why an identity cannot be as it was asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum IdentityError {
    /// There is no such schema.
    #[error("There is no identity schema \"{0}\". GET /schemas lists those that are configured.")]
    UnknownSchema(String),
    /// The traits are not as the schema asks for.
    #[error("The traits do not fit the identity schema. {}", list(.0))]
    InvalidTraits(Vec<Violation>),
    /// The external id cannot be used.
    #[error(
        "The external_id must have 1 to {MAX_NAME_BYTES} bytes, and no control characters or others that are not seen."
    )]
    InvalidExternalId,
    /// What is to be stored about somebody is too much.
    #[error("{name} may have {most} KiB of JSON at the most. Shorten it.", name = .0, most = MAX_VALUE_BYTES / 1024)]
    TooLarge(&'static str),
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// What making identities needs beside the draft.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The schemas in force.
    pub schemas: &'a IdentitySchemas,
    /// Where ids come from.
    pub random: &'a dyn Random,
    /// The current time.
    pub now: Timestamp,
}

/// What is to be said about an identity; the rest follows.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityDraft {
    /// Which schema judges the traits.
    pub schema_id: String,
    /// The traits.
    pub traits: Value,
    /// Whether it may sign in.
    pub state: IdentityState,
    /// Identifier in another system.
    pub external_id: Option<String>,
    /// What its owner may see.
    pub metadata_public: Option<Value>,
    /// What only an administrator may see.
    pub metadata_admin: Option<Value>,
}

impl IdentityDraft {
    /// Somebody new, active and without metadata.
    pub fn new(schema_id: impl Into<String>, traits: Value) -> Self {
        Self {
            schema_id: schema_id.into(),
            traits,
            state: IdentityState::Active,
            external_id: None,
            metadata_public: None,
            metadata_admin: None,
        }
    }

    /// What is said about an identity now, to be changed.
    pub fn of(identity: &Identity) -> Self {
        Self {
            schema_id: identity.schema_id.clone(),
            traits: identity.traits.clone(),
            state: identity.state,
            external_id: identity.external_id.clone(),
            metadata_public: identity.metadata_public.clone(),
            metadata_admin: identity.metadata_admin.clone(),
        }
    }

    /// Refuses what can be said of nobody. What is stored already stays, whoever brought it along: people could change
    /// nothing of themselves otherwise.
    fn check_new(&self, stored: Option<&Identity>) -> Result<(), IdentityError> {
        let is_name = |id: &str| (1..=MAX_NAME_BYTES).contains(&id.len()) && !id.chars().any(is_invisible);
        let is_known = stored.is_some_and(|stored| stored.external_id == self.external_id);
        if !is_known && !self.external_id.as_deref().is_none_or(is_name) {
            return Err(IdentityError::InvalidExternalId);
        }
        let new = [Some(&self.traits), self.metadata_public.as_ref(), self.metadata_admin.as_ref()];
        let known = stored.map_or([None; 3], |stored| {
            [Some(&stored.traits), stored.metadata_public.as_ref(), stored.metadata_admin.as_ref()]
        });
        let names = ["traits", "metadata_public", "metadata_admin"];
        let is_large = |value: &Value| size(value) > MAX_VALUE_BYTES;
        for ((name, new), known) in names.into_iter().zip(new).zip(known) {
            if new != known && new.is_some_and(is_large) {
                return Err(IdentityError::TooLarge(name));
            }
        }
        Ok(())
    }

    fn judge(&self, schemas: &IdentitySchemas) -> Result<Extracted, IdentityError> {
        let schema = schemas.get(&self.schema_id).ok_or_else(|| {
            IdentityError::UnknownSchema(self.schema_id.chars().take(MAX_NAME_BYTES).collect())
        })?;
        schema.validate(&self.traits).map_err(IdentityError::InvalidTraits)
    }
}

/// An identity as it is to be, with its credentials. Nothing is stored until its
/// [`PreparedIdentity::changes`] are committed.
#[derive(Clone, Debug)]
pub struct PreparedIdentity {
    /// The identity.
    pub identity: Identity,
    extracted: Extracted,
    credentials: Vec<Credential>,
    /// As they are stored; nothing for a new identity.
    stored_credentials: Vec<Credential>,
    is_new: bool,
    now: Timestamp,
}

impl PreparedIdentity {
    /// A new identity.
    pub fn create(draft: IdentityDraft, surroundings: Surroundings<'_>) -> Result<Self, IdentityError> {
        let Surroundings { schemas, random, now } = surroundings;
        draft.check_new(None)?;
        let extracted = draft.judge(schemas)?;
        let identity = Identity {
            external_id: draft.external_id,
            state: draft.state,
            verifiable_addresses: verifiable(&extracted.verifiable, &[], random, now),
            recovery_addresses: recovery(&extracted.recovery, &[], random, now),
            metadata_public: draft.metadata_public,
            metadata_admin: draft.metadata_admin,
            ..Identity::new(random.uuid(), draft.schema_id, draft.traits, now)
        };
        let mut prepared =
            Self { identity, extracted, credentials: vec![], stored_credentials: vec![], is_new: true, now };
        prepared.follow_traits();
        Ok(prepared)
    }

    /// A change of an identity, given as it is stored. Addresses that stay keep their ids and status.
    pub fn update(
        stored: Identity,
        stored_credentials: Vec<Credential>,
        draft: IdentityDraft,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, IdentityError> {
        let Surroundings { schemas, random, now } = surroundings;
        draft.check_new(Some(&stored))?;
        let extracted = draft.judge(schemas)?;
        let identity = Identity {
            id: stored.id,
            external_id: draft.external_id,
            schema_id: draft.schema_id,
            state_changed_at: if draft.state == stored.state { stored.state_changed_at } else { now },
            state: draft.state,
            traits: draft.traits,
            verifiable_addresses: verifiable(
                &extracted.verifiable,
                &stored.verifiable_addresses,
                random,
                now,
            ),
            recovery_addresses: recovery(&extracted.recovery, &stored.recovery_addresses, random, now),
            metadata_public: draft.metadata_public,
            metadata_admin: draft.metadata_admin,
            created_at: stored.created_at,
            updated_at: now,
            version: stored.version,
        };
        let mut prepared = Self {
            identity,
            extracted,
            credentials: stored_credentials.clone(),
            stored_credentials,
            is_new: false,
            now,
        };
        prepared.follow_traits();
        Ok(prepared)
    }

    /// This identity with other words about it. A new one stays a new one, and what it signs in with follows.
    pub fn revised(
        self,
        draft: IdentityDraft,
        surroundings: Surroundings<'_>,
    ) -> Result<Self, IdentityError> {
        let Self { identity, credentials, stored_credentials, is_new, .. } = self;
        let revised = Self::update(identity, credentials, draft, surroundings)?;
        Ok(Self { stored_credentials, is_new, ..revised })
    }

    /// With what a kind of credential finds the identity.
    pub fn identifiers(&self, kind: CredentialKind) -> &[String] {
        self.extracted.identifiers(kind)
    }

    /// The addresses to which codes for signing in are sent.
    pub fn code_addresses(&self) -> &[Address] {
        &self.extracted.code
    }

    /// What names the account in authenticator apps.
    pub fn account_name(&self) -> Option<&str> {
        self.extracted.account_name.as_deref()
    }

    /// The credentials as they are to be, ordered by kind.
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// Sets the password, given as its hash.
    pub fn set_password(&mut self, hash: String) {
        self.set_config(CredentialKind::Password, json!({ "hashed_password": hash }));
    }

    /// Sets the content of a credential, which comes into being when it was not there. Its identifiers
    /// follow from the traits.
    pub fn set_config(&mut self, kind: CredentialKind, config: Value) {
        let identifiers = self.identifiers(kind).to_vec();
        self.set_credential(kind, identifiers, config);
    }

    /// Sets a credential whose identifiers are of its own making.
    pub fn set_credential(&mut self, kind: CredentialKind, identifiers: Vec<String>, config: Value) {
        let config = CredentialConfig::from(config);
        let now = self.now;
        match self.credentials.iter_mut().find(|credential| credential.kind == kind) {
            Some(credential) => {
                credential.identifiers = identifiers;
                credential.config = config;
                credential.updated_at = now;
            }
            None => {
                self.credentials.push(Credential {
                    kind,
                    identifiers,
                    config,
                    version: kind.content_version(),
                    created_at: now,
                    updated_at: now,
                });
                self.credentials.sort_by_key(|credential| credential.kind.as_str());
            }
        }
    }

    /// Adds a credential whose identifiers are its own.
    pub fn add_credential(&mut self, credential: Credential) {
        self.credentials.push(credential);
        self.credentials.sort_by_key(|credential| credential.kind.as_str());
    }

    /// Takes a credential away. A password's identifiers stay taken, because its owner may set a new
    /// one after recovery.
    pub fn remove_credential(&mut self, kind: CredentialKind) {
        if kind == CredentialKind::Password && !self.identifiers(kind).is_empty() {
            self.set_config(kind, json!({}));
        } else {
            self.credentials.retain(|credential| credential.kind != kind);
        }
    }

    /// Takes an account at another provider away, by what it is found. Whether it was there. The credential stays when it
    /// was the last one.
    pub fn unlink(&mut self, identifier: &str) -> bool {
        let mut linked = LinkedAccounts::among(&self.credentials);
        let was_there = linked.remove_one(identifier);
        if was_there {
            self.set_credential(CredentialKind::Oidc, linked.identifiers(), linked.content());
        }
        was_there
    }

    /// Takes security keys away that are a second factor. Those that sign in by themselves stay.
    pub fn remove_security_keys(&mut self) {
        let kind = CredentialKind::Webauthn;
        let Some(known) = self.credentials.iter().find(|credential| credential.kind == kind) else { return };
        let mut config = known.config.expose().clone();
        let mut left = 0;
        if let Some(Value::Array(keys)) = config.get_mut("credentials") {
            keys.retain(|key| key.get("is_passwordless") == Some(&Value::Bool(true)));
            left = keys.len();
        }
        if left == 0 { self.remove_credential(kind) } else { self.set_config(kind, config) }
    }

    /// What to commit, all or nothing.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = vec![if self.is_new {
            Change::InsertIdentity(self.identity.clone())
        } else {
            Change::UpdateIdentity(self.identity.clone())
        }];
        changes.extend(self.credential_changes());
        changes
    }

    /// What to commit together with the identity itself.
    pub fn credential_changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for credential in &self.credentials {
            if !self.stored_credentials.contains(credential) {
                changes.push(Change::PutCredential(CredentialOf {
                    identity_id: self.identity.id,
                    credential: credential.clone(),
                }));
            }
        }
        for stored in &self.stored_credentials {
            if !self.credentials.iter().any(|credential| credential.kind == stored.kind) {
                changes.push(Change::DeleteCredential { identity_id: self.identity.id, kind: stored.kind });
            }
        }
        changes
    }

    /// Brings credentials in step with the traits: their identifiers are those of the traits. Whoever
    /// can be found by an identifier has a credential for it, so that nobody else can take it.
    fn follow_traits(&mut self) {
        let now = self.now;
        for credential in &mut self.credentials {
            if !follows_traits(credential.kind) {
                continue;
            }
            let identifiers = self.extracted.identifiers(credential.kind);
            if credential.identifiers != identifiers {
                credential.identifiers = identifiers.to_vec();
                credential.updated_at = now;
            }
        }
        let has = |this: &Self, kind| {
            this.credentials.iter().any(|credential: &Credential| credential.kind == kind)
        };
        if !self.identifiers(CredentialKind::Password).is_empty() && !has(self, CredentialKind::Password) {
            self.set_config(CredentialKind::Password, json!({}));
        }
        if self.extracted.code.is_empty() {
            self.remove_credential(CredentialKind::Code);
        } else {
            let addresses = self.extracted.code.iter();
            let addresses: Vec<Value> = addresses
                .map(|address| json!({ "channel": address.via, "address": address.value }))
                .collect();
            let config = json!({ "addresses": addresses });
            let stored = self.credentials.iter().find(|credential| credential.kind == CredentialKind::Code);
            if stored.is_none_or(|credential| credential.config.expose() != &config) {
                self.set_config(CredentialKind::Code, config);
            }
        }
    }
}

/// Whether the identifiers of a kind are taken from traits. Those of others are the identity's id or
/// of their own making.
const fn follows_traits(kind: CredentialKind) -> bool {
    matches!(kind, CredentialKind::Password | CredentialKind::Code | CredentialKind::Webauthn)
}

fn verifiable(
    wanted: &[Address],
    stored: &[VerifiableAddress],
    random: &dyn Random,
    now: Timestamp,
) -> Vec<VerifiableAddress> {
    let stored: HashMap<_, _> =
        stored.iter().map(|known| ((known.via.as_str(), known.value.as_str()), known)).collect();
    let keep_or_make = |address: &Address| {
        let known = stored.get(&(address.via.as_str(), address.value.as_str())).copied();
        known.cloned().unwrap_or_else(|| VerifiableAddress {
            id: random.uuid(),
            value: address.value.clone(),
            verified: false,
            via: address.via.clone(),
            status: VerificationStatus::Pending,
            verified_at: None,
            created_at: now,
            updated_at: now,
        })
    };
    wanted.iter().map(keep_or_make).collect()
}

fn recovery(
    wanted: &[Address],
    stored: &[RecoveryAddress],
    random: &dyn Random,
    now: Timestamp,
) -> Vec<RecoveryAddress> {
    let stored: HashMap<_, _> =
        stored.iter().map(|known| ((known.via.as_str(), known.value.as_str()), known)).collect();
    let keep_or_make = |address: &Address| {
        let known = stored.get(&(address.via.as_str(), address.value.as_str())).copied();
        known.cloned().unwrap_or_else(|| RecoveryAddress {
            id: random.uuid(),
            value: address.value.clone(),
            via: address.via.clone(),
            created_at: now,
            updated_at: now,
        })
    };
    wanted.iter().map(keep_or_make).collect()
}

#[cfg(test)]
mod tests {
    use sessera_model::SeededRandom;

    use super::*;

    fn schemas() -> IdentitySchemas {
        IdentitySchemas::built_in().unwrap()
    }

    fn surroundings<'a>(
        schemas: &'a IdentitySchemas,
        random: &'a SeededRandom,
        seconds: i64,
    ) -> Surroundings<'a> {
        Surroundings { schemas, random, now: Timestamp::from_seconds(seconds) }
    }

    fn ada(traits: Value) -> IdentityDraft {
        IdentityDraft::new("default", traits)
    }

    #[test]
    fn a_new_identity_has_what_follows_from_its_traits() {
        let (schemas, random) = (schemas(), SeededRandom::new(1));
        let draft = ada(json!({"email": "Ada@Example.org"}));
        let mut prepared = PreparedIdentity::create(draft, surroundings(&schemas, &random, 5)).unwrap();
        let identity = &prepared.identity;
        assert_eq!(identity.traits["email"], "Ada@Example.org", "traits stay as they were given");
        assert_eq!(identity.verifiable_addresses[0].value, "ada@example.org");
        assert_eq!(identity.verifiable_addresses[0].status, VerificationStatus::Pending);
        assert_eq!(identity.recovery_addresses[0].value, "ada@example.org");
        assert_eq!(prepared.identifiers(CredentialKind::Password), ["ada@example.org"]);
        assert_eq!(prepared.account_name(), Some("Ada@Example.org"));
        prepared.set_password("$hash".into());
        let changes = prepared.changes();
        assert!(matches!(&changes[0], Change::InsertIdentity(identity) if identity.version == 1));
        let Change::PutCredential(put) = &changes[1] else { panic!("{changes:?}") };
        assert_eq!(put.credential.identifiers, ["ada@example.org"]);
        assert_eq!(put.credential.config.text("hashed_password"), Some("$hash"));
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn an_identifier_is_taken_even_without_a_password() {
        let (schemas, random) = (schemas(), SeededRandom::new(1));
        let draft = ada(json!({"email": "ada@example.org"}));
        let prepared = PreparedIdentity::create(draft, surroundings(&schemas, &random, 5)).unwrap();
        assert_eq!(prepared.credentials()[0].identifiers, ["ada@example.org"]);
        assert_eq!(prepared.credentials()[0].config.expose(), &json!({}));
    }

    fn stored(schemas: &IdentitySchemas, random: &SeededRandom) -> (Identity, Vec<Credential>) {
        let draft = ada(json!({"email": "ada@example.org"}));
        let mut prepared = PreparedIdentity::create(draft, surroundings(schemas, random, 5)).unwrap();
        prepared.set_password("$hash".into());
        let mut identity = prepared.identity.clone();
        identity.version = 7;
        identity.verifiable_addresses[0].verified = true;
        identity.verifiable_addresses[0].status = VerificationStatus::Completed;
        (identity, prepared.credentials().to_vec())
    }

    #[test]
    fn addresses_that_stay_keep_their_status() {
        let (schemas, random) = (schemas(), SeededRandom::new(1));
        let (identity, credentials) = stored(&schemas, &random);
        let mut draft = IdentityDraft::of(&identity);
        draft.traits = json!({"email": "ADA@example.org", "name": {"first": "Ada"}});
        draft.state = IdentityState::Inactive;
        let prepared = PreparedIdentity::update(
            identity.clone(),
            credentials,
            draft,
            surroundings(&schemas, &random, 9),
        )
        .unwrap();
        assert_eq!(prepared.identity.verifiable_addresses, identity.verifiable_addresses);
        assert_eq!(prepared.identity.recovery_addresses, identity.recovery_addresses);
        assert_eq!(prepared.identity.state_changed_at.seconds(), 9);
        assert_eq!((prepared.identity.created_at.seconds(), prepared.identity.updated_at.seconds()), (5, 9));
        let changes = prepared.changes();
        assert!(matches!(&changes[..], [Change::UpdateIdentity(changed)] if changed.version == 7));
    }

    #[test]
    fn a_new_address_is_not_verified_and_credentials_follow() {
        let (schemas, random) = (schemas(), SeededRandom::new(1));
        let (identity, credentials) = stored(&schemas, &random);
        let mut draft = IdentityDraft::of(&identity);
        draft.traits = json!({"email": "grace@example.org"});
        let prepared = PreparedIdentity::update(
            identity.clone(),
            credentials,
            draft,
            surroundings(&schemas, &random, 9),
        )
        .unwrap();
        let address = &prepared.identity.verifiable_addresses[0];
        assert_eq!((address.value.as_str(), address.verified), ("grace@example.org", false));
        assert_ne!(address.id, identity.verifiable_addresses[0].id);
        assert_eq!(prepared.identity.state_changed_at.seconds(), 5);
        let Change::PutCredential(put) = &prepared.changes()[1] else { panic!("no credential is changed") };
        assert_eq!(put.credential.identifiers, ["grace@example.org"]);
        assert_eq!(put.credential.config.text("hashed_password"), Some("$hash"));
    }

    #[test]
    fn credentials_are_taken_away() {
        let (schemas, random) = (schemas(), SeededRandom::new(1));
        let (identity, credentials) = stored(&schemas, &random);
        let update = |credentials, change: fn(&mut PreparedIdentity)| {
            let draft = IdentityDraft::of(&identity);
            let mut prepared = PreparedIdentity::update(
                identity.clone(),
                credentials,
                draft,
                surroundings(&schemas, &random, 9),
            )
            .unwrap();
            change(&mut prepared);
            prepared
        };
        let with_totp = update(credentials, |p| p.set_config(CredentialKind::Totp, json!({"secret": "x"})));
        assert_eq!(with_totp.changes().len(), 2);
        let without = update(with_totp.credentials().to_vec(), |p| {
            p.remove_credential(CredentialKind::Totp);
            p.remove_credential(CredentialKind::Password);
        });
        let changes = without.changes();
        assert!(
            matches!(&changes[1], Change::PutCredential(put) if put.credential.config.expose() == &json!({}))
        );
        assert!(matches!(changes[2], Change::DeleteCredential { kind: CredentialKind::Totp, .. }));
    }

    #[test]
    fn security_keys_that_sign_in_by_themselves_stay() {
        let (schemas, random) = (schemas(), SeededRandom::new(1));
        let draft = ada(json!({"email": "ada@example.org"}));
        let mut made = PreparedIdentity::create(draft, surroundings(&schemas, &random, 5)).unwrap();
        let kind = CredentialKind::Webauthn;
        let left = |made: &PreparedIdentity| {
            let found = made.credentials().iter().find(|credential| credential.kind == kind);
            found.map(|found| found.config.expose()["credentials"].clone())
        };
        let keys = json!({"credentials": [{"id": "1", "is_passwordless": true}, {"id": "2"}]});
        made.set_config(kind, keys);
        made.remove_security_keys();
        assert_eq!(left(&made), Some(json!([{"id": "1", "is_passwordless": true}])));
        made.set_config(kind, json!({"credentials": [{"id": "2"}]}));
        made.remove_security_keys();
        assert_eq!(left(&made), None);
    }

    #[test]
    fn codes_are_sent_to_where_the_schema_says() {
        use base64::Engine as _;
        let document = json!({"properties": {"traits": {"properties": {"email": {"type": "string", "ory.sh/kratos": {
            "credentials": {"code": {"identifier": true, "via": "email"}}
        }}}}}});
        let url =
            format!("base64://{}", base64::engine::general_purpose::STANDARD.encode(document.to_string()));
        let schemas = IdentitySchemas::compile([("default", url.as_str())], "default").unwrap();
        let random = SeededRandom::new(1);
        let draft = ada(json!({"email": "ada@example.org"}));
        let made = PreparedIdentity::create(draft, surroundings(&schemas, &random, 5)).unwrap();
        let [code] = made.credentials() else { panic!("there is one credential") };
        assert_eq!(code.kind, CredentialKind::Code);
        assert_eq!(code.config.expose()["addresses"][0]["address"], "ada@example.org");
        let draft = ada(json!({}));
        let update = PreparedIdentity::update(
            made.identity.clone(),
            made.credentials().to_vec(),
            draft,
            surroundings(&schemas, &random, 9),
        );
        assert!(matches!(
            update.unwrap().changes()[1],
            Change::DeleteCredential { kind: CredentialKind::Code, .. }
        ));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let (schemas, random) = (schemas(), SeededRandom::new(1));
        let create = |draft| PreparedIdentity::create(draft, surroundings(&schemas, &random, 5)).unwrap_err();
        let unknown = create(IdentityDraft::new("nope", json!({})));
        assert_eq!(unknown, IdentityError::UnknownSchema("nope".into()));
        let error = create(ada(json!({}))).to_string();
        assert!(error.contains("traits.email"), "{error}");
        let mut draft = ada(json!({"email": "ada@example.org"}));
        for odd in ["", "a\nb", "a\0b", "a\u{202e}b", "\u{200b}", &"x".repeat(257), &"x".repeat(1 << 20)] {
            draft.external_id = Some(odd.to_owned());
            assert_eq!(create(draft.clone()), IdentityError::InvalidExternalId);
        }
        let large = json!({"notes": "x".repeat(MAX_VALUE_BYTES)});
        let draft = ada(json!({"email": "ada@example.org"}));
        let public = IdentityDraft { metadata_public: Some(large.clone()), ..draft.clone() };
        assert_eq!(create(public), IdentityError::TooLarge("metadata_public"));
        let admin = IdentityDraft { metadata_admin: Some(large.clone()), ..draft };
        assert_eq!(create(admin), IdentityError::TooLarge("metadata_admin"));
        assert_eq!(create(ada(large)), IdentityError::TooLarge("traits"));
    }

    #[test]
    fn what_was_brought_along_stays_however_large_it_is() {
        let (schemas, random) = (schemas(), SeededRandom::new(1));
        let draft = ada(json!({"email": "ada@example.org"}));
        let made = PreparedIdentity::create(draft, surroundings(&schemas, &random, 5)).unwrap();
        let large = |letter: &str| Some(json!({"notes": letter.repeat(MAX_VALUE_BYTES)}));
        let stored = Identity { metadata_admin: large("x"), ..made.identity };
        let update = |draft| {
            PreparedIdentity::update(stored.clone(), Vec::new(), draft, surroundings(&schemas, &random, 9))
        };
        let other =
            IdentityDraft { traits: json!({"email": "eve@example.org"}), ..IdentityDraft::of(&stored) };
        assert!(update(other.clone()).is_ok());
        let larger = IdentityDraft { metadata_admin: large("y"), ..other };
        assert_eq!(update(larger).unwrap_err(), IdentityError::TooLarge("metadata_admin"));
    }
}
