//! Passwords.

mod common;
mod login;
mod look;
pub mod messages;
mod migration;
#[cfg(test)]
mod migration_tests;
mod policy;
mod registration;
mod settings;

use std::sync::Arc;

use serde_json::json;
use sessera_config::{Config, Problem};

use crate::breaches::BreachRules;
use crate::flows::method::{LoginMethod, Method, RegistrationMethod, SettingsMethod};
use crate::flows::sign_in::Proof;
use crate::flows::visit::Visit;
use crate::messages::Message;
use crate::rules;

use migration::Migration;
use policy::PasswordPolicy;

pub use migration::{FLAG as KEPT_ELSEWHERE, is_elsewhere as is_kept_elsewhere};

/// What a password proves.
const PROOF: Proof = Proof::first_factor("password");

/// Signing in with a password.
#[derive(Clone, Debug)]
pub struct Password {
    /// Which passwords are refused.
    policy: PasswordPolicy,
    /// How passwords from breaches are looked up, where they are.
    breaches: Option<BreachRules>,
    /// The system that still keeps passwords of people who were brought along.
    migration: Option<Migration>,
}

/// Reads what the configuration says.
pub(super) fn compile(config: &Config, problems: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let section = &config.selfservice.methods.password;
    let policy = PasswordPolicy {
        min_length: section.config.min_password_length,
        refuse_similar: section.config.identifier_similarity_check_enabled,
        ..PasswordPolicy::default()
    };
    let policy = policy.for_algorithm(rules::hashing(&config.hashers));
    let url = section.config.haveibeenpwned_url().filter(|_| section.config.haveibeenpwned_enabled);
    let breaches = url.map(|url| BreachRules {
        host: section.config.haveibeenpwned_host.0.clone(),
        addresses: config.reach.of_written(&url),
        max_breaches: section.config.max_breaches.into(),
        ignore_network_errors: section.config.ignore_network_errors,
    });
    let migration = Migration::compile(config, problems);
    section.enabled.then(|| Arc::new(Password { policy, breaches, migration }) as Arc<dyn Method>)
}

impl Password {
    /// Refuses a password that somebody with `identifiers` must not choose. The error is what is said at the field.
    async fn judge(&self, visit: &Visit<'_>, password: &str, identifiers: &[String]) -> Result<(), Message> {
        self.policy.check(password, identifiers)?;
        let Some(rules) = &self.breaches else { return Ok(()) };
        match visit.accounts.breaches.found(rules, password, visit.now).await {
            Ok(found) if found > rules.max_breaches => {
                Err(Message::with_context(messages::BREACHED, json!({ "breaches": found })))
            }
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(host = %rules.host, %error, "a password could not be looked up in breaches");
                if rules.ignore_network_errors {
                    return Ok(());
                }
                let reason = "It could not be looked up in known breaches just now. Try again in a moment.";
                Err(Message::with_context(messages::REFUSED, json!({ "reason": reason })))
            }
        }
    }
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
