//! How new hashes are made.

use super::formats::{argon2, bcrypt};
use super::{MAX_PASSWORD_BYTES, PasswordError, StoredHash};

/// How new hashes are made, as `hashers` in the configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// Argon2id (RFC 9106).
    Argon2id {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        iterations: u32,
        /// Lanes.
        parallelism: u32,
    },
    /// bcrypt. It takes passwords of at most 72 bytes.
    Bcrypt {
        /// The binary logarithm of the number of rounds.
        cost: u32,
    },
}

impl Default for HashAlgorithm {
    /// Argon2id with 19 MiB and two passes, the first choice of OWASP's password storage cheat sheet.
    fn default() -> Self {
        Self::Argon2id { memory_kib: 19 * 1024, iterations: 2, parallelism: 1 }
    }
}

impl HashAlgorithm {
    /// The longest password that can be hashed, in bytes.
    pub const fn max_password_bytes(self) -> usize {
        match self {
            Self::Argon2id { .. } => MAX_PASSWORD_BYTES,
            Self::Bcrypt { .. } => bcrypt::MAX_PASSWORD_BYTES,
        }
    }

    /// Refuses passwords that are too long, because some algorithms would silently cut them.
    pub const fn check_length(self, password: &str) -> Result<(), PasswordError> {
        let (max, actual) = (self.max_password_bytes(), password.len());
        if actual > max { Err(PasswordError::TooLong { max, actual }) } else { Ok(()) }
    }

    /// Whether a password can be hashed.
    pub(super) fn takes(self, password: &str) -> bool {
        self.check_length(password).is_ok()
            && match self {
                Self::Bcrypt { .. } => bcrypt::takes(password),
                Self::Argon2id { .. } => true,
            }
    }

    /// Hashes a password. This takes as long as the parameters say: call it on the pool only.
    pub(super) fn hash(self, password: &str, salt: [u8; 16]) -> Result<StoredHash, PasswordError> {
        self.check_length(password)?;
        match self {
            Self::Argon2id { memory_kib, iterations, parallelism } => {
                argon2::Argon2Hash::make(password, salt, memory_kib, iterations, parallelism)
                    .map(StoredHash::Argon2)
            }
            Self::Bcrypt { cost } => bcrypt::BcryptHash::make(password, salt, cost).map(StoredHash::Bcrypt),
        }
    }

    /// Whether a hash made now would be stronger than a stored one, or of another kind.
    pub const fn improves(self, stored: &StoredHash) -> bool {
        match (stored, self) {
            (StoredHash::Argon2(hash), Self::Argon2id { memory_kib, iterations, .. }) => {
                hash.is_weaker_than(memory_kib, iterations)
            }
            (StoredHash::Bcrypt(hash), Self::Bcrypt { cost }) => hash.cost() < cost,
            _ => true,
        }
    }

    /// The memory in KiB that hashing takes.
    pub(super) const fn memory_kib(self) -> u32 {
        match self {
            Self::Argon2id { memory_kib, .. } => memory_kib,
            Self::Bcrypt { .. } => bcrypt::MEMORY_KIB,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_of_another_kind_or_strength_is_upgraded() {
        let argon2 = HashAlgorithm::Argon2id { memory_kib: 64, iterations: 2, parallelism: 1 };
        let stored = argon2.hash("correct horse", [7; 16]).unwrap();
        assert!(!argon2.improves(&stored));
        for (memory_kib, iterations, upgrade) in [(32, 1, false), (65, 2, true), (64, 3, true)] {
            let policy = HashAlgorithm::Argon2id { memory_kib, iterations, parallelism: 1 };
            assert_eq!(policy.improves(&stored), upgrade);
        }
        assert!(HashAlgorithm::Bcrypt { cost: 4 }.improves(&stored));
        let bcrypt = HashAlgorithm::Bcrypt { cost: 5 }.hash("correct horse", [7; 16]).unwrap();
        assert!(HashAlgorithm::Bcrypt { cost: 6 }.improves(&bcrypt));
        assert!(!HashAlgorithm::Bcrypt { cost: 4 }.improves(&bcrypt));
        assert!(argon2.improves(&bcrypt));
    }
}
