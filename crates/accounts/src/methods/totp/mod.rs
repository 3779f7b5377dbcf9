//! Time-based one-time passwords (RFC 6238) as authenticator apps make them: SHA-1, six digits, a new
//! one every thirty seconds.

mod factor;
mod login;
pub mod messages;
mod secret;
mod settings;

use std::sync::Arc;

use sessera_config::{Config, Problem};
use url::Url;

use crate::flows::method::{LoginMethod, Method, SettingsMethod};
use crate::flows::sign_in::Proof;

pub(crate) use factor::imported;
pub use secret::TotpSecret;

/// What a code of an app proves.
const PROOF: Proof = Proof::second_factor("totp");

/// Codes of authenticator apps.
#[derive(Clone, Debug)]
pub struct Totp {
    /// What apps show as the issuer.
    issuer: String,
}

/// Reads what the configuration says.
pub(super) fn compile(config: &Config, _: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let section = &config.selfservice.methods.totp;
    if !section.enabled {
        return None;
    }
    let named = section.config.issuer.as_ref().or(config.pages.name.as_ref());
    let issuer = named.cloned().unwrap_or_else(|| {
        let host = Url::parse(&config.public.base_url).ok();
        host.as_ref().and_then(Url::host_str).unwrap_or("Sessera").to_owned()
    });
    Some(Arc::new(Totp { issuer }))
}

impl Method for Totp {
    fn name(&self) -> &'static str {
        "totp"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

#[cfg(test)]
mod tests;
