//! Passwords: how they are hashed, and how stored and imported hashes are checked.
//!
//! | module | holds |
//! |---|---|
//! | [`pool`] | the bounded pool in which all hashing happens |
//! | [`algorithm`] | how new hashes are made, as configured |
//! | [`stored`] | hashes as they are stored or imported, one file per notation in `formats` |

pub mod algorithm;
mod error;
mod formats;
pub mod pool;
pub mod stored;

pub use algorithm::HashAlgorithm;
pub use error::PasswordError;
pub use pool::{PasswordHashing, Verification};
pub use stored::StoredHash;

/// The longest password that is hashed, in bytes. Nobody types a longer one.
pub const MAX_PASSWORD_BYTES: usize = 1024;
