//! One round of a digest over password and salt, as old systems stored it:
//!
//! - `$md5$hash`: the digest of the password;
//! - `$md5$pf=format$salt$hash`, and the same with `sha1`, `sha256`, `sha512`: the digest of the
//!   decoded format, in which `{SALT}` and `{PASSWORD}` are replaced;
//! - `{SSHA}base64`, `{SSHA256}`, `{SSHA512}` (RFC 2307 and LDAP servers): the digest of password and
//!   salt, followed by the salt.

use md5::Md5;
use sessera_model::is_same_secret;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::notation::{Notation, encode};
use crate::password::PasswordError;

const SALT: &str = "{SALT}";
const PASSWORD: &str = "{PASSWORD}";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Digest {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => Md5::digest(bytes).to_vec(),
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    const fn output_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// How password and salt are put together.
#[derive(Clone, PartialEq, Eq)]
enum Salting {
    None,
    Format { format: String, salt: Vec<u8> },
    Appended { salt: Vec<u8> },
}

/// A hash of one round.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainDigestHash {
    digest: Digest,
    salting: Salting,
    output: Vec<u8>,
}

impl PlainDigestHash {
    /// Reads the notations that begin with `$`.
    pub(in crate::password) fn parse_modular(text: &str) -> Result<Self, PasswordError> {
        let mut parts = text.split('$').skip(1);
        let digest = match parts.next() {
            Some("md5") => Digest::Md5,
            Some("sha1") => Digest::Sha1,
            Some("sha256") => Digest::Sha256,
            Some("sha512") => Digest::Sha512,
            _ => return Err(PasswordError::UnknownNotation),
        };
        let notation = Notation(digest.name());
        let (first, second, third, end) = (parts.next(), parts.next(), parts.next(), parts.next());
        let (salting, output) = match (digest, first, second, third, end) {
            (Digest::Md5, Some(output), None, None, None) => (Salting::None, output),
            (_, Some(format), Some(salt), Some(output), None) => {
                let format = format.strip_prefix("pf=").ok_or(notation.malformed("pf= is missing"))?;
                let format = String::from_utf8(notation.base64(format)?)
                    .map_err(|_| notation.malformed("its format is not text"))?;
                if !format.contains(PASSWORD) {
                    return Err(notation.malformed("its format does not contain {PASSWORD}"));
                }
                (Salting::Format { format, salt: notation.base64(salt)? }, output)
            }
            _ => return Err(notation.malformed("it has not the parts pf=format, salt and hash")),
        };
        Self { digest, salting, output: notation.base64(output)? }.checked(notation)
    }

    /// Reads the notations that begin with `{SSHA`.
    pub(in crate::password) fn parse_ssha(text: &str) -> Result<Self, PasswordError> {
        let notation = Notation("ssha");
        let (digest, encoded) = match text.split_once('}') {
            Some(("{SSHA", encoded)) => (Digest::Sha1, encoded),
            Some(("{SSHA256", encoded)) => (Digest::Sha256, encoded),
            Some(("{SSHA512", encoded)) => (Digest::Sha512, encoded),
            _ => return Err(notation.malformed("it begins with none of {SSHA}, {SSHA256} and {SSHA512}")),
        };
        let mut output = notation.base64(encoded)?;
        if output.len() <= digest.output_bytes() {
            return Err(notation.malformed("it is too short to hold a hash and a salt"));
        }
        let salt = output.split_off(digest.output_bytes());
        Ok(Self { digest, salting: Salting::Appended { salt }, output })
    }

    fn checked(self, notation: Notation) -> Result<Self, PasswordError> {
        if self.output.len() == self.digest.output_bytes() {
            Ok(self)
        } else {
            Err(notation.malformed("its hash has not the length of the digest"))
        }
    }

    /// Writes the notation.
    pub(in crate::password) fn to_text(&self) -> String {
        let name = self.digest.name();
        match &self.salting {
            Salting::None => format!("${name}${}", encode(&self.output)),
            Salting::Format { format, salt } => {
                format!("${name}$pf={}${}${}", encode(format.as_bytes()), encode(salt), encode(&self.output))
            }
            Salting::Appended { salt } => {
                let label = match self.digest {
                    Digest::Sha256 => "SSHA256",
                    Digest::Sha512 => "SSHA512",
                    Digest::Sha1 | Digest::Md5 => "SSHA",
                };
                format!("{{{label}}}{}", encode(&[self.output.as_slice(), salt].concat()))
            }
        }
    }

    pub(in crate::password) fn matches(&self, password: &str) -> bool {
        let input = match &self.salting {
            Salting::None => password.as_bytes().to_vec(),
            Salting::Format { format, salt } => fill(format, salt, password),
            Salting::Appended { salt } => [password.as_bytes(), salt].concat(),
        };
        is_same_secret(&self.digest.of(&input), &self.output)
    }
}

/// Replaces the placeholders of the format; what is put in is not looked at again.
fn fill(format: &str, salt: &[u8], password: &str) -> Vec<u8> {
    let mut filled = Vec::with_capacity(format.len() + salt.len() + password.len());
    let mut rest = format;
    while let Some(open) = rest.find('{') {
        let (before, placeholder) = rest.split_at(open);
        filled.extend_from_slice(before.as_bytes());
        rest = if let Some(after) = placeholder.strip_prefix(SALT) {
            filled.extend_from_slice(salt);
            after
        } else if let Some(after) = placeholder.strip_prefix(PASSWORD) {
            filled.extend_from_slice(password.as_bytes());
            after
        } else {
            filled.push(b'{');
            placeholder.get(1..).unwrap_or_default()
        };
    }
    filled.extend_from_slice(rest.as_bytes());
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_python() {
        // hashlib over b"password", b"saltsaltpassword!" and b"passwordsaltsalt"; base64.
        let modular = [
            "$md5$X03MO1qnZdYdgyfeuILPmQ==",
            "$md5$pf=e1NBTFR9e1BBU1NXT1JEfSE=$c2FsdHNhbHQ=$n6nADgA3bdh8lWbaMYRpZw==",
            "$sha256$pf=e1NBTFR9e1BBU1NXT1JEfSE=$c2FsdHNhbHQ=$gYxsDmOEEzgUIamyXpi6vNimvWm27noNRs3934Ufr1g=",
        ];
        let ssha = [
            "{SSHA}yrht1iYXEIkejLVu42JWkadd80RzYWx0c2FsdA==",
            "{SSHA256}DIzeh0gCRMTRu9dAH3C3rr7fWkRT0Bp2ZdtRqvTX3XJzYWx0c2FsdA==",
            "{SSHA512}9ZxHVj4YomwqqFiYKcIjExMLx2ZblYfXRGc4KMqbgvHq2+HOgwiTIi+eO/Uam/8D0beDAkGpvx14+UFlfBskLnNhbHRzYWx0",
        ];
        let parsed = modular
            .map(PlainDigestHash::parse_modular)
            .into_iter()
            .chain(ssha.map(PlainDigestHash::parse_ssha))
            .map(Result::unwrap);
        for hash in parsed {
            let text = hash.to_text();
            assert!(hash.matches("password"), "{text}");
            assert!(!hash.matches("passwort"), "{text}");
        }
    }

    #[test]
    fn what_is_put_into_a_format_is_not_a_format() {
        assert_eq!(fill("{SALT}:{PASSWORD}{", b"{PASSWORD}", "{SALT}"), b"{PASSWORD}:{SALT}{");
        assert_eq!(fill("{x}{{PASSWORD}}", b"s", "p"), b"{x}{p}");
    }

    #[test]
    fn broken_ones_are_refused() {
        for text in [
            "$md5$",
            "$md5$c2hvcnQ=",
            "$md5$pf=e1NBTFR9$c2FsdA==$X03MO1qnZdYdgyfeuILPmQ==",
            "$md5$e1BBU1NXT1JEfQ==$c2FsdA==$X03MO1qnZdYdgyfeuILPmQ==",
            "$sha256$X03MO1qnZdYdgyfeuILPmQ==",
        ] {
            assert!(PlainDigestHash::parse_modular(text).is_err(), "{text}");
        }
        for text in ["{SSHA}", "{SSHA}X03MO1qnZdYdgyfeuILPmQ==", "{SSHA384}X03MO1qn", "{SSHA"] {
            assert!(PlainDigestHash::parse_ssha(text).is_err(), "{text}");
        }
    }
}
