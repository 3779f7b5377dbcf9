//! One file per family of notations. A hash that was parsed has parameters within bounds: they come
//! from whoever imported it, and decide how much time and memory every sign-in takes.

pub(super) mod argon2;
pub(super) mod bcrypt;
mod notation;
pub(super) mod pbkdf2;
pub(super) mod plain_digest;
pub(super) mod scrypt;
