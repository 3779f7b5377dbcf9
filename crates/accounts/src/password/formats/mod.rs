//! One file per family of notations. A hash that was parsed has parameters within bounds: they come
//! from whoever imported it, and decide how much time and memory every sign-in takes.

pub(super) mod argon2;
pub(super) mod bcrypt;
mod crypt_base64;
pub(super) mod firescrypt;
pub(super) mod hmac;
pub(super) mod md5_crypt;
mod notation;
pub(super) mod pbkdf2;
pub(super) mod plain_digest;
pub(super) mod scrypt;
pub(super) mod sha_crypt;
