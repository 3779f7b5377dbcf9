//! Printed codes, each of which stands in once for another second factor.

mod factor;
mod login;
pub mod messages;
mod settings;

use std::sync::Arc;

use sessera_config::{Config, Problem};

use crate::flows::method::{LoginMethod, Method, SettingsMethod};
use crate::flows::sign_in::Proof;

pub use factor::PrintedCode;
pub(crate) use factor::imported;

/// What a printed code proves.
const PROOF: Proof = Proof::second_factor("lookup_secret");

/// Printed codes.
#[derive(Clone, Copy, Debug)]
pub struct LookupSecret;

/// Reads what the configuration says.
pub(super) fn compile(config: &Config, _: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let is_on = config.selfservice.methods.lookup_secret.enabled;
    is_on.then(|| Arc::new(LookupSecret) as Arc<dyn Method>)
}

impl Method for LookupSecret {
    fn name(&self) -> &'static str {
        "lookup_secret"
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
