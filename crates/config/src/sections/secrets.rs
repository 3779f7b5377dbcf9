//! `secrets`: what clients hold is keyed, and what is stored is encrypted, with these.

use sessera_model::Secret;

use crate::section::section;

section! {
    /// Secrets.
    pub struct Secrets {
        /// Keys what browsers and native clients hold. Default with SQLite: made and kept beside the database.
        cookie: Vec<Secret>,
        /// Encrypts stored values; the first encrypts, all decrypt. Default with SQLite: made and kept beside the database.
        cipher: Vec<Secret>,
        /// Stands for cookie where that is absent.
        default: Vec<Secret>,
    }
}
