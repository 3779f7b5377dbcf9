//! Why a password could not be hashed or a hash not be used.

/// Why a password could not be hashed or a hash not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many passwords wait to be hashed: try again shortly.
    #[error("too many sign-ins at once; try again in a moment")]
    Busy,
    /// The password is longer than the algorithm can take.
    #[error("the password is {actual} bytes long; the longest that can be stored has {max}")]
    TooLong {
        /// The most bytes that the algorithm takes.
        max: usize,
        /// How many there were.
        actual: usize,
    },
    /// The password holds a character that not every way in can carry.
    #[error("the password holds a control character, such as a NUL or a line break; leave it out")]
    ControlCharacter,
    /// The text is no hash in a known notation.
    #[error(
        "the hash is in no known notation; known are bcrypt ($2b$..), argon2id and argon2i ($argon2id$..), pbkdf2 ($pbkdf2-sha256$..), scrypt ($scrypt$..), firescrypt, $md5-crypt$.., $sha256-crypt$.., $sha512-crypt$.., $hmac-sha256$.., $md5$.., $sha256$.. and {{SSHA512}}.."
    )]
    UnknownNotation,
    /// The text begins like a hash but is not complete or not well formed.
    #[error("the {notation} hash is malformed: {problem}")]
    Malformed {
        /// The notation that it begins with.
        notation: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Checking a password against the hash would take too much time or memory.
    #[error(
        "the {notation} hash asks for too much: {parameter} is {actual} and may be {max} at the most; hash the password again with less"
    )]
    TooCostly {
        /// The notation of the hash.
        notation: &'static str,
        /// The parameter at fault.
        parameter: &'static str,
        /// The value that the hash has for it.
        actual: u64,
        /// The most that is allowed.
        max: u64,
    },
    /// A fault of the server.
    #[error("{0}")]
    Internal(String),
}
