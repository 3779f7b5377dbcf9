//! `$hmac-sha256$hash$key`: HMAC (RFC 2104) of the password under a key, once. Both parts are base64, and the hash below
//! it is written in hexadecimal digits.

use hmac::digest::KeyInit;
use hmac::{EagerHash, Hmac, Mac};
use md4::Md4;
use md5::Md5;
use sessera_model::is_same_secret;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use super::notation::{Notation, encode};
use crate::password::PasswordError;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Digest {
    Md4,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    const ALL: [Self; 7] =
        [Self::Md4, Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    const fn name(self) -> &'static str {
        match self {
            Self::Md4 => "hmac-md4",
            Self::Md5 => "hmac-md5",
            Self::Sha1 => "hmac-sha1",
            Self::Sha224 => "hmac-sha224",
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }

    const fn output_bytes(self) -> usize {
        match self {
            Self::Md4 | Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn of(self, key: &[u8], password: &[u8]) -> Result<Vec<u8>, PasswordError> {
        match self {
            Self::Md4 => mac::<Md4>(key, password),
            Self::Md5 => mac::<Md5>(key, password),
            Self::Sha1 => mac::<Sha1>(key, password),
            Self::Sha224 => mac::<Sha224>(key, password),
            Self::Sha256 => mac::<Sha256>(key, password),
            Self::Sha384 => mac::<Sha384>(key, password),
            Self::Sha512 => mac::<Sha512>(key, password),
        }
    }
}

fn mac<D: EagerHash>(key: &[u8], password: &[u8]) -> Result<Vec<u8>, PasswordError>
where
    Hmac<D>: Mac + KeyInit,
{
    let mac = <Hmac<D> as KeyInit>::new_from_slice(key);
    let mac = mac.map_err(|error| PasswordError::Internal(format!("HMAC failed: {error}")))?;
    Ok(mac.chain_update(password).finalize().into_bytes().to_vec())
}

/// A keyed hash.
#[derive(Clone, PartialEq, Eq)]
pub struct HmacHash {
    digest: Digest,
    output: Vec<u8>,
    key: Vec<u8>,
}

impl HmacHash {
    /// Reads the notation.
    pub(in crate::password) fn parse(text: &str) -> Result<Self, PasswordError> {
        let mut parts = text.split('$').skip(1);
        let name = parts.next().unwrap_or_default();
        let Some(digest) = Digest::ALL.into_iter().find(|digest| digest.name() == name) else {
            return Err(Notation("hmac")
                .malformed("its digest is none of md4, md5, sha1, sha224, sha256, sha384 and sha512"));
        };
        let notation = Notation(digest.name());
        let (Some(output), Some(key), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(notation.malformed("it has not the parts hash and key"));
        };
        let output = hex::decode(notation.base64(output)?)
            .map_err(|_| notation.malformed("its hash is not written in hexadecimal digits"))?;
        if output.len() != digest.output_bytes() {
            return Err(notation.malformed("its hash has not the length of the digest"));
        }
        Ok(Self { digest, output, key: notation.base64(key)? })
    }

    /// Writes the notation.
    pub(in crate::password) fn to_text(&self) -> String {
        let output = encode(hex::encode(&self.output).as_bytes());
        format!("${}${output}${}", self.digest.name(), encode(&self.key))
    }

    pub(in crate::password) fn matches(&self, password: &str) -> Result<bool, PasswordError> {
        let output = self.digest.of(&self.key, password.as_bytes())?;
        Ok(is_same_secret(&output, &self.output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_python_and_openssl() {
        // hmac.new(b"a key", b"correct horse", digest).hexdigest(); for md4, openssl dgst -md4 -hmac "a key".
        for (name, output) in [
            ("md4", "a377badb95cd3f605cd8ebe26f893126"),
            ("md5", "b1dced1633506ba143ec534c884c0719"),
            ("sha1", "18be711af641ffcf0e5dd9308406aa700888d333"),
            ("sha224", "0b2c9a82424c4284125974a7ed43f4b42764c93cfa40018e7b1abeca"),
            ("sha256", "016e117dc5b7a48dae8c380130a714a082d8908bfdb4c7fbea205c15d0452cf1"),
            (
                "sha384",
                "346bd3fd125ecb938bf08a9ab1b523a824fa9c2b3a8681b6e14e268feb8ea24a7f9977fcf5374ee81ef260e616d190c4",
            ),
            (
                "sha512",
                "d3377792808767a4a5d3e198074186d1bb0a1560a63166633805e5d3279f9c42852e9bc0d7c3a07a750fd3c605a426cdbde4e9918f19bb40617f9402301fb8f2",
            ),
        ] {
            let text = format!("$hmac-{name}${}${}", encode(output.as_bytes()), encode(b"a key"));
            let hash = HmacHash::parse(&text).unwrap();
            assert!(hash.matches("correct horse").unwrap(), "{text}");
            assert!(!hash.matches("correct horsf").unwrap(), "{text}");
            assert_eq!(hash.to_text(), text);
        }
    }
    #[test]
    fn broken_ones_are_refused() {
        let good = encode("b1dced1633506ba143ec534c884c0719".as_bytes());
        for text in [
            "$hmac-md5$".to_owned(),
            format!("$hmac-md5${good}"),
            format!("$hmac-md5${good}$"),
            format!("$hmac-md5${good}$a2V5$a2V5"),
            format!("$hmac-sha1${good}$a2V5"),
            format!("$hmac-sha3${good}$a2V5"),
            "$hmac-md5$c3dlZXQ$a2V5".to_owned(),
        ] {
            assert!(HmacHash::parse(&text).is_err(), "{text}");
        }
    }
}
