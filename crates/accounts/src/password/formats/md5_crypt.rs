//! `$md5-crypt$salt$hash`: what crypt(3) writes as `$1$salt$hash`, a thousand rounds of MD5.

use md5::{Digest as _, Md5};
use sessera_model::is_same_secret;

use super::crypt_base64;
use super::notation::Notation;
use crate::password::PasswordError;

const ROUNDS: usize = 1000;
const MAX_SALT_BYTES: usize = 8;
const OUTPUT_CHARACTERS: usize = 22;

/// An md5-crypt hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Md5CryptHash {
    salt: String,
    output: String,
}

impl Md5CryptHash {
    /// Reads the notation.
    pub(in crate::password) fn parse(text: &str) -> Result<Self, PasswordError> {
        let notation = Notation("md5-crypt");
        let mut parts = text.split('$').skip(2);
        let (Some(salt), Some(output), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(notation.malformed("it has not the parts salt and hash"));
        };
        if salt.len() > MAX_SALT_BYTES {
            return Err(notation.malformed("its salt is longer than 8 bytes"));
        }
        if output.len() != OUTPUT_CHARACTERS || !crypt_base64::is_written_so(output) {
            return Err(notation.malformed("its hash has not 22 characters of crypt's base64"));
        }
        Ok(Self { salt: salt.to_owned(), output: output.to_owned() })
    }

    /// Writes the notation.
    pub(in crate::password) fn to_text(&self) -> String {
        format!("$md5-crypt${}${}", self.salt, self.output)
    }

    pub(in crate::password) fn matches(&self, password: &str) -> bool {
        let output = digest(password.as_bytes(), self.salt.as_bytes());
        is_same_secret(written(&output).as_bytes(), self.output.as_bytes())
    }
}

/// The algorithm of FreeBSD's crypt(3).
fn digest(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();
    let mut start = Md5::new().chain_update(password).chain_update("$1$").chain_update(salt);
    for part in password.chunks(inner.len()) {
        start.update(&inner[..part.len()]);
    }
    let mut bits = password.len();
    while bits > 0 {
        let first = password.first().copied().unwrap_or_default();
        start.update([if bits & 1 == 1 { 0 } else { first }]);
        bits >>= 1;
    }
    let mut output: [u8; 16] = start.finalize().into();
    for round in 0..ROUNDS {
        let is_odd = round % 2 == 1;
        let mut next = Md5::new();
        next.update(if is_odd { password } else { &output });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if is_odd { &output } else { password });
        output = next.finalize().into();
    }
    output
}

fn written(output: &[u8; 16]) -> String {
    let mut text = String::with_capacity(OUTPUT_CHARACTERS);
    for first in 0..5 {
        let last = if first == 4 { 5 } else { first + 12 };
        crypt_base64::write(&mut text, [output[first], output[first + 6], output[last]], 4);
    }
    crypt_base64::write(&mut text, [0, 0, output[11]], 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_openssl() {
        // openssl passwd -1 -salt SALT PASSWORD
        let long = "Zx-correct-horse-battery-staple-of-more-than-sixty-four-bytes-in-all-yes";
        for (password, salt, output) in [
            ("correct horse", "saltsalt", "NuzA7WTAelpl95xgBGWN60"),
            ("correct horse", "ab", ".ThsTrbyIbEahEdE8LNwj1"),
            ("", "x", "fwjfZtMwarkdetsjiQreU1"),
            (long, "x", "uOVRgeZYUey0RXZSojCuz/"),
        ] {
            let text = format!("$md5-crypt${salt}${output}");
            let hash = Md5CryptHash::parse(&text).unwrap();
            assert!(hash.matches(password), "{text}");
            assert!(!hash.matches("correct horsf"), "{text}");
            assert_eq!(hash.to_text(), text);
        }
    }

    #[test]
    fn broken_ones_are_refused() {
        for text in [
            "$md5-crypt$",
            "$md5-crypt$saltsalt",
            "$md5-crypt$saltsalt$NuzA7WTAelpl95xgBGWN6",
            "$md5-crypt$saltsalt$NuzA7WTAelpl95xgBGWN6=",
            "$md5-crypt$saltsalt$NuzA7WTAelpl95xgBGWN60$",
            "$md5-crypt$longer-salt$NuzA7WTAelpl95xgBGWN60",
        ] {
            assert!(Md5CryptHash::parse(text).is_err(), "{text}");
        }
    }
}
