//! The sign-in methods, a folder each.
//!
//! A folder holds all of a method: its settings, its nodes in each form, what it does with a submission,
//! and its tests. How to add one stands in `CONTRIBUTING.md`.

mod by_mail;
pub mod code;
mod identifier;
pub mod identifier_first;
pub mod link;
pub mod lookup_secret;
pub mod oidc;
#[cfg_attr(not(feature = "passkeys"), path = "passkey/absent.rs")]
pub mod passkey;
pub mod password;
pub mod profile;
pub mod public_keys;
mod second_factor;
pub mod totp;
#[cfg_attr(not(feature = "passkeys"), path = "webauthn/absent.rs")]
pub mod webauthn;

use std::sync::Arc;

use sessera_config::{Config, Problem};

use crate::flows::method::{Method, Methods};
use crate::method_list::for_all_methods;

/// Reads what the configuration says about a method. `None` when it is off. What is wrong becomes a
/// problem.
type Compile = fn(&Config, &mut Vec<Problem>) -> Option<Arc<dyn Method>>;

macro_rules! all {
    ($($(#[$attribute:meta])* $method:ident,)*) => {
        /// All methods. A submission goes to the first one that takes it.
        const ALL: &[Compile] = &[$($(#[$attribute])* $method::compile,)*];
    };
}

for_all_methods!(all);

/// The methods that are on. The error has everything that is wrong.
pub fn compile(config: &Config) -> Result<Methods, Vec<Problem>> {
    let mut problems = Vec::new();
    let methods = ALL.iter().filter_map(|compile| compile(config, &mut problems)).collect();
    if problems.is_empty() { Ok(methods) } else { Err(problems) }
}
