//! `$2b$12$` and 53 characters of salt and hash; `$2a$`, `$2x$` and `$2y$` likewise.

use bcrypt::HashParts;
use sessera_config::sections::hashers::{BCRYPT_MAX_COST, BCRYPT_MIN_COST};

use super::notation::Notation;
use crate::password::PasswordError;

/// bcrypt cannot see what comes after.
pub(in crate::password) const MAX_PASSWORD_BYTES: usize = 72;

/// What bcrypt takes, whatever its cost.
pub(in crate::password) const MEMORY_KIB: u32 = 4;

/// Whether bcrypt sees all of a password. It would cut a long one, and takes none with a NUL.
pub(in crate::password) fn takes(password: &str) -> bool {
    password.len() <= MAX_PASSWORD_BYTES && !password.contains('\0')
}

/// A bcrypt hash.
#[derive(Clone, PartialEq, Eq)]
pub struct BcryptHash {
    text: String,
    cost: u32,
}

impl BcryptHash {
    /// Makes a hash.
    pub(in crate::password) fn make(
        password: &str,
        salt: [u8; 16],
        cost: u32,
    ) -> Result<Self, PasswordError> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PasswordError::TooLong { max: MAX_PASSWORD_BYTES, actual: password.len() });
        }
        let parts = bcrypt::hash_with_salt(password, cost, salt)
            .map_err(|error| PasswordError::Internal(format!("bcrypt failed: {error}")))?;
        Ok(Self { text: parts.format_for_version(bcrypt::Version::TwoB), cost })
    }

    /// Reads the notation.
    pub(in crate::password) fn parse(text: &str) -> Result<Self, PasswordError> {
        let notation = Notation("bcrypt");
        let parts: HashParts =
            text.parse().map_err(|_| notation.malformed("it is not a cost and 53 characters of base64"))?;
        let cost = parts.get_cost();
        if cost < BCRYPT_MIN_COST {
            return Err(notation.malformed("its cost is below 4"));
        }
        notation.bounded("cost", cost, BCRYPT_MAX_COST)?;
        Ok(Self { text: text.to_owned(), cost })
    }

    /// Writes the notation.
    pub(in crate::password) fn to_text(&self) -> String {
        self.text.clone()
    }

    /// A password that bcrypt would cut never matches: the part it cannot see would not be checked.
    pub(in crate::password) fn matches(&self, password: &str) -> Result<bool, PasswordError> {
        let matches = bcrypt::verify(password, &self.text)
            .map_err(|error| PasswordError::Internal(format!("bcrypt failed: {error}")))?;
        Ok(matches && password.len() <= MAX_PASSWORD_BYTES)
    }

    pub(in crate::password) const fn cost(&self) -> u32 {
        self.cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_other_implementations() {
        // From the test vectors of OpenBSD's bcrypt and of crypt_blowfish.
        for (hash, password) in [
            ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
            ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"),
            ("$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"),
        ] {
            let parsed = BcryptHash::parse(hash).unwrap();
            assert!(parsed.matches(password).unwrap(), "{hash}");
            assert!(!parsed.matches("U*").unwrap(), "{hash}");
            assert_eq!(parsed.to_text(), hash);
        }
    }

    #[test]
    fn what_it_would_cut_never_matches() {
        let password = "x".repeat(72);
        let hash = BcryptHash::make(&password, [3; 16], 4).unwrap();
        assert!(hash.matches(&password).unwrap());
        assert!(!hash.matches(&(password.clone() + "y")).unwrap());
        assert!(BcryptHash::make(&(password + "y"), [3; 16], 4).is_err());
    }

    #[test]
    fn absurd_or_broken_parameters_are_refused() {
        let tail = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
        for (head, costly) in [("$2b$16$", true), ("$2b$31$", true), ("$2b$03$", false), ("$2b$xx$", false)] {
            let error = BcryptHash::parse(&format!("{head}{tail}")).err().unwrap();
            assert_eq!(matches!(error, PasswordError::TooCostly { .. }), costly, "{head}: {error}");
        }
        assert!(BcryptHash::parse("$2b$10$short").is_err());
        assert!(BcryptHash::parse("$2b$10").is_err());
    }
}
