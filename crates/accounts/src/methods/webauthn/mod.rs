//! Security keys (W3C Web Authentication) as a second factor.
//!
//! A challenge lies in its flow and is replaced by whatever answers it; the public keys lie in the
//! person's credential.

mod login;
pub mod messages;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use sessera_config::sections::methods::Verification;
use sessera_config::{Config, Problem};
use sessera_model::{Credential, CredentialKind};

use super::public_keys::{Keys, RelyingParty, Terms};
use crate::flows::method::{LoginMethod, Method, SettingsMethod};
use crate::flows::sign_in::Proof;

/// What a security key proves.
const PROOF: Proof = Proof::second_factor("webauthn");

/// Under which name a flow keeps its challenge.
const CHALLENGE: &str = "webauthn";

/// The kind of credential in which security keys are kept.
const KIND: CredentialKind = CredentialKind::Webauthn;

/// Security keys.
#[derive(Clone, Debug)]
pub struct Webauthn {
    /// For what site they are good.
    party: RelyingParty,
}

/// Reads what the configuration says.
pub(super) fn compile(config: &Config, problems: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let section = &config.selfservice.methods.webauthn;
    if !section.enabled {
        return None;
    }
    if section.config.passwordless {
        problems.push(Problem::new(
            "/selfservice/methods/webauthn/config/passwordless",
            "security keys are a second factor here: set it to false, and switch on passkey, with which people sign in without a password. Keys that an Ory Kratos kept for that sign in by the method passkey",
        ));
        return None;
    }
    let terms = Terms {
        method: "webauthn",
        timeout: Duration::from_mins(2),
        // Who has the key has given their first factor already.
        verification: Verification::Discouraged,
        is_passwordless: false,
    };
    let party = RelyingParty::configured(config, &section.config.rp, terms, problems)?;
    Some(Arc::new(Webauthn { party }))
}

impl Method for Webauthn {
    fn name(&self) -> &'static str {
        "webauthn"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// The security keys of a person.
fn security_keys(credentials: &[Credential]) -> Keys {
    Keys::among(credentials, KIND)
}

#[cfg(test)]
mod tests;
