//! `$sha256-crypt$rounds=5000$salt$hash` and `$sha512-crypt$..`: what crypt(3) writes as `$5$..` and `$6$..`. There are
//! 5000 rounds when `rounds=` is absent.

use sessera_model::is_same_secret;
use sha_crypt::Params;

use super::crypt_base64;
use super::notation::Notation;
use crate::password::PasswordError;

/// Some seconds for the longest password.
const MAX_ROUNDS: u32 = 1_000_000;

const MAX_SALT_BYTES: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sha256,
    Sha512,
}

impl Digest {
    const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256-crypt",
            Self::Sha512 => "sha512-crypt",
        }
    }

    const fn output_characters(self) -> usize {
        match self {
            Self::Sha256 => 43,
            Self::Sha512 => 86,
        }
    }
}

/// A hash of SHA-crypt.
#[derive(Clone, PartialEq, Eq)]
pub struct ShaCryptHash {
    digest: Digest,
    /// Absent when the notation leaves them out.
    rounds: Option<u32>,
    salt: String,
    output: String,
}

impl ShaCryptHash {
    /// Reads the notation.
    pub(in crate::password) fn parse(text: &str) -> Result<Self, PasswordError> {
        let mut parts = text.split('$').skip(1).peekable();
        let digest = match parts.next() {
            Some("sha256-crypt") => Digest::Sha256,
            Some("sha512-crypt") => Digest::Sha512,
            _ => return Err(PasswordError::UnknownNotation),
        };
        let notation = Notation(digest.name());
        let rounds = match parts.next_if(|part| part.starts_with("rounds=")) {
            None => None,
            Some(parameters) => {
                let [rounds] = notation.parameters(parameters, ["rounds"])?;
                notation.bounded("rounds", rounds, MAX_ROUNDS)?;
                Some(rounds)
            }
        };
        if rounds.is_some_and(|rounds| rounds < Params::ROUNDS_MIN) {
            return Err(notation.malformed("it has less than 1000 rounds"));
        }
        let (Some(salt), Some(output), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(notation.malformed("it has not the parts salt and hash"));
        };
        if salt.len() > MAX_SALT_BYTES {
            return Err(notation.malformed("its salt is longer than 16 bytes"));
        }
        if output.len() != digest.output_characters() || !crypt_base64::is_written_so(output) {
            return Err(notation.malformed("its hash has not the length of the digest in crypt's base64"));
        }
        Ok(Self { digest, rounds, salt: salt.to_owned(), output: output.to_owned() })
    }

    /// Writes the notation.
    pub(in crate::password) fn to_text(&self) -> String {
        let rounds = self.rounds.map_or_else(String::new, |rounds| format!("rounds={rounds}$"));
        format!("${}${rounds}{}${}", self.digest.name(), self.salt, self.output)
    }

    pub(in crate::password) fn matches(&self, password: &str) -> Result<bool, PasswordError> {
        let rounds = self.rounds.map_or(Ok(Params::RECOMMENDED), Params::new);
        let rounds = rounds.map_err(|error| PasswordError::Internal(format!("SHA-crypt failed: {error}")))?;
        let (password, salt) = (password.as_bytes(), self.salt.as_bytes());
        let output = match self.digest {
            Digest::Sha256 => written_256(&sha_crypt::sha256_crypt(password, salt, rounds)),
            Digest::Sha512 => written_512(&sha_crypt::sha512_crypt(password, salt, rounds)),
        };
        Ok(is_same_secret(output.as_bytes(), self.output.as_bytes()))
    }
}

/// Three bytes a third of the output apart, each time turned once more: to the right.
fn written_256(output: &[u8; 32]) -> String {
    let mut text = String::with_capacity(Digest::Sha256.output_characters());
    for first in 0..10 {
        let mut three = [output[first], output[first + 10], output[first + 20]];
        three.rotate_right(first % 3);
        crypt_base64::write(&mut text, three, 4);
    }
    crypt_base64::write(&mut text, [0, output[31], output[30]], 3);
    text
}

/// The bytes of a hash with SHA-512 in the format's order, which turns to the left.
fn written_512(output: &[u8; 64]) -> String {
    let mut text = String::with_capacity(Digest::Sha512.output_characters());
    for first in 0..21 {
        let mut three = [output[first], output[first + 21], output[first + 42]];
        three.rotate_left(first % 3);
        crypt_base64::write(&mut text, three, 4);
    }
    crypt_base64::write(&mut text, [0, 0, output[63]], 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_openssl_and_crypt() {
        // openssl passwd -5 or -6 -salt SALT "correct horse"; with rounds, crypt(3).
        for text in [
            "$sha256-crypt$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/",
            "$sha256-crypt$0123456789abcdef$GkVfGOcpKLcryIiNM.uN6AQV7DQsJJPqGu0QqsSSMrD",
            "$sha256-crypt$rounds=1234$saltsalt$IPNoxPXVUhlwamW/ZS1enXFZb.MKNIY4iBNiXBT.n9A",
            "$sha512-crypt$ab$taQi2R/p.00nDn/0OiJ.5VXxxXle4RnNFdp1MRTAv1YDfnWjTzvJxb43j8XusV1GVxGhgSwzDrEJhwBIxUw.Q/",
            "$sha512-crypt$0123456789abcdef$lDHzA5IdO41viXIs6llkDKq4Uh2VG9JXIYJ.taq2zlNFqBnKQ0/fOUW0Zoz49ZnOpe2ACY.PoF6wosL.jL3Af0",
            "$sha512-crypt$rounds=1234$saltsalt$QbDRnprRbpqeeh.ZNpNyY9.CK2ITCWd3Nuo6mduIQkLdXKLbmzlHxmzS4RYX080PBgOocz2tHNsjDEzqsLQte0",
        ] {
            let hash = ShaCryptHash::parse(text).unwrap();
            assert!(hash.matches("correct horse").unwrap(), "{text}");
            assert!(!hash.matches("correct horsf").unwrap(), "{text}");
            assert_eq!(hash.to_text(), text);
        }
    }

    #[test]
    fn absurd_or_broken_parameters_are_refused() {
        let tail = "saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/";
        for (head, costly) in [
            ("rounds=1000001$", true),
            ("rounds=4294967295$", true),
            ("rounds=999$", false),
            ("rounds=0$", false),
            ("rounds=many$", false),
            ("rounds=5000,x=1$", false),
            ("longer-than-sixteen-bytes", false),
        ] {
            let error = ShaCryptHash::parse(&format!("$sha256-crypt${head}{tail}")).err().unwrap();
            assert_eq!(matches!(error, PasswordError::TooCostly { .. }), costly, "{head}: {error}");
        }
        for text in ["$sha256-crypt$", "$sha256-crypt$salt$short", "$sha512-crypt$saltsalt$"] {
            assert!(ShaCryptHash::parse(text).is_err(), "{text}");
        }
        assert!(ShaCryptHash::parse(&format!("$sha512-crypt${tail}")).is_err(), "half as long");
    }
}
