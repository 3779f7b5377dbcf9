//! What a key says of certificates (RFC 7517, sections 4.7 to 4.9), and whether they are of that key.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use serde_json::Value;

use super::material::{PublicKey, uncompressed};
use crate::base64url;
use crate::der::{self, Reader};

/// The version of a certificate, `[0] EXPLICIT`.
const CONTEXT_0: u8 = 0xA0;

/// The certificate that a key names first, when it is of that key.
pub(super) struct OwnCertificate(Vec<u8>);

impl OwnCertificate {
    /// Reads the member `x5c` of a key.
    pub(super) fn of(chain: Option<&Value>, key: &PublicKey) -> Option<Self> {
        let chain = chain?.as_array().filter(|chain| chain.iter().all(Value::is_string))?;
        let first = base64url::decode_lenient(chain.first()?.as_str()?)?;
        is_of(&first, key).then(|| Self(first.to_vec()))
    }

    /// Whether a thumbprint is that of the certificate.
    pub(super) fn has_thumbprint(&self, name: &str, value: &Value) -> bool {
        let algorithm = if name == "x5t" { &SHA1_FOR_LEGACY_USE_ONLY } else { &SHA256 };
        value.as_str().is_some_and(|text| text == base64url::encode(digest(algorithm, &self.0)))
    }
}

/// Whether the public key of a certificate (RFC 5280, section 4.1) is this one.
fn is_of(certificate: &[u8], key: &PublicKey) -> bool {
    let read = || -> Result<bool, crate::KeyError> {
        let mut body = Reader::new(certificate).enter(der::SEQUENCE)?.enter(der::SEQUENCE)?;
        if body.peek() == Some(CONTEXT_0) {
            body.skip()?;
        }
        // The serial number, the algorithm, the issuer, the validity and the subject.
        for _ in 0..5 {
            body.skip()?;
        }
        let mut info = body.enter(der::SEQUENCE)?;
        let oid = info.enter(der::SEQUENCE)?.take(der::OID)?;
        let bits = info.bits()?;
        Ok(match key {
            PublicKey::Ec { x, y, .. } => oid == der::EC_PUBLIC_KEY && bits == uncompressed(x, y),
            PublicKey::Ed25519 { x } => oid == der::ED25519 && bits == x,
            PublicKey::Rsa { n, e } => {
                let mut numbers = Reader::new(bits).enter(der::SEQUENCE)?;
                oid == der::RSA_ENCRYPTION && numbers.unsigned()? == n && numbers.unsigned()? == e
            }
        })
    };
    read().unwrap_or(false)
}

#[cfg(test)]
pub(super) mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        assert!(length < 0x80);
        [&[tag, length], content].concat()
    }

    /// A certificate of an Ed25519 key that says nothing else, as it stands in `x5c`.
    pub(in crate::jwk) fn certificate(x: &[u8], version: &[u8]) -> String {
        let algorithm = element(der::SEQUENCE, &element(der::OID, der::ED25519));
        let bits = element(der::BIT_STRING, &[&[0], x].concat());
        let info = element(der::SEQUENCE, &[algorithm, bits].concat());
        let nothing = element(der::SEQUENCE, &[]);
        let head = [version, &element(der::INTEGER, &[1]), &nothing.repeat(4)].concat();
        STANDARD.encode(element(der::SEQUENCE, &element(der::SEQUENCE, &[head, info].concat())))
    }

    #[test]
    fn a_certificate_is_read_with_its_version_and_without() {
        let key = PublicKey::Ed25519 { x: vec![7; 32] };
        let of = |certificate: String| OwnCertificate::of(Some(&serde_json::json!([certificate])), &key);
        assert!(of(certificate(&[7; 32], &[])).is_some());
        assert!(of(certificate(&[7; 32], &element(CONTEXT_0, &element(der::INTEGER, &[2])))).is_some());
        assert!(of(certificate(&[8; 32], &[])).is_none());
        assert!(of("MIIB".into()).is_none());
    }
}
