//! `hashers`: how passwords are hashed. The bounds are those of the check of a hash, too: what can be set can be
//! verified.

use crate::section::{choice, section};
use crate::setting::Bytes;

/// The most memory of Argon2 in KiB: 1 GiB, eight times what Kratos uses.
pub const ARGON2_MAX_MEMORY_KIB: u32 = 1 << 20;

/// The memory in KiB that each lane of Argon2 needs (RFC 9106, section 3.1).
pub const ARGON2_KIB_PER_LANE: u32 = 8;

/// The most passes of Argon2 over its memory.
pub const ARGON2_MAX_ITERATIONS: u32 = 10;

/// The most lanes of Argon2.
pub const ARGON2_MAX_PARALLELISM: u32 = 16;

/// The lowest binary logarithm of bcrypt's rounds.
pub const BCRYPT_MIN_COST: u32 = 4;

/// The highest binary logarithm of bcrypt's rounds: about two seconds for each sign-in.
pub const BCRYPT_MAX_COST: u32 = 15;

section! {
    /// How passwords are hashed.
    pub struct Hashers {
        /// argon2 or bcrypt.
        algorithm: Algorithm = "argon2",
        /// Argon2id.
        argon2: Argon2,
        /// bcrypt.
        bcrypt: Bcrypt,
    }
}

choice! {
    /// How passwords are hashed.
    pub enum Algorithm {
        /// Argon2id (RFC 9106).
        Argon2 = "argon2" | "argon2id",
        /// bcrypt, which takes passwords of at most 72 bytes.
        Bcrypt = "bcrypt",
    }
}

section! {
    /// Argon2id, by default as the first choice of OWASP's password storage cheat sheet has it.
    pub struct Argon2 {
        /// Memory, for example 19MB or a number of bytes, and at least 8KiB for each lane.
        @restricts memory: Bytes [8 << 10..=(ARGON2_MAX_MEMORY_KIB as i64) << 10] = "19MiB",
        /// Passes over the memory.
        @restricts iterations: u32 [1..=ARGON2_MAX_ITERATIONS as i64] = 2,
        /// Lanes.
        parallelism: u32 [1..=ARGON2_MAX_PARALLELISM as i64] = 1,
    }
}

section! {
    /// bcrypt.
    pub struct Bcrypt {
        /// Binary logarithm of the rounds.
        @restricts cost: u32 [BCRYPT_MIN_COST as i64..=BCRYPT_MAX_COST as i64] = 12,
    }
}
