//! Hashes as they are stored or imported.

use super::formats::argon2::Argon2Hash;
use super::formats::bcrypt::{self, BcryptHash};
use super::formats::firescrypt::FirescryptHash;
use super::formats::hmac::HmacHash;
use super::formats::md5_crypt::Md5CryptHash;
use super::formats::pbkdf2::Pbkdf2Hash;
use super::formats::plain_digest::PlainDigestHash;
use super::formats::scrypt::ScryptHash;
use super::formats::sha_crypt::ShaCryptHash;
use super::{MAX_PASSWORD_BYTES, PasswordError};

/// The longest hash that is read, in bytes.
const MAX_HASH_BYTES: usize = 1024;

/// A password hash, parsed. Its parameters are within bounds, so checking a password against it takes
/// at most seconds and 1 GiB.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredHash {
    /// Argon2id or Argon2i.
    Argon2(Argon2Hash),
    /// bcrypt.
    Bcrypt(BcryptHash),
    /// PBKDF2 with HMAC.
    Pbkdf2(Pbkdf2Hash),
    /// scrypt.
    Scrypt(ScryptHash),
    /// One round of a digest over password and salt: MD5, SHA, SSHA.
    PlainDigest(PlainDigestHash),
    /// What crypt(3) makes with MD5.
    Md5Crypt(Md5CryptHash),
    /// What crypt(3) makes with SHA-256 or SHA-512.
    ShaCrypt(ShaCryptHash),
    /// One round of HMAC.
    Hmac(HmacHash),
    /// The scrypt of Firebase.
    Firescrypt(FirescryptHash),
}

impl StoredHash {
    /// Reads a hash in any notation that can be imported.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        if text.len() > MAX_HASH_BYTES {
            return Err(PasswordError::UnknownNotation);
        }
        let notation = match text.strip_prefix('$') {
            Some(rest) => rest.split('$').next().unwrap_or_default(),
            None => text,
        };
        match notation {
            "argon2id" | "argon2i" => Argon2Hash::parse(text).map(Self::Argon2),
            "2a" | "2b" | "2x" | "2y" => BcryptHash::parse(text).map(Self::Bcrypt),
            "scrypt" => ScryptHash::parse(text).map(Self::Scrypt),
            "md5" | "sha1" | "sha256" | "sha512" => {
                PlainDigestHash::parse_modular(text).map(Self::PlainDigest)
            }
            "md5-crypt" => Md5CryptHash::parse(text).map(Self::Md5Crypt),
            "sha256-crypt" | "sha512-crypt" => ShaCryptHash::parse(text).map(Self::ShaCrypt),
            "firescrypt" => FirescryptHash::parse(text).map(Self::Firescrypt),
            _ if notation.starts_with("hmac-") => HmacHash::parse(text).map(Self::Hmac),
            _ if notation.starts_with("pbkdf2-") => Pbkdf2Hash::parse(text).map(Self::Pbkdf2),
            _ if notation.starts_with("{SSHA") => PlainDigestHash::parse_ssha(text).map(Self::PlainDigest),
            _ => Err(PasswordError::UnknownNotation),
        }
    }

    /// The text to store.
    pub fn to_text(&self) -> String {
        match self {
            Self::Argon2(hash) => hash.to_text(),
            Self::Bcrypt(hash) => hash.to_text(),
            Self::Pbkdf2(hash) => hash.to_text(),
            Self::Scrypt(hash) => hash.to_text(),
            Self::PlainDigest(hash) => hash.to_text(),
            Self::Md5Crypt(hash) => hash.to_text(),
            Self::ShaCrypt(hash) => hash.to_text(),
            Self::Hmac(hash) => hash.to_text(),
            Self::Firescrypt(hash) => hash.to_text(),
        }
    }

    /// Whether checking this password does the work that its parameters ask for. What is not taken does not
    /// match.
    pub(super) fn takes(&self, password: &str) -> bool {
        password.len() <= MAX_PASSWORD_BYTES && (!matches!(self, Self::Bcrypt(_)) || bcrypt::takes(password))
    }

    /// Whether the hash was made from this password, which it takes. Call it on the pool only.
    pub(super) fn matches(&self, password: &str) -> Result<bool, PasswordError> {
        match self {
            Self::Argon2(hash) => hash.matches(password),
            Self::Bcrypt(hash) => hash.matches(password),
            Self::Pbkdf2(hash) => hash.matches(password),
            Self::Scrypt(hash) => hash.matches(password),
            Self::PlainDigest(hash) => Ok(hash.matches(password)),
            Self::Md5Crypt(hash) => Ok(hash.matches(password)),
            Self::ShaCrypt(hash) => hash.matches(password),
            Self::Hmac(hash) => hash.matches(password),
            Self::Firescrypt(hash) => hash.matches(password),
        }
    }

    /// The memory in KiB that checking a password takes.
    pub(super) fn memory_kib(&self) -> u32 {
        match self {
            Self::Argon2(hash) => hash.memory_kib(),
            Self::Scrypt(hash) => hash.memory_kib(),
            Self::Firescrypt(hash) => hash.memory_kib(),
            Self::Bcrypt(_)
            | Self::Pbkdf2(_)
            | Self::PlainDigest(_)
            | Self::Md5Crypt(_)
            | Self::ShaCrypt(_)
            | Self::Hmac(_) => 4,
        }
    }
}

impl std::fmt::Debug for StoredHash {
    /// Names the algorithm only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Argon2(_) => "StoredHash(argon2)",
            Self::Bcrypt(_) => "StoredHash(bcrypt)",
            Self::Pbkdf2(_) => "StoredHash(pbkdf2)",
            Self::Scrypt(_) => "StoredHash(scrypt)",
            Self::PlainDigest(_) => "StoredHash(digest)",
            Self::Md5Crypt(_) => "StoredHash(md5-crypt)",
            Self::ShaCrypt(_) => "StoredHash(sha-crypt)",
            Self::Hmac(_) => "StoredHash(hmac)",
            Self::Firescrypt(_) => "StoredHash(firescrypt)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::HashAlgorithm;

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in ["", "$", "hunter2", "$1$salt$hash", "$argon2d$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"] {
            assert_eq!(StoredHash::parse(text), Err(PasswordError::UnknownNotation), "{text}");
        }
        let long = format!("$2b$10${}", "a".repeat(2000));
        assert_eq!(StoredHash::parse(&long), Err(PasswordError::UnknownNotation));
    }

    #[test]
    fn nothing_of_a_hash_is_printed() {
        let stored = HashAlgorithm::Bcrypt { cost: 4 }.hash("secret", [1; 16]).unwrap();
        assert_eq!(format!("{stored:?}"), "StoredHash(bcrypt)");
    }

    #[test]
    fn what_is_written_reads_back() {
        for algorithm in [
            HashAlgorithm::Bcrypt { cost: 4 },
            HashAlgorithm::Argon2id { memory_kib: 64, iterations: 1, parallelism: 2 },
        ] {
            let stored = algorithm.hash("correct horse", [9; 16]).unwrap();
            let again = StoredHash::parse(&stored.to_text()).unwrap();
            assert_eq!(again, stored);
            assert!(again.matches("correct horse").unwrap());
            assert!(!again.matches("correct horsf").unwrap());
        }
    }
}
