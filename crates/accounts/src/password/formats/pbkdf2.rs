//! `$pbkdf2-sha256$i=600000,l=32$salt$hash`: PBKDF2 with HMAC (RFC 8018).

use super::notation::{Notation, encode};
use crate::password::PasswordError;
use sessera_model::is_same_secret;

/// Some seconds for each sign-in.
const MAX_ITERATIONS: u32 = 10_000_000;

/// What the longest digest gives in one block. More output costs the defender more, not the attacker.
const MAX_OUTPUT_BYTES: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

/// A PBKDF2 hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Pbkdf2Hash {
    digest: Digest,
    iterations: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Pbkdf2Hash {
    /// Reads the notation. The length `l` is what the output's own length says, and not needed.
    pub(in crate::password) fn parse(text: &str) -> Result<Self, PasswordError> {
        let notation = Notation("pbkdf2");
        let mut parts = text.split('$').skip(1);
        let digest = match parts.next() {
            Some("pbkdf2-sha1") => Digest::Sha1,
            Some("pbkdf2-sha256") => Digest::Sha256,
            Some("pbkdf2-sha512") => Digest::Sha512,
            _ => return Err(notation.malformed("its digest is none of sha1, sha256 and sha512")),
        };
        let (Some(parameters), Some(salt), Some(output), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(notation.malformed("it has not four parts"));
        };
        let iterations = if parameters.contains(',') {
            let [iterations, _] = notation.parameters(parameters, ["i", "l"])?;
            iterations
        } else {
            let [iterations] = notation.parameters(parameters, ["i"])?;
            iterations
        };
        notation.bounded("i", iterations, MAX_ITERATIONS)?;
        let output = notation.base64(output)?;
        if output.len() > MAX_OUTPUT_BYTES {
            return Err(notation.malformed("its hash is longer than 64 bytes"));
        }
        Ok(Self { digest, iterations, salt: notation.base64(salt)?, output })
    }

    /// Writes the notation.
    pub(in crate::password) fn to_text(&self) -> String {
        let digest = match self.digest {
            Digest::Sha1 => "sha1",
            Digest::Sha256 => "sha256",
            Digest::Sha512 => "sha512",
        };
        format!(
            "$pbkdf2-{digest}$i={},l={}${}${}",
            self.iterations,
            self.output.len(),
            encode(&self.salt),
            encode(&self.output)
        )
    }

    pub(in crate::password) fn matches(&self, password: &str) -> Result<bool, PasswordError> {
        let mut output = [0; MAX_OUTPUT_BYTES];
        let output = output
            .get_mut(..self.output.len())
            .ok_or_else(|| PasswordError::Internal("a pbkdf2 hash is too long".into()))?;
        let password = password.as_bytes();
        match self.digest {
            Digest::Sha1 => pbkdf2::pbkdf2_hmac::<sha1::Sha1>(password, &self.salt, self.iterations, output),
            Digest::Sha256 => {
                pbkdf2::pbkdf2_hmac::<sha2::Sha256>(password, &self.salt, self.iterations, output);
            }
            Digest::Sha512 => {
                pbkdf2::pbkdf2_hmac::<sha2::Sha512>(password, &self.salt, self.iterations, output);
            }
        }
        Ok(is_same_secret(output, &self.output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_python() {
        // hashlib.pbkdf2_hmac(digest, b"password", b"saltsalt", 1000)
        for hash in [
            "$pbkdf2-sha1$i=1000,l=20$c2FsdHNhbHQ$6f6/9Uv85mj94wGsyFVjzJ3HHvY",
            "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHQ=$E196ZhRPzw+wA84EjzHwJO1cv/MFJdO6C/sxmUeTYqY",
            "$pbkdf2-sha512$i=1000$c2FsdHNhbHQ$Q6v4xwJ8a9nWPp2BeEoAYYhHSo2xRmPWART17vTpSxt2q6iNp7BOozW557qqa95eNjUO4gKs0CyvJbYGGku1tA",
        ] {
            let parsed = Pbkdf2Hash::parse(hash).unwrap();
            assert!(parsed.matches("password").unwrap(), "{hash}");
            assert!(!parsed.matches("passwort").unwrap(), "{hash}");
            assert!(Pbkdf2Hash::parse(&parsed.to_text()).unwrap() == parsed, "{hash}");
        }
    }

    #[test]
    fn absurd_or_broken_parameters_are_refused() {
        for (text, costly) in [
            ("$pbkdf2-sha256$i=10000001,l=32$c2FsdA$aGFzaA", true),
            ("$pbkdf2-sha256$i=0,l=32$c2FsdA$aGFzaA", false),
            ("$pbkdf2-md5$i=1,l=32$c2FsdA$aGFzaA", false),
            ("$pbkdf2-sha256$l=32$c2FsdA$aGFzaA", false),
            ("$pbkdf2-sha256$i=1,l=32$c2FsdA", false),
            ("$pbkdf2-sha256$i=1,l=32$$aGFzaA", false),
        ] {
            let error = Pbkdf2Hash::parse(text).err().unwrap();
            assert_eq!(matches!(error, PasswordError::TooCostly { .. }), costly, "{text}: {error}");
        }
    }
}
