//! What can go wrong, and what to do about it.

use std::path::PathBuf;
use std::time::Duration;

/// A key outside of the process cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs11Error {
    /// The URI names no key.
    #[error(
        "the pkcs11 URI {0}. Write pkcs11:token=NAME;object=KEY?module-path=/path/to/module.so&pin-source=file:/path/to/pin"
    )]
    Uri(String),
    /// The module cannot be loaded.
    #[error("the PKCS #11 module {} cannot be loaded: {problem}", path.display())]
    Module {
        /// Its file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// The file with the PIN cannot be read.
    #[error("the PIN in {} cannot be read: {problem}", path.display())]
    Pin {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: String,
    },
    /// Not exactly one token fits the URI.
    #[error("{found} tokens fit the pkcs11 URI, and one must: give its token label and serial number")]
    Tokens {
        /// How many tokens fit.
        found: usize,
    },
    /// Not exactly one key fits the URI.
    #[error(
        "{found} {what} keys on the token fit the pkcs11 URI, and one must: give its object label and id"
    )]
    Keys {
        /// `private` or `public`.
        what: &'static str,
        /// How many keys fit.
        found: usize,
    },
    /// The key is of a kind that is not supported.
    #[error("the key on the token is {0}: P-256 (ES256) and RSA (RS256) are supported")]
    Kind(String),
    /// The public and the private half do not belong together.
    #[error("the public key on the token does not verify what the private key signs: give both the same id")]
    Inconsistent,
    /// The session with the token is gone; a new one may do.
    #[error("the session with the token ended: {0}")]
    Lost(String),
    /// The module refuses a call.
    #[error("the token refuses: {0}")]
    Refused(String),
    /// More callers wait for the token than it can serve.
    #[error("too many wait for the token already")]
    Busy,
    /// The token does not answer.
    #[error("the token did not answer within {} ms", .0.as_millis())]
    Late(Duration),
}
