//! The public keys of a person as they are kept in a credential, those among them that were brought along.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessera_model::credential::CredentialConfig;
use sessera_model::{Credential, CredentialKind, Identity, Timestamp};
use sessera_store::{Change, records::CredentialOf};
use webauthn_rs_core::proto::{AuthenticationResult, Credential as PublicKey};

use super::cose;
use super::imported::{MAX_PASSKEYS, bytes};
use crate::messages::{Message, MessageId};

/// A person's keys of one kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Keys {
    /// The keys, the oldest first.
    #[serde(default)]
    credentials: Vec<StoredKey>,
    /// By what the first key names its owner, in base64: the identity's id, unless it came before the identity or was
    /// brought along.
    #[serde(default)]
    user_handle: Option<String>,
}

/// A key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredKey {
    /// Its id, in base64.
    id: String,
    /// By what its owner recognises it.
    display_name: String,
    /// When it was added.
    pub(crate) added_at: Timestamp,
    /// Whether it signs in by itself. Otherwise it is a second factor.
    pub(crate) is_passwordless: bool,
    /// Whether it was brought along from a time before it was noted whether a key can be copied. The key's next answer
    /// tells it.
    #[serde(default, skip_serializing)]
    learns_backup: bool,
    /// Its public key and the count of its signatures.
    passkey: Checked,
}

/// A public key in the form in which it has been kept from the beginning.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Checked {
    cred: PublicKey,
}

impl Keys {
    /// The keys of a kind among an identity's credentials; none when there are none.
    pub(crate) fn among(credentials: &[Credential], kind: CredentialKind) -> Self {
        let credential = credentials.iter().find(|credential| credential.kind == kind);
        credential
            .and_then(|credential| serde_json::from_value(usable(kind, credential.config.expose())).ok())
            .unwrap_or_default()
    }

    /// Those that sign in by themselves.
    pub(crate) fn passwordless(&self) -> usize {
        self.credentials.iter().filter(|key| key.is_passwordless).count()
    }

    /// Those that are a second factor.
    pub(crate) fn second_factors(&self) -> impl Iterator<Item = &StoredKey> {
        self.credentials.iter().filter(|key| !key.is_passwordless)
    }

    /// All of them, by their ids.
    pub(crate) fn all(&self) -> impl Iterator<Item = &StoredKey> {
        self.credentials.iter()
    }

    /// All of them in the order in which forms show them, which is that of their ids.
    pub(crate) fn shown(&self) -> Vec<&StoredKey> {
        let mut shown: Vec<&StoredKey> = self.credentials.iter().collect();
        shown.sort_by_key(|key| key.public_key().cred_id.as_slice());
        shown
    }

    /// The key of an id.
    pub(super) fn find(&mut self, id: &[u8]) -> Option<&mut StoredKey> {
        self.credentials.iter_mut().find(|key| key.public_key().cred_id == id)
    }

    /// Adds a key, whose owner it names by a handle. `None` when it is there already, or there are too many.
    pub(super) fn add(&mut self, key: StoredKey, handle: &[u8]) -> Option<()> {
        let is_known = self.find(&key.public_key().cred_id.clone()).is_some();
        if is_known || self.credentials.len() >= MAX_PASSKEYS {
            return None;
        }
        self.credentials.push(key);
        self.user_handle.get_or_insert_with(|| BASE64_STANDARD.encode(handle));
        Some(())
    }

    /// Takes one away, by its id in hexadecimal digits. Whether it was there.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let place = self.credentials.iter().position(|key| key.hex_id() == id);
        place.map(|place| self.credentials.remove(place)).is_some()
    }

    /// What a credential keeps of them.
    pub(crate) fn content(&self) -> Value {
        // Texts, numbers and times always have a JSON form.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The change that keeps them; the caller commits a new version of the identity with it. `identifiers` are those by
    /// which the owner is found from now on, beside those that there were.
    pub(crate) fn keep(
        &self,
        kind: CredentialKind,
        identity: &Identity,
        credentials: &[Credential],
        identifiers: Vec<String>,
        now: Timestamp,
    ) -> Change {
        if self.credentials.is_empty() {
            return Change::DeleteCredential { identity_id: identity.id, kind };
        }
        let known = credentials.iter().find(|credential| credential.kind == kind);
        let mut all = known.map(|known| known.identifiers.clone()).unwrap_or_default();
        for identifier in identifiers {
            if !all.contains(&identifier) {
                all.push(identifier);
            }
        }
        let credential = Credential {
            kind,
            identifiers: all,
            config: CredentialConfig::from(self.content()),
            version: kind.content_version(),
            created_at: known.map_or(now, |known| known.created_at),
            updated_at: now,
        };
        Change::PutCredential(CredentialOf { identity_id: identity.id, credential })
    }
}

impl StoredKey {
    /// A new key.
    pub(super) fn new(
        public_key: PublicKey,
        display_name: String,
        is_passwordless: bool,
        now: Timestamp,
    ) -> Self {
        let id = BASE64_STANDARD.encode(&public_key.cred_id);
        let passkey = Checked { cred: public_key };
        Self { id, display_name, added_at: now, is_passwordless, learns_backup: false, passkey }
    }

    /// The public key as it is checked.
    pub(super) const fn public_key(&self) -> &PublicKey {
        &self.passkey.cred
    }

    /// Its id in hexadecimal digits, as forms name it.
    pub(crate) fn hex_id(&self) -> String {
        hex::encode(&self.public_key().cred_id)
    }

    /// A message that speaks of this key.
    pub(crate) fn named(&self, message: MessageId) -> Message {
        let day = self.added_at.to_string();
        let context = json!({
            "display_name": self.display_name,
            "added_at": self.added_at,
            "added_at_unix": self.added_at.seconds(),
            "added_on": day.get(..10),
        });
        Message::with_context(message, context)
    }

    /// Learns from the flags of an answer whether the key can be copied and is, where that was never noted (W3C Web
    /// Authentication, section 6.1).
    pub(super) fn learn(&mut self, authenticator_data: &[u8]) {
        const FLAGS: usize = 32;
        let Some(flags) = authenticator_data.get(FLAGS).filter(|_| self.learns_backup) else { return };
        self.passkey.cred.backup_eligible = flags & 0x08 != 0;
        self.passkey.cred.backup_state = flags & 0x10 != 0;
    }

    /// Keeps what an answer has shown. Whether anything has changed.
    pub(super) fn update(&mut self, outcome: &AuthenticationResult) -> bool {
        let key = &mut self.passkey.cred;
        let has_changed = outcome.needs_update() || self.learns_backup;
        key.counter = key.counter.max(outcome.counter());
        key.backup_state = outcome.backup_state();
        key.backup_eligible |= outcome.backup_eligible();
        has_changed
    }
}

/// The content of a credential in which every key can be used. One that cannot be read is left out.
fn usable(kind: CredentialKind, config: &Value) -> Value {
    let mut config = config.clone();
    if let Some(Value::Array(keys)) = config.get_mut("credentials") {
        keys.retain_mut(|key| key.get("passkey").is_some() || complete(kind, key).is_some());
    }
    config
}

/// Adds to a key of Kratos what is read of it here.
fn complete(kind: CredentialKind, key: &mut Value) -> Option<()> {
    let public_key = cose::public_key(&bytes(key, "public_key")?)?;
    let is_passkey = kind == CredentialKind::Passkey;
    let has_flags = key.get("flags").is_some_and(Value::is_object);
    let flag =
        |name: &str| key.pointer(&format!("/flags/{name}")).and_then(Value::as_bool).unwrap_or_default();
    let library_s = json!({"cred": {
        "cred_id": BASE64_URL_SAFE_NO_PAD.encode(bytes(key, "id")?),
        "cred": public_key,
        "counter": key.pointer("/authenticator/sign_count").and_then(Value::as_u64).unwrap_or_default(),
        "transports": null,
        "user_verified": flag("user_verified"),
        "backup_eligible": flag("backup_eligible"),
        "backup_state": flag("backup_state"),
        // As Kratos has asked for it when the key was added.
        "registration_policy": if is_passkey { "preferred" } else { "discouraged" },
        "extensions": {},
        "attestation": {"data": "None", "metadata": "None"},
        "attestation_format": "none",
    }});
    let members = key.as_object_mut()?;
    members.insert("passkey".into(), library_s);
    members.insert("learns_backup".into(), (!has_flags).into());
    members.entry("display_name").or_insert_with(|| "".into());
    members.entry("added_at").or_insert_with(|| "1970-01-01T00:00:00Z".into());
    members.entry("is_passwordless").or_insert(Value::Bool(is_passkey));
    Some(())
}
