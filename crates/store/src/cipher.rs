//! Encryption of stored values.

/// Encrypts and decrypts stored values under `secrets.cipher`.
#[derive(Debug)]
pub struct Cipher;
