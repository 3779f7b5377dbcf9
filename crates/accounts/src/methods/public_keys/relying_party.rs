//! What is asked of a browser, and how its answer is checked.
//!
//! The server asks with a challenge that belongs to one flow and is good once. The browser's device signs it together
//! with the origin of the page and the domain that the key is for.

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sessera_config::Problem;
use sessera_config::sections::methods::RelyingParty as Site;
use sessera_config::{Config, sections::methods::Verification};
use sessera_model::{Timestamp, Uuid};
use url::Url;
use webauthn_rs_core::WebauthnCore;
use webauthn_rs_core::proto::{
    AuthenticationState, COSEAlgorithm, PublicKeyCredential, RegisterPublicKeyCredential, RegistrationState,
    UserVerificationPolicy,
};

use super::imported::identifier_of;
use super::keys::{Keys, StoredKey};
use crate::flows::error::FlowError;
use crate::messages::{Message, common};
use crate::rules;

/// The algorithms of new keys, those that are preferred first.
const ALGORITHMS: [COSEAlgorithm; 10] = [
    COSEAlgorithm::ES256,
    COSEAlgorithm::ES384,
    COSEAlgorithm::ES521,
    COSEAlgorithm::RS256,
    COSEAlgorithm::RS384,
    COSEAlgorithm::RS512,
    COSEAlgorithm::PS256,
    COSEAlgorithm::PS384,
    COSEAlgorithm::PS512,
    COSEAlgorithm::EDDSA,
];

/// The fewest bytes of what a device signs besides what its browser adds (W3C Web Authentication, section 6.1).
const MIN_AUTHENTICATOR_DATA: usize = 37;

/// What keys of a kind are for, on which it depends what browsers are asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// How the configuration names the method.
    pub(crate) method: &'static str,
    /// How long browsers wait for the person.
    pub(crate) timeout: Duration,
    /// Whether the device verifies its owner, by a finger or a number.
    pub(crate) verification: Verification,
    /// Whether keys sign in by themselves, for which they must name their owner.
    pub(crate) is_passwordless: bool,
}

/// For which site keys are good.
#[derive(Clone, Debug)]
pub(crate) struct RelyingParty(Arc<Party>);

#[derive(Debug)]
struct Party {
    core: WebauthnCore,
    name: String,
    terms: Terms,
}

/// What a key is to sign: what the browser is asked, and what its answer is checked against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SignInChallenge {
    /// What the browser is asked.
    pub(crate) options: Value,
    state: AuthenticationState,
}

/// What a new key is to answer: what the browser is asked, and what its answer is checked against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AddChallenge {
    /// What the browser is asked.
    pub(crate) options: Value,
    state: RegistrationState,
    /// By what the key is to name its owner, in base64.
    handle: String,
}

/// The answer of a key that is there. Nothing in it is true before [`RelyingParty::check`].
#[derive(Debug)]
pub(crate) struct SignInAnswer(PublicKeyCredential);

/// The answer of a new key. Nothing in it is true before [`RelyingParty::add`].
#[derive(Debug)]
pub(crate) struct NewKeyAnswer(RegisterPublicKeyCredential);

impl RelyingParty {
    /// The site as it is configured. `None`, with a problem, when keys do not work there.
    pub(crate) fn configured(
        config: &Config,
        site: &Site,
        terms: Terms,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let public_url = Url::parse(&config.public.base_url).ok()?;
        let origins = match (&site.origins[..], &site.origin) {
            ([], Some(origin)) => vec![origin.clone()],
            ([], None) => vec![public_url.clone()],
            (origins, _) => origins.to_vec(),
        };
        let id = site.id.clone().unwrap_or_else(|| public_url.host_str().unwrap_or_default().to_owned());
        let name = site.display_name.clone().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| rules::site_name(config, &public_url));
        if let Some(origin) = origins.iter().find(|origin| !is_within(origin, &id)) {
            problems.push(Problem::new(
                format!("/selfservice/methods/{}/config/rp", terms.method),
                format!("keys for \"{id}\" do not work on {origin}: id must be its domain or one above it, and an address of numbers has none. On one machine, http://localhost works as serve.public.base_url"),
            ));
            return None;
        }
        let core = WebauthnCore::new_unsafe_experts_only(&name, &id, origins, terms.timeout, None, None);
        Some(Self(Arc::new(Party { core, name, terms })))
    }

    /// What browsers call the site.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// A new challenge for whoever has one of `keys`, or for anybody when there are none.
    pub(crate) fn ask<'a>(
        &self,
        keys: impl Iterator<Item = &'a StoredKey>,
    ) -> Result<SignInChallenge, FlowError> {
        let (core, policy) = (&self.0.core, self.verification());
        let keys = keys.map(|key| key.public_key().clone()).collect();
        let builder = core.new_challenge_authenticate_builder(keys, Some(policy));
        // A key becomes one that can be copied when its maker begins to synchronise keys.
        let builder = builder.map_err(FlowError::internal)?.allow_backup_eligible_upgrade(true);
        let (options, mut state) =
            core.generate_challenge_authenticate(builder).map_err(FlowError::internal)?;
        // They are read again when one of them answers.
        state.set_allowed_credentials(Vec::new());
        Ok(SignInChallenge { options: serde_json::to_value(options).map_err(FlowError::internal)?, state })
    }

    /// A new challenge for a person who adds a key. `handle` is by what it names its owner, `account` what the device
    /// calls the account, and `keys` are those that the person has already.
    pub(crate) fn ask_to_add(
        &self,
        handle: &[u8],
        account: &str,
        keys: &Keys,
    ) -> Result<AddChallenge, FlowError> {
        let core = &self.0.core;
        let known: Vec<_> = keys.all().map(|key| key.public_key().cred_id.clone()).collect();
        let builder = core
            .new_challenge_register_builder(handle, account, account)
            .map_err(FlowError::internal)?
            .credential_algorithms(ALGORITHMS.to_vec())
            .user_verification_policy(self.verification())
            .require_resident_key(self.0.terms.is_passwordless)
            .exclude_credentials(Some(known).filter(|known| !known.is_empty()));
        let (options, state) = core.generate_challenge_register(builder).map_err(FlowError::internal)?;
        Ok(AddChallenge {
            options: serde_json::to_value(options).map_err(FlowError::internal)?,
            state,
            handle: BASE64_STANDARD.encode(handle),
        })
    }

    /// Checks the answer of a key: that it is one of `keys` that is for this, that it signed the challenge for this site,
    /// and that it counts on. `Some` when it does; then the key, and whether the keys have changed and are to be kept.
    pub(crate) fn check<'k>(
        &self,
        answer: &SignInAnswer,
        challenge: &SignInChallenge,
        keys: &'k mut Keys,
    ) -> Option<(&'k StoredKey, bool)> {
        let key = keys.find(answer.0.get_credential_id())?;
        if key.is_passwordless != self.0.terms.is_passwordless {
            return None;
        }
        key.learn(&answer.0.response.authenticator_data);
        let core = &self.0.core;
        let outcome =
            core.authenticate_single_credential(&answer.0, &challenge.state, key.public_key()).ok()?;
        let has_changed = key.update(&outcome);
        Some((key, has_changed))
    }

    /// Adds the key of an answer to the keys of its owner, when it answers `challenge`. The error says what is wrong.
    pub(crate) fn add_answered(
        &self,
        text: &str,
        challenge: Option<&AddChallenge>,
        keys: &mut Keys,
        display_name: String,
        now: Timestamp,
    ) -> Result<(), Message> {
        let answer = NewKeyAnswer::parse(text)?;
        let added = challenge.and_then(|challenge| self.add(&answer, challenge, keys, display_name, now));
        added.map(drop).ok_or_else(|| common::KEY_REFUSED.into())
    }

    /// Checks the answer of a new key and adds it. `None` when it cannot be taken; otherwise by what it names its owner.
    pub(crate) fn add(
        &self,
        answer: &NewKeyAnswer,
        challenge: &AddChallenge,
        keys: &mut Keys,
        display_name: String,
        now: Timestamp,
    ) -> Option<Vec<u8>> {
        let handle = BASE64_STANDARD.decode(&challenge.handle).ok()?;
        let public_key = self.0.core.register_credential(&answer.0, &challenge.state, None).ok()?;
        let key = StoredKey::new(public_key, display_name, self.0.terms.is_passwordless, now);
        keys.add(key, &handle)?;
        Some(handle)
    }

    fn verification(&self) -> UserVerificationPolicy {
        match self.0.terms.verification {
            Verification::Preferred => UserVerificationPolicy::Preferred,
            Verification::Required => UserVerificationPolicy::Required,
            Verification::Discouraged => UserVerificationPolicy::Discouraged_DO_NOT_USE,
        }
    }
}

/// Whether an origin is of a domain or below it.
fn is_within(origin: &Url, domain: &str) -> bool {
    let Some(host) = origin.domain() else { return false };
    let below = host.strip_suffix(domain);
    !domain.is_empty() && below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

impl SignInAnswer {
    /// Reads the JSON text that a page made of the browser's answer.
    pub(crate) fn parse(text: &str) -> Result<Self, Message> {
        let answer: PublicKeyCredential = parse(text)?;
        let has_data = answer.response.authenticator_data.len() >= MIN_AUTHENTICATOR_DATA;
        well_formed(&answer.response.client_data_json, has_data)?;
        Ok(Self(answer))
    }

    /// Whose key it says to be: the id of an identity, and the identifier of an owner who was known otherwise when the key
    /// was made.
    pub(crate) fn owner(&self) -> Option<(Option<Uuid>, String)> {
        let handle = self.0.get_user_unique_id().filter(|handle| !handle.is_empty())?;
        Some((Uuid::from_slice(handle).ok(), identifier_of(handle)))
    }
}

impl NewKeyAnswer {
    /// Reads the JSON text that a page made of the browser's answer.
    pub(crate) fn parse(text: &str) -> Result<Self, Message> {
        let answer: RegisterPublicKeyCredential = parse(text)?;
        well_formed(&answer.response.client_data_json, !answer.response.attestation_object.is_empty())?;
        Ok(Self(answer))
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Message> {
    serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))
}

/// Whether there is what a browser and a device say.
fn well_formed(client_data: &[u8], has_data: bool) -> Result<(), Message> {
    let is_json = serde_json::from_slice::<Value>(client_data).is_ok_and(|data| data.is_object());
    if is_json && has_data { Ok(()) } else { Err(malformed("the response holds no signed data")) }
}

fn malformed(problem: &str) -> Message {
    Message::invalid(format!("What the browser answered is no answer of a key: {problem}. Try again."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_that_of_the_page_or_above_it() {
        let is = |origin: &str, domain: &str| is_within(&Url::parse(origin).unwrap(), domain);
        assert!(is("https://example.org", "example.org") && is("https://id.example.org:8443", "example.org"));
        for (origin, domain) in [
            ("https://notexample.org", "example.org"),
            ("https://example.org", "id.example.org"),
            ("https://example.org", ""),
            ("http://127.0.0.1:4433", "127.0.0.1"),
            ("android:apk-key-hash:x", "example.org"),
        ] {
            assert!(!is(origin, domain), "{origin} {domain}");
        }
    }
}
