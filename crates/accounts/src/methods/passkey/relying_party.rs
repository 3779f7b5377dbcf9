//! What is asked of a browser, and how its answer is checked.
//!
//! The server asks with a challenge that belongs to one flow and is good once. The browser's device signs
//! it together with the origin of the page and the domain that the passkey is for. The person is found by
//! the passkey itself, which holds the id of its owner, so nobody types a name.

use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use sessera_model::credential::CredentialConfig;
use sessera_model::{Credential, CredentialKind, Identity, Timestamp, Uuid};
use sessera_store::{Change, records::CredentialOf};
use url::Url;
use webauthn_rs::prelude::{
    CreationChallengeResponse, DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, RequestChallengeResponse, Webauthn, WebauthnBuilder,
};

use crate::flows::error::FlowError;

/// How many passkeys one person can have.
const MAX_PASSKEYS: usize = 32;

/// For which site passkeys are good.
#[derive(Clone, Debug)]
pub(super) struct RelyingParty(Arc<Webauthn>);

/// A challenge: what the browser is asked, as JSON text, and what its answer is checked against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Challenge<S> {
    /// What the browser is asked.
    pub(super) options: String,
    state: S,
}

/// What a passkey is to sign.
pub(super) type SignInChallenge = Challenge<DiscoverableAuthentication>;

/// What a new passkey is to answer.
pub(super) type AddChallenge = Challenge<PasskeyRegistration>;

/// A person's passkeys as they are kept in a credential.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Passkeys {
    /// The passkeys, the oldest first.
    #[serde(default)]
    pub(super) credentials: Vec<StoredPasskey>,
    /// By what passkeys name their owner: the identity's id, in base64.
    #[serde(default)]
    user_handle: String,
}

/// A passkey.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StoredPasskey {
    /// Its id, in base64.
    id: String,
    /// By what its owner recognises it.
    pub(super) display_name: String,
    /// When it was added.
    pub(super) added_at: Timestamp,
    is_passwordless: bool,
    /// Its public key and the count of its signatures.
    passkey: Passkey,
}

/// The answer of a passkey that signs in. Nothing in it is true before [`RelyingParty::check`].
#[derive(Debug)]
pub(super) struct SignInAnswer(PublicKeyCredential);

impl RelyingParty {
    /// `id` is a domain, `name` what browsers call the site. The error is the origin on which passkeys for
    /// that domain do not work.
    pub(super) fn new(id: &str, name: &str, origins: &[Url]) -> Result<Self, String> {
        // The builder looks at the first origin only.
        for origin in origins {
            WebauthnBuilder::new(id, origin).map_err(|_| origin.to_string())?;
        }
        let Some((first, others)) = origins.split_first() else { return Err("no page".into()) };
        let builder = WebauthnBuilder::new(id, first).map_err(|_| first.to_string())?.rp_name(name);
        let builder = others.iter().fold(builder, WebauthnBuilder::append_allowed_origin);
        builder.build().map(|webauthn| Self(Arc::new(webauthn))).map_err(|_| first.to_string())
    }

    /// A new challenge for whoever wants to sign in.
    pub(super) fn ask_to_sign_in(&self) -> Result<SignInChallenge, FlowError> {
        let (mut options, state) = self.0.start_discoverable_authentication().map_err(FlowError::internal)?;
        // A person presses a button for it.
        options.mediation = None;
        Challenge::new::<RequestChallengeResponse>(&options, state)
    }

    /// A new challenge for a person who adds a passkey. `account` is what their device calls the account.
    pub(super) fn ask_to_add(
        &self,
        identity_id: Uuid,
        account: &str,
        passkeys: &Passkeys,
    ) -> Result<AddChallenge, FlowError> {
        let known = passkeys.credentials.iter().map(|known| known.passkey.cred_id().clone()).collect();
        let (options, state) = self
            .0
            .start_passkey_registration(identity_id, account, account, Some(known))
            .map_err(FlowError::internal)?;
        let mut challenge = Challenge::new::<CreationChallengeResponse>(&options, state)?;
        // Only a passkey that names its owner signs in without a name being typed.
        let mut options: serde_json::Value =
            serde_json::from_str(&challenge.options).map_err(FlowError::internal)?;
        let selection = &mut options["publicKey"]["authenticatorSelection"];
        selection["residentKey"] = "required".into();
        selection["requireResidentKey"] = true.into();
        challenge.options = options.to_string();
        Ok(challenge)
    }

    /// Checks the answer of a passkey that signs in: that it is one of `passkeys`, that it signed the
    /// challenge for this site after its owner was verified, and that it counts on. `Some` when it does;
    /// then whether the passkeys have changed and are to be kept.
    pub(super) fn check(
        &self,
        answer: &SignInAnswer,
        challenge: SignInChallenge,
        passkeys: &mut Passkeys,
    ) -> Option<bool> {
        let id = answer.0.get_credential_id();
        let known = passkeys.credentials.iter_mut().find(|known| known.passkey.cred_id() == id)?;
        let outcome =
            self.0.finish_discoverable_authentication_v2(&answer.0, challenge.state, &known.passkey).ok()?;
        known.passkey.update_credential(&outcome)
    }

    /// Checks the answer of a new passkey and adds it. `None` when it cannot be taken.
    pub(super) fn add(
        &self,
        answer: &str,
        challenge: &AddChallenge,
        passkeys: &mut Passkeys,
        display_name: String,
        now: Timestamp,
    ) -> Option<()> {
        let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).ok()?;
        let passkey = self.0.finish_passkey_registration(&answer, &challenge.state).ok()?;
        let is_known = passkeys.credentials.iter().any(|known| known.passkey == passkey);
        if is_known || passkeys.credentials.len() >= MAX_PASSKEYS {
            return None;
        }
        passkeys.credentials.push(StoredPasskey {
            id: BASE64_STANDARD.encode(passkey.cred_id()),
            display_name,
            added_at: now,
            is_passwordless: true,
            passkey,
        });
        Some(())
    }
}

impl<S> Challenge<S> {
    fn new<O: Serialize>(options: &O, state: S) -> Result<Self, FlowError> {
        let options = serde_json::to_string(options).map_err(FlowError::internal)?;
        Ok(Self { options, state })
    }
}

impl SignInAnswer {
    /// Reads the JSON text that a page made of the browser's answer.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// Whose passkey it says to be.
    pub(super) fn identity_id(&self) -> Option<Uuid> {
        Uuid::from_slice(self.0.get_user_unique_id()?).ok()
    }
}

impl Passkeys {
    /// The passkeys among an identity's credentials; none when there are none.
    pub(super) fn among(credentials: &[Credential]) -> Self {
        let credential = credentials.iter().find(|credential| credential.kind == CredentialKind::Passkey);
        credential
            .and_then(|credential| serde_json::from_value(credential.config.expose().clone()).ok())
            .unwrap_or_default()
    }

    /// Takes one away, by its id in hexadecimal digits. Whether it was there.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let place = self.credentials.iter().position(|known| known.hex_id() == id);
        place.map(|place| self.credentials.remove(place)).is_some()
    }

    /// The change that keeps them; the caller commits a new version of the identity with it.
    pub(super) fn keep(mut self, identity: &Identity, credentials: &[Credential], now: Timestamp) -> Change {
        let kind = CredentialKind::Passkey;
        if self.credentials.is_empty() {
            return Change::DeleteCredential { identity_id: identity.id, kind };
        }
        self.user_handle = BASE64_STANDARD.encode(identity.id.as_bytes());
        let known = credentials.iter().find(|credential| credential.kind == kind);
        let credential = Credential {
            kind,
            identifiers: vec![identity.id.to_string()],
            // Texts, numbers and times always have a JSON form.
            config: CredentialConfig::from(serde_json::to_value(self).unwrap_or_default()),
            version: 1,
            created_at: known.map_or(now, |known| known.created_at),
            updated_at: now,
        };
        Change::PutCredential(CredentialOf { identity_id: identity.id, credential })
    }
}

impl StoredPasskey {
    /// Its id in hexadecimal digits, as forms name it.
    pub(super) fn hex_id(&self) -> String {
        hex::encode(self.passkey.cred_id())
    }
}
