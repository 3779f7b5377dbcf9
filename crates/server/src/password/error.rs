//! Why a password could not be hashed or a hash not be used.

use crate::error::ApiError;

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
    /// The text is no hash in a known notation.
    #[error(
        "the hash is in no known notation; known are bcrypt ($2b$..), argon2id and argon2i ($argon2id$..), pbkdf2 ($pbkdf2-sha256$..), scrypt ($scrypt$..), $md5$.., $sha256$.. and {{SSHA512}}.."
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
        /// What it asks for.
        actual: u64,
        /// The most that is allowed.
        max: u64,
    },
    /// A fault of the server.
    #[error("{0}")]
    Internal(String),
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => {
                Self::unavailable("Too many passwords are being checked right now. Try again in a moment.")
            }
            PasswordError::Internal(what) => Self::internal(what),
            other => {
                let mut reason = other.to_string();
                if let Some(first) = reason.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                Self::bad_request(reason + ".")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_is_not_the_caller_s_fault() {
        assert_eq!(ApiError::from(PasswordError::Busy).status(), 503);
        let error = ApiError::from(PasswordError::TooLong { max: 72, actual: 80 });
        assert_eq!(error.status(), 400);
        assert_eq!(error.reason(), "The password is 80 bytes long; the longest that can be stored has 72.");
    }
}
