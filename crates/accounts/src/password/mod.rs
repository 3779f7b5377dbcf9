//! Passwords: how they are hashed, and how stored and imported hashes are checked.
//!
//! | module | holds |
//! |---|---|
//! | [`pool`] | the bounded pool in which all hashing happens |
//! | [`algorithm`] | how new hashes are made, as configured |
//! | [`stored`] | hashes as they are stored or imported, one file per notation in `formats` |

use unicode_normalization::UnicodeNormalization as _;

pub mod algorithm;
mod error;
mod formats;
pub mod pool;
pub mod stored;

pub use algorithm::HashAlgorithm;
pub use error::PasswordError;
pub use pool::{PasswordHashing, Verification};
pub use stored::StoredHash;

/// A password in its one form (RFC 8265, section 4.2): letters with their accents composed, whatever the keyboard
/// makes of them.
pub fn normalised(password: &str) -> String {
    password.nfc().collect()
}

/// Refuses what not every way in can carry: forms lose line breaks, and a NUL ends a text elsewhere.
pub fn check_characters(password: &str) -> Result<(), PasswordError> {
    if password.chars().any(char::is_control) { Err(PasswordError::ControlCharacter) } else { Ok(()) }
}

/// The longest password that is hashed, in bytes. Nobody types a longer one.
pub const MAX_PASSWORD_BYTES: usize = 1024;
