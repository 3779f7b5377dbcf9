//! `$argon2id$v=19$m=19456,t=2,p=1$salt$hash` (RFC 9106 in the PHC string format).

use argon2::{Algorithm, Argon2, Params, Version};
use sessera_config::sections::hashers::{
    ARGON2_MAX_ITERATIONS, ARGON2_MAX_MEMORY_KIB, ARGON2_MAX_PARALLELISM,
};
use sessera_model::is_same_secret;

use super::notation::{Notation, encode};
use crate::password::PasswordError;

/// An Argon2 hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Argon2Hash {
    /// Makes an Argon2id hash.
    pub(in crate::password) fn make(
        password: &str,
        salt: [u8; 16],
        memory_kib: u32,
        iterations: u32,
        parallelism: u32,
    ) -> Result<Self, PasswordError> {
        let mut hash = Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            memory_kib,
            iterations,
            parallelism,
            salt: salt.to_vec(),
            output: vec![0; 32],
        };
        hash.output = hash.derive(password)?;
        Ok(hash)
    }

    /// Reads the notation.
    pub(in crate::password) fn parse(text: &str) -> Result<Self, PasswordError> {
        let notation = Notation("argon2");
        let mut parts = text.split('$').skip(1);
        let algorithm = match parts.next() {
            Some("argon2id") => Algorithm::Argon2id,
            Some("argon2i") => Algorithm::Argon2i,
            _ => return Err(notation.malformed("it is neither argon2id nor argon2i")),
        };
        let incomplete = notation.malformed("it has not five parts");
        let (Some(version), Some(parameters), Some(salt), Some(output), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(incomplete);
        };
        let version = match version {
            "v=19" => Version::V0x13,
            "v=16" => Version::V0x10,
            _ => return Err(notation.malformed("its version is neither 19 nor 16")),
        };
        let [memory_kib, iterations, parallelism] = notation.parameters(parameters, ["m", "t", "p"])?;
        notation.bounded("m", memory_kib, ARGON2_MAX_MEMORY_KIB)?;
        notation.bounded("t", iterations, ARGON2_MAX_ITERATIONS)?;
        notation.bounded("p", parallelism, ARGON2_MAX_PARALLELISM)?;
        let hash = Self {
            algorithm,
            version,
            memory_kib,
            iterations,
            parallelism,
            salt: notation.base64(salt)?,
            output: notation.base64(output)?,
        };
        hash.parameters()?;
        if hash.salt.len() < argon2::MIN_SALT_LEN {
            return Err(notation.malformed("its salt is shorter than 8 bytes"));
        }
        Ok(hash)
    }

    /// Writes the notation.
    pub(in crate::password) fn to_text(&self) -> String {
        format!(
            "${}$v={}$m={},t={},p={}${}${}",
            self.algorithm,
            u32::from(self.version),
            self.memory_kib,
            self.iterations,
            self.parallelism,
            encode(&self.salt),
            encode(&self.output)
        )
    }

    pub(in crate::password) fn matches(&self, password: &str) -> Result<bool, PasswordError> {
        Ok(is_same_secret(&self.derive(password)?, &self.output))
    }

    /// Whether Argon2id in its current version with these parameters is stronger.
    pub(in crate::password) const fn is_weaker_than(&self, memory_kib: u32, iterations: u32) -> bool {
        !matches!((self.algorithm, self.version), (Algorithm::Argon2id, Version::V0x13))
            || self.memory_kib < memory_kib
            || self.iterations < iterations
    }

    pub(in crate::password) const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    fn parameters(&self) -> Result<Params, PasswordError> {
        Params::new(self.memory_kib, self.iterations, self.parallelism, Some(self.output.len()))
            .map_err(|_| Notation("argon2").malformed("its parameters do not fit each other"))
    }

    fn derive(&self, password: &str) -> Result<Vec<u8>, PasswordError> {
        let mut output = vec![0; self.output.len()];
        Argon2::new(self.algorithm, self.version, self.parameters()?)
            .hash_password_into(password.as_bytes(), &self.salt, &mut output)
            .map_err(|error| PasswordError::Internal(format!("argon2 failed: {error}")))?;
        Ok(output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // From the test program of the reference implementation: "password", "somesalt", t=2, m=65536, p=1.
    const REFERENCE: &str =
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    #[test]
    fn agrees_with_the_reference_implementation() {
        let hash = Argon2Hash::parse(REFERENCE).unwrap();
        assert!(hash.matches("password").unwrap());
        assert!(!hash.matches("passwort").unwrap());
        assert_eq!(hash.to_text(), REFERENCE);
        // Argon2i is read as well.
        let i = "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA";
        assert!(Argon2Hash::parse(i).unwrap().matches("password").unwrap());
        assert!(Argon2Hash::parse(i).unwrap().is_weaker_than(1, 1));
    }

    #[test]
    fn absurd_or_broken_parameters_are_refused() {
        for (text, costly) in [
            ("$argon2id$v=19$m=4294967295,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO0", true),
            ("$argon2id$v=19$m=64,t=11,p=1$c29tZXNhbHQ$CTFhFdXPJO0", true),
            ("$argon2id$v=19$m=64,t=1,p=17$c29tZXNhbHQ$CTFhFdXPJO0", true),
            ("$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO0", false),
            ("$argon2id$v=19$m=7,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO0", false),
            ("$argon2id$v=19$m=64,t=1$c29tZXNhbHQ$CTFhFdXPJO0", false),
            ("$argon2id$v=19$m=64,t=1,p=1,t=2$c29tZXNhbHQ$CTFhFdXPJO0", false),
            ("$argon2id$v=19$m=64,t=1,p=1,data=x$c29tZXNhbHQ$CTFhFdXPJO0", false),
            ("$argon2id$v=18$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO0", false),
            ("$argon2id$v=19$m=64,t=1,p=1$c2FsdA$CTFhFdXPJO0", false),
            ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$", false),
            ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ", false),
            ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO0$x", false),
            ("$argon2id", false),
        ] {
            let error = Argon2Hash::parse(text).err().unwrap();
            assert_eq!(matches!(error, PasswordError::TooCostly { .. }), costly, "{text}: {error}");
        }
    }
}
