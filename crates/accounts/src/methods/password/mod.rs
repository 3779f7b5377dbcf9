//! Passwords.

mod login;
pub mod messages;
mod policy;
mod registration;
mod settings;

use std::sync::Arc;

use sessera_config::tree::{Config, Reader};

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
pub(super) fn compile(_: &Config, reader: &mut Reader<'_>) -> Option<Arc<dyn Method>> {
    let mut policy = PasswordPolicy::default();
    let at = "/selfservice/methods/password/config";
    let key = format!("{at}/min_password_length");
    if let Some(length) = reader.integer(&key) {
        match usize::try_from(length) {
            Ok(length) if (6..=256).contains(&length) => policy.min_length = length,
            _ => reader.problems.push(format!("{key}: {length} must be between 6 and 256")),
        }
    }
    policy.refuse_similar = reader.flag(&format!("{at}/identifier_similarity_check_enabled"), true);
    let policy = policy.for_algorithm(rules::hashing(reader));
    let is_on = reader.flag("/selfservice/methods/password/enabled", true);
    is_on.then(|| Arc::new(Password { policy }) as Arc<dyn Method>)
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
