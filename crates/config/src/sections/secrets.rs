//! `secrets`: what clients hold is keyed, and what is stored is encrypted, with these.

use crate::section::section;
use crate::strong::Strong;

/// A secret that keys what clients hold: as long as Kratos asks for.
pub type CookieSecret = Strong<16>;

/// A secret that encrypts: as long as Kratos asks for.
pub type CipherSecret = Strong<32>;

section! {
    /// Secrets.
    pub struct Secrets {
        /// Keys what browsers and native clients hold. Default with SQLite: made and kept beside the database.
        @restricts cookie: Vec<CookieSecret>,
        /// Encrypts stored values; the first encrypts, all decrypt. Default with SQLite: made and kept beside the database.
        @restricts cipher: Vec<CipherSecret>,
        /// Stands for cookie where that is absent.
        @restricts default: Vec<CookieSecret>,
    }
}
