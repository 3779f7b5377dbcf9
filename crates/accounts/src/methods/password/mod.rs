//! Passwords.

mod login;
pub mod messages;
mod policy;
mod registration;
mod settings;

use std::sync::Arc;

use sessera_config::{Config, Problem};

use crate::flows::method::{LoginMethod, Method, RegistrationMethod, SettingsMethod};
use crate::flows::sign_in::Proof;
use crate::rules;

use policy::PasswordPolicy;

/// What a password proves.
const PROOF: Proof = Proof::first_factor("password");

/// Signing in with a password.
#[derive(Clone, Copy, Debug)]
pub struct Password {
    /// Which passwords are refused.
    policy: PasswordPolicy,
}

/// Reads what the configuration says.
pub(super) fn compile(config: &Config, _: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let section = &config.selfservice.methods.password;
    let policy = PasswordPolicy {
        min_length: section.config.min_password_length,
        refuse_similar: section.config.identifier_similarity_check_enabled,
        ..PasswordPolicy::default()
    };
    let policy = policy.for_algorithm(rules::hashing(&config.hashers));
    section.enabled.then(|| Arc::new(Password { policy }) as Arc<dyn Method>)
}

impl Method for Password {
    fn name(&self) -> &'static str {
        "password"
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

#[cfg(test)]
mod tests;
