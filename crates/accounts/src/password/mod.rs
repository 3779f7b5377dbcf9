//! Passwords: how they are hashed, how stored and imported hashes are checked, and which passwords
//! are refused.
//!
//! | module | holds |
//! |---|---|
//! | [`pool`] | the bounded pool in which all hashing happens |
//! | [`algorithm`] | how new hashes are made, as configured |
//! | [`stored`] | hashes as they are stored or imported, one file per notation in `formats` |
//! | [`policy`] | which passwords are refused |

pub mod algorithm;
mod error;
mod formats;
pub mod policy;
pub mod pool;
pub mod stored;

pub use algorithm::HashAlgorithm;
pub use error::PasswordError;
pub use policy::{PasswordPolicy, Weakness};
pub use pool::{PasswordHashing, Verification};
pub use stored::StoredHash;

/// The longest password that is hashed, in bytes. Nobody types a longer one.
pub const MAX_PASSWORD_BYTES: usize = 1024;
