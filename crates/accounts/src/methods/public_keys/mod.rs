//! What passkeys and security keys have in common (W3C Web Authentication): what a browser is asked, how its answer is
//! checked, and the public keys as they are kept in a person's credential.
//!
//! A program without the feature `passkeys` keeps what is stored and takes what is brought along, and uses none of it.

mod cose;
mod imported;
#[cfg(feature = "passkeys")]
mod keys;
#[cfg(feature = "passkeys")]
mod nodes;
#[cfg(feature = "passkeys")]
mod relying_party;

pub use imported::ImportedPasskeys;
pub(crate) use imported::imported;
#[cfg(feature = "passkeys")]
pub(super) use keys::Keys;
#[cfg(feature = "passkeys")]
pub(super) use nodes::{script, trigger};
#[cfg(feature = "passkeys")]
pub(crate) use relying_party::{
    AddChallenge, NewKeyAnswer, RelyingParty, SignInAnswer, SignInChallenge, Terms,
};

#[cfg(all(test, feature = "passkeys"))]
pub(super) mod testing;

/// Refuses a configuration that switches a method on which this program was built without.
#[cfg(not(feature = "passkeys"))]
pub(super) fn refuse(method: &str, enabled: bool, problems: &mut Vec<sessera_config::Problem>) {
    if enabled {
        problems.push(sessera_config::Problem::new(
            format!("/selfservice/methods/{method}/enabled"),
            "this program was built without passkeys and security keys; set the key to false, or take a build with the feature \"passkeys\"",
        ));
    }
}
