//! Passkeys (W3C Web Authentication): keys that name their owner and sign in by themselves.
//!
//! A challenge lies in its flow and is replaced by whatever answers it; the public keys lie in the
//! person's credential.

mod login;
pub mod messages;
mod registration;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use sessera_config::{Config, Problem};
use sessera_model::{Credential, CredentialKind};

use super::public_keys::{Keys, RelyingParty, Terms};
use crate::flows::method::{LoginMethod, Method, RegistrationMethod, SettingsMethod};
use crate::flows::sign_in::Proof;

/// What a passkey proves. Whether its device asked for a finger or a number is its own affair.
const PROOF: Proof = Proof::first_factor("passkey");

/// Under which name a flow keeps its challenge.
const CHALLENGE: &str = "passkey";

/// The kind of credential in which passkeys are kept.
const KIND: CredentialKind = CredentialKind::Passkey;

/// Signing in with a passkey.
#[derive(Clone, Debug)]
pub struct Passkey {
    /// For what site passkeys are good.
    party: RelyingParty,
}

/// Reads what the configuration says.
pub(super) fn compile(config: &Config, problems: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let section = &config.selfservice.methods.passkey;
    if !section.enabled {
        return None;
    }
    let terms = Terms {
        method: "passkey",
        timeout: Duration::from_mins(5),
        verification: section.config.authenticator_selection.user_verification,
        is_passwordless: true,
    };
    let party = RelyingParty::configured(config, &section.config.rp, terms, problems)?;
    Some(Arc::new(Passkey { party }))
}

impl Method for Passkey {
    fn name(&self) -> &'static str {
        "passkey"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// The passkeys of a person.
fn passkeys(credentials: &[Credential]) -> Keys {
    Keys::among(credentials, KIND)
}

#[cfg(test)]
mod tests;
