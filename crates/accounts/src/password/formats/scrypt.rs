//! `$scrypt$ln=16384,r=8,p=1$salt$hash` (RFC 7914).
//!
//! The PHC string format has the binary logarithm of N in `ln`, Kratos has N itself. Nobody uses an N
//! of 30 or less, so such a number is a logarithm.

use std::fmt;

use scrypt::Params;
use sessera_model::is_same_secret;

use super::notation::{Notation, encode};
use crate::password::PasswordError;

/// With the largest block, 128 MiB.
const MAX_LOG_N: u32 = 17;
const MAX_BLOCK: u32 = 8;
const MAX_PARALLELISM: u32 = 10;
const MAX_OUTPUT_BYTES: usize = 64;

/// What checking a password takes, within bounds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    log_n: u8,
    block: u32,
    parallelism: u32,
}

impl Cost {
    /// `log_n` is the binary logarithm of N.
    pub(super) fn new(
        notation: Notation,
        log_n: u32,
        block: u32,
        parallelism: u32,
    ) -> Result<Self, PasswordError> {
        notation.bounded("ln", log_n, MAX_LOG_N)?;
        notation.bounded("r", block, MAX_BLOCK)?;
        notation.bounded("p", parallelism, MAX_PARALLELISM)?;
        let log_n = u8::try_from(log_n).map_err(|_| notation.malformed("ln is too large"))?;
        Ok(Self { log_n, block, parallelism })
    }

    /// Fills `output` with what scrypt makes of a password.
    pub(super) fn derive(self, password: &str, salt: &[u8], output: &mut [u8]) -> Result<(), PasswordError> {
        let failed = |error: &dyn fmt::Display| PasswordError::Internal(format!("scrypt failed: {error}"));
        let parameters =
            Params::new(self.log_n, self.block, self.parallelism).map_err(|error| failed(&error))?;
        scrypt::scrypt(password.as_bytes(), salt, &parameters, output).map_err(|error| failed(&error))
    }

    /// N blocks of 128 r bytes.
    pub(super) fn memory_kib(self) -> u32 {
        (1_u32 << u32::from(self.log_n).min(MAX_LOG_N)) * self.block / 8
    }
}

impl fmt::Display for Cost {
    /// As notations have it, with the logarithm.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ln={},r={},p={}", self.log_n, self.block, self.parallelism)
    }
}

/// A scrypt hash.
#[derive(Clone, PartialEq, Eq)]
pub struct ScryptHash {
    cost: Cost,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl ScryptHash {
    /// Reads the notation.
    pub(in crate::password) fn parse(text: &str) -> Result<Self, PasswordError> {
        let notation = Notation("scrypt");
        let mut parts = text.split('$').skip(2);
        let (Some(parameters), Some(salt), Some(output), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(notation.malformed("it has not four parts"));
        };
        let [ln, block, parallelism] = notation.parameters(parameters, ["ln", "r", "p"])?;
        let log_n = match ln {
            0..=30 => ln,
            n if n.is_power_of_two() => n.ilog2(),
            _ => return Err(notation.malformed("ln is not a power of two")),
        };
        let cost = Cost::new(notation, log_n, block, parallelism)?;
        let output = notation.base64(output)?;
        if !(10..=MAX_OUTPUT_BYTES).contains(&output.len()) {
            return Err(notation.malformed("its hash has not 10 to 64 bytes"));
        }
        Ok(Self { cost, salt: notation.base64(salt)?, output })
    }

    /// Writes the notation, with the logarithm.
    pub(in crate::password) fn to_text(&self) -> String {
        format!("$scrypt${}${}${}", self.cost, encode(&self.salt), encode(&self.output))
    }

    pub(in crate::password) fn matches(&self, password: &str) -> Result<bool, PasswordError> {
        let mut output = vec![0; self.output.len()];
        self.cost.derive(password, &self.salt, &mut output)?;
        Ok(is_same_secret(&output, &self.output))
    }

    pub(in crate::password) fn memory_kib(&self) -> u32 {
        self.cost.memory_kib()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_rfc_7914() {
        // Section 12: scrypt("pleaseletmein", "SodiumChloride", N=16384, r=8, p=1, dkLen=64)
        for ln in ["16384", "14"] {
            let hash = format!(
                "$scrypt$ln={ln},r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw=="
            );
            let parsed = ScryptHash::parse(&hash).unwrap();
            assert!(parsed.matches("pleaseletmein").unwrap());
            assert!(!parsed.matches("pleaseletmeout").unwrap());
            assert_eq!(parsed.memory_kib(), 16 * 1024);
            assert!(ScryptHash::parse(&parsed.to_text()).unwrap() == parsed);
        }
    }

    #[test]
    fn absurd_or_broken_parameters_are_refused() {
        let tail = "c2FsdHNhbHQ$aGFzaGhhc2hoYXNo";
        for (parameters, costly) in [
            ("ln=262144,r=8,p=1", true),
            ("ln=30,r=8,p=1", true),
            ("ln=14,r=9,p=1", true),
            ("ln=14,r=8,p=11", true),
            ("ln=16385,r=8,p=1", false),
            ("ln=0,r=8,p=1", false),
            ("ln=14,r=8", false),
        ] {
            let error = ScryptHash::parse(&format!("$scrypt${parameters}${tail}")).err().unwrap();
            assert_eq!(matches!(error, PasswordError::TooCostly { .. }), costly, "{parameters}: {error}");
        }
        assert!(ScryptHash::parse("$scrypt$ln=14,r=8,p=1$c2FsdA").is_err());
        assert!(ScryptHash::parse("$scrypt$ln=14,r=8,p=1$c2FsdA$aGFzaA").is_err());
    }
}
