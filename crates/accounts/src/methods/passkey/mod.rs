//! Passkeys (W3C Web Authentication), for browsers.
//!
//! A challenge lies in its flow and is replaced by whatever answers it; the public keys lie in the
//! person's credential.

mod login;
pub mod messages;
mod relying_party;
mod settings;

use std::sync::Arc;

use sessera_config::{Config, Problem};
use url::Url;

use crate::flows::method::{LoginMethod, Method, SettingsMethod};
use crate::flows::sign_in::Proof;
use crate::rules::{self, Rules};
use crate::ui::{Attributes, Group, Node};

use relying_party::RelyingParty;

/// What a passkey proves. Whether its device asked for a finger or a number is its own affair.
const PROOF: Proof = Proof::first_factor("passkey");

/// Under which name a flow keeps its challenge.
const CHALLENGE: &str = "passkey";

/// Signing in with a passkey.
#[derive(Clone, Debug)]
pub struct Passkey {
    /// For what site passkeys are good.
    party: RelyingParty,
}

/// Reads what the configuration says.
pub(super) fn compile(config: &Config, problems: &mut Vec<Problem>) -> Option<Arc<dyn Method>> {
    let methods = &config.selfservice.methods;
    let site = &methods.passkey.config.rp;
    let public_url = Url::parse(&config.public.base_url).ok().filter(|_| methods.passkey.enabled)?;
    let origins = if site.origins.is_empty() { vec![public_url.clone()] } else { site.origins.clone() };
    let id = site.id.clone().unwrap_or_else(|| public_url.host_str().unwrap_or_default().to_owned());
    let name = site.display_name.clone().unwrap_or_else(|| rules::site_name(methods, &public_url));
    match RelyingParty::new(&id, &name, &origins) {
        Ok(party) => Some(Arc::new(Passkey { party })),
        Err(origin) => {
            problems.push(Problem::new(
                "/selfservice/methods/passkey/config/rp",
                format!("passkeys for \"{id}\" do not work on {origin}: id must be its domain or one above it, and an address of numbers has none. On one machine, http://localhost works as serve.public.base_url"),
            ));
            None
        }
    }
}

impl Method for Passkey {
    fn name(&self) -> &'static str {
        "passkey"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// The node of the script that asks the browser.
fn script(rules: &Rules) -> Node {
    let source = rules.url(".well-known/ory/webauthn.js");
    let attributes = Attributes::Script { id: "webauthn_script", source };
    Node { group: Group::WEBAUTHN, attributes, messages: Vec::new(), label: None }
}

#[cfg(test)]
mod tests;
