//! Keys from files: JWK, JWK sets, PEM, DER and raw secrets.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::der::{self, Reader, malformed};
use crate::error::KeyError;
use crate::jwk::{Curve, Jwk, JwkSet, Material, Numbers, PrivateKey, PublicKey};
use crate::pem;
use crate::sign::Signer;
use crate::text::without_byte_order_mark_in;

/// Reads the keys of a file: a JWK, a JWK set, PEM with any number of keys, or DER. Both halves of a key become one.
///
/// `algorithm` is given to keys that name none. RSA keys need it; EC and Ed25519 keys do not.
pub fn keys(bytes: &[u8], algorithm: Option<Algorithm>) -> Result<Vec<Jwk>, KeyError> {
    let keys = read(bytes, algorithm)?;
    for key in &keys {
        if key.alg().is_none() {
            return Err(KeyError::NoAlgorithm(key.kid().to_owned()));
        }
        if key.can_sign() {
            Signer::new(key)?;
        } else if key.key_use() != Some("enc") {
            key.algorithm()?;
        }
    }
    Ok(keys)
}

/// Reads the key set of a template, in any of the forms that [`keys`] reads. What is wrong with a key that does not sign is
/// no fault of the set.
///
/// `algorithm` is given to keys that name none. A key in JSON that then has none does not sign, as with an Ory Kratos:
/// whoever writes JSON says what a key is for. PEM and DER cannot say it, so the curve does.
pub fn set(bytes: &[u8], algorithm: Option<Algorithm>) -> Result<JwkSet, KeyError> {
    JwkSet::new(match Form::of(bytes) {
        Form::Json(json) => {
            let keys = JwkSet::parse(json)?.into_keys().into_iter();
            keys.map(|key| or_algorithm(key, algorithm)).collect()
        }
        Form::Other => read(bytes, algorithm)?,
    })
}

/// Reads keys, and gives each the algorithm that it does not name: `algorithm`, else the only one that its curve has.
fn read(bytes: &[u8], algorithm: Option<Algorithm>) -> Result<Vec<Jwk>, KeyError> {
    let keys = match Form::of(bytes) {
        Form::Json(json) => JwkSet::parse(json)?.into_keys(),
        Form::Other => other_keys(bytes)?,
    };
    let named = |key| {
        let key = or_algorithm(key, algorithm);
        let natural = natural_algorithm(&key);
        or_algorithm(key, natural)
    };
    Ok(keys.into_iter().map(named).collect())
}

/// Whether the content of a file is a key in one of the forms that say so at their beginning. A shared secret may be
/// anything else.
pub fn is_structured(bytes: &[u8]) -> bool {
    matches!(Form::of(bytes), Form::Json(_)) || std::str::from_utf8(bytes).is_ok_and(pem::is_pem)
}

enum Form<'b> {
    Json(&'b [u8]),
    /// PEM or DER.
    Other,
}

impl<'b> Form<'b> {
    fn of(bytes: &'b [u8]) -> Self {
        let content = without_byte_order_mark_in(bytes).trim_ascii_start();
        if matches!(content.first(), Some(b'{')) { Self::Json(content) } else { Self::Other }
    }
}

fn other_keys(bytes: &[u8]) -> Result<Vec<Jwk>, KeyError> {
    match std::str::from_utf8(bytes) {
        Ok(text) if pem::is_pem(text) => {
            let blocks = pem::blocks(text)?;
            let keys = blocks.iter().map(|der| Ok(Jwk::new(der_key(der)?, None, None)));
            Ok(JwkSet::new(keys.collect::<Result<_, KeyError>>()?)?.into_keys())
        }
        _ => Ok(vec![Jwk::new(der_key(bytes)?, None, None)]),
    }
}

/// A shared secret for an HMAC algorithm, its bytes as they are.
pub fn secret(bytes: &[u8], algorithm: Algorithm) -> Result<Jwk, KeyError> {
    if !algorithm.is_symmetric() {
        return Err(KeyError::NotImportable(format!(
            "the file is not a key in JWK, PEM or DER form, and a raw secret is for HS256, HS384 and HS512 only, not {algorithm}"
        )));
    }
    let jwk = Jwk::new(Material::secret(Zeroizing::new(bytes.to_vec()))?, Some(algorithm), None);
    jwk.algorithm()?;
    Ok(jwk)
}

/// The key with this algorithm, if it names none and the algorithm is one for it.
fn or_algorithm(key: Jwk, algorithm: Option<Algorithm>) -> Jwk {
    let fits = |algorithm: &Algorithm| match key.material() {
        Material::Pair { public, .. } => public.fits(*algorithm),
        Material::Secret(_) => algorithm.is_symmetric(),
    };
    match algorithm.filter(fits) {
        Some(algorithm) => key.with_default_algorithm(algorithm),
        None => key,
    }
}

/// The only algorithm that there is for a key of this kind.
fn natural_algorithm(key: &Jwk) -> Option<Algorithm> {
    match key.material() {
        Material::Pair { public: PublicKey::Ec { curve, .. }, .. } => Some(curve.algorithm()),
        Material::Pair { public: PublicKey::Ed25519 { .. }, .. } => Some(Algorithm::EdDsa),
        _ => None,
    }
}

/// A key in DER: PKCS#8, PKCS#1, SEC 1 or `SubjectPublicKeyInfo`.
pub(crate) fn der_key(bytes: &[u8]) -> Result<Material, KeyError> {
    let mut reader = Reader::new(bytes);
    let mut body = reader.enter(der::SEQUENCE).map_err(|_| {
        KeyError::NotImportable(
            "the file is not a key in JWK, PEM or DER form; a raw secret needs --alg HS256".into(),
        )
    })?;
    if body.peek() == Some(der::SEQUENCE) {
        return public_key_info(body);
    }
    let mut probe = body;
    let first = probe.take(der::INTEGER)?;
    match (probe.peek(), first) {
        (Some(der::SEQUENCE), _) => {
            body.skip()?;
            private_key_info(body)
        }
        (Some(der::OCTET_STRING), [1]) => ec_private(body, None),
        (Some(der::INTEGER), [0]) => rsa_private(body),
        (Some(der::INTEGER), _) => Material::rsa(body.unsigned()?, body.unsigned()?, None),
        _ => Err(malformed()),
    }
}

fn curve(oid: &[u8]) -> Result<Curve, KeyError> {
    match oid {
        der::P256 => Ok(Curve::P256),
        der::P384 => Ok(Curve::P384),
        der::P521 => Ok(Curve::P521),
        _ => Err(KeyError::NotImportable(
            "the curve of the key is not supported: use P-256, P-384 or P-521".into(),
        )),
    }
}

fn unsupported() -> KeyError {
    KeyError::NotImportable("the kind of key is not supported: use RSA, EC or Ed25519".into())
}

/// Reads a `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
fn public_key_info(mut body: Reader<'_>) -> Result<Material, KeyError> {
    let mut algorithm = body.enter(der::SEQUENCE)?;
    let oid = algorithm.take(der::OID)?;
    let key = body.bits()?;
    let public = match oid {
        der::RSA_ENCRYPTION => {
            let mut numbers = Reader::new(key).enter(der::SEQUENCE)?;
            PublicKey::rsa(numbers.unsigned()?, numbers.unsigned()?)?
        }
        der::EC_PUBLIC_KEY => point(curve(algorithm.take(der::OID)?)?, key)?,
        der::ED25519 if key.len() == 32 => PublicKey::Ed25519 { x: key.to_vec() },
        _ => return Err(unsupported()),
    };
    Ok(Material::Pair { public, private: None })
}

/// Reads a point in uncompressed form.
fn point(curve: Curve, bytes: &[u8]) -> Result<PublicKey, KeyError> {
    let length = curve.coordinate_length();
    match bytes {
        [4, coordinates @ ..] if coordinates.len() == 2 * length => {
            let (x, y) = coordinates.split_at(length);
            Ok(PublicKey::Ec { curve, x: x.to_vec(), y: y.to_vec() })
        }
        _ => Err(KeyError::NotImportable("the point of the EC key is compressed or damaged".into())),
    }
}

/// `PrivateKeyInfo` (RFC 5958), the version being read already.
fn private_key_info(mut body: Reader<'_>) -> Result<Material, KeyError> {
    let mut algorithm = body.enter(der::SEQUENCE)?;
    let oid = algorithm.take(der::OID)?;
    let key = body.take(der::OCTET_STRING)?;
    match oid {
        der::RSA_ENCRYPTION => rsa_private(Reader::new(key).enter(der::SEQUENCE)?),
        der::EC_PUBLIC_KEY => {
            let curve = curve(algorithm.take(der::OID)?)?;
            ec_private(Reader::new(key).enter(der::SEQUENCE)?, Some(curve))
        }
        der::ED25519 => {
            let seed = Zeroizing::new(Reader::new(key).take(der::OCTET_STRING)?.to_vec());
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| malformed())?;
            let public = PublicKey::Ed25519 { x: pair.public_key().as_ref().to_vec() };
            Ok(Material::Pair { public, private: Some(PrivateKey::Scalar(seed)) })
        }
        _ => Err(unsupported()),
    }
}

/// `ECPrivateKey` (RFC 5915).
fn ec_private(mut body: Reader<'_>, named: Option<Curve>) -> Result<Material, KeyError> {
    body.skip()?;
    let scalar = body.take(der::OCTET_STRING)?;
    let mut known = named;
    if known.is_none() && body.peek() == Some(0xA0) {
        known = Some(curve(body.enter(0xA0)?.take(der::OID)?)?);
    } else if body.peek() == Some(0xA0) {
        body.skip()?;
    }
    let known = known.ok_or_else(|| KeyError::NotImportable("the EC key does not name its curve".into()))?;
    let length = known.coordinate_length();
    if scalar.len() > length {
        return Err(malformed());
    }
    let mut padded = Zeroizing::new(vec![0; length - scalar.len()]);
    padded.extend_from_slice(scalar);
    let public = if body.peek() == Some(der::CONTEXT_1) {
        point(known, body.enter(der::CONTEXT_1)?.bits()?)?
    } else {
        known.public_of(&padded).ok_or_else(malformed)?
    };
    Ok(Material::Pair { public, private: Some(PrivateKey::Scalar(padded)) })
}

/// Reads an `RSAPrivateKey` (RFC 8017, appendix A.1.2).
fn rsa_private(mut body: Reader<'_>) -> Result<Material, KeyError> {
    body.skip()?;
    let (n, e) = (body.unsigned()?, body.unsigned()?);
    let mut secret = || body.unsigned().map(|bytes| Zeroizing::new(bytes.to_vec()));
    let (d, p, q) = (secret()?, Some(secret()?), Some(secret()?));
    let numbers = Numbers { p, q, dp: Some(secret()?), dq: Some(secret()?), qi: Some(secret()?) };
    Material::rsa(n, e, Some((d, numbers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key is that of RFC 8410, section 10.3.
    const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

    #[test]
    fn a_pem_key_is_read_and_signs() {
        let keys = keys(ED25519.as_bytes(), None).unwrap();
        assert_eq!(keys[0].algorithm(), Ok(Algorithm::EdDsa));
        // The public key is that of section 10.1 of the same document.
        let x = crate::base64url::decode(keys[0].public().unwrap().to_json()["x"].as_str().unwrap()).unwrap();
        assert_eq!(x[..4], [0x19, 0xbf, 0x44, 0x09]);
        assert!(Signer::new(&keys[0]).is_ok());
    }

    #[test]
    fn a_file_may_hold_more_than_the_key() {
        let certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let file = format!(
            "\u{FEFF}Bag Attributes\n    friendlyName: k\n{certificate}# the key\n{ED25519}{ED25519}"
        );
        assert_eq!(keys(file.as_bytes(), None).unwrap().len(), 1, "a key that stands twice is one key");
        assert!(keys(certificate.as_bytes(), None).unwrap_err().to_string().contains("no key"));
        let json = "\u{FEFF}{\"kty\":\"oct\",\"k\":\"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ\",\"alg\":\"HS256\"}";
        assert_eq!(keys(json.as_bytes(), None).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_key_says_what_to_do() {
        for bytes in
            [&b"secret"[..], b"", b"-----BEGIN X-----", b"{}", &[0x30, 0x03, 0x02, 0x01, 0x00], &[0xFF; 40]]
        {
            assert!(keys(bytes, None).is_err());
        }
        assert!(matches!(secret(b"short", Algorithm::Hs256), Err(KeyError::SecretTooShort { .. })));
        assert!(secret(&[7; 32], Algorithm::Hs256).is_ok());
        assert!(secret(&[7; 32], Algorithm::Es256).is_err());
    }

    #[test]
    fn keys_are_read_as_other_programs_write_them() {
        let key = crate::generate::key(Algorithm::Es256, Some("k".into()), 0).unwrap();
        let json = key.to_private_json();
        let written = |name: &str, value: serde_json::Value| {
            let mut json = json.clone();
            json[name] = value;
            json.to_string()
        };
        let bytes = |name: &str| crate::base64url::decode(json[name].as_str().unwrap()).unwrap();
        let standard = |bytes: Vec<u8>| {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(bytes)
        };
        let mut long = json.clone();
        for name in ["x", "y", "d"] {
            long[name] = crate::base64url::encode([&[0, 0], &bytes(name)[..]].concat()).into();
        }
        let mut without_point = json.clone();
        without_point.as_object_mut().unwrap().retain(|name, _| !["x", "y"].contains(&name.as_str()));
        let mut public = key.public().unwrap().to_json();
        let (halves, halves_reversed) = (
            serde_json::json!({"keys": [json, public]}).to_string(),
            serde_json::json!({"keys": [public.take(), json]})
                .to_string()
                .replace("null", &key.public().unwrap().to_json().to_string()),
        );
        for text in [
            json.to_string(),
            format!("\u{feff}{json}"),
            format!("\u{feff} {{\"keys\":[{json}]}}"),
            written("x", standard(bytes("x")).into()),
            written("d", format!("{}=", json["d"].as_str().unwrap()).into()),
            written("x5t", serde_json::Value::Null),
            long.to_string(),
            without_point.to_string(),
            halves,
            halves_reversed,
        ] {
            assert_eq!(keys(text.as_bytes(), None).unwrap(), std::slice::from_ref(&key), "{text}");
            assert_eq!(set(text.as_bytes(), None).unwrap().keys(), std::slice::from_ref(&key), "{text}");
        }
        let unnamed = set(written("kid", serde_json::Value::Null).as_bytes(), None).unwrap();
        assert_eq!(unnamed.keys()[0].kid(), key.thumbprint());
    }

    #[test]
    fn coordinates_without_their_leading_zeros_are_those_of_the_field() {
        let is_short = |key: &Jwk| match key.material() {
            Material::Pair { public: PublicKey::Ec { x, y, .. }, .. } => x[0] == 0 || y[0] == 0,
            _ => false,
        };
        let key = std::iter::repeat_with(|| crate::generate::key(Algorithm::Es256, None, 0).unwrap())
            .find(is_short)
            .unwrap();
        let mut json = key.to_private_json();
        for name in ["x", "y", "d"] {
            let bytes = crate::base64url::decode(json[name].as_str().unwrap()).unwrap();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            json[name] = crate::base64url::encode(&bytes[zeros..]).into();
        }
        assert_eq!(Jwk::from_value(json).unwrap(), key);
    }

    #[test]
    fn sets_of_templates_and_imports_are_made_alike() {
        let with_certificate =
            format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{ED25519}{ED25519}");
        let set_of = |text: &str| set(text.as_bytes(), None).unwrap();
        assert!(Signer::of_set(&set_of(&with_certificate)).is_ok());
        assert_eq!(set_of(&with_certificate).keys().len(), 1);
        let json = keys(ED25519.as_bytes(), None).unwrap()[0].to_private_json();
        let silent = json.to_string().replace(",\"alg\":\"EdDSA\"", "");
        // JSON says what a key is for, in a template; an import says it.
        assert!(matches!(Signer::of_set(&set_of(&silent)), Err(KeyError::NoAlgorithm(_))));
        assert!(Signer::of_set(&set(silent.as_bytes(), Some(Algorithm::EdDsa)).unwrap()).is_ok());
        assert!(keys(silent.as_bytes(), None).is_ok());
        let rsa = crate::generate::key(Algorithm::Rs256, Some("r".into()), 2048).unwrap().to_private_json();
        let with = |changes: &[(&str, &str)]| {
            let mut rsa = rsa.clone();
            for (name, value) in changes {
                rsa[*name] = (*value).into();
            }
            rsa.to_string()
        };
        let empty = with(&[("dp", ""), ("dq", ""), ("qi", "")]);
        assert!(Signer::of_set(&set_of(&empty)).is_ok() && keys(empty.as_bytes(), None).is_ok());
        let (wrong, silent) = (with(&[("dp", "AQAB")]), with(&[("alg", "")]));
        for (text, algorithm) in [(&wrong, None), (&silent, None), (&silent, Some(Algorithm::Es256))] {
            assert!(Signer::of_set(&set(text.as_bytes(), algorithm).unwrap()).is_err(), "{algorithm:?}");
            assert!(keys(text.as_bytes(), algorithm).is_err(), "{algorithm:?}");
        }
        assert!(Signer::of_set(&set(silent.as_bytes(), Some(Algorithm::Ps256)).unwrap()).is_ok());
    }

    #[test]
    fn the_first_key_that_can_sign_signs() {
        let json = keys(ED25519.as_bytes(), None).unwrap()[0].to_private_json();
        for (member, value) in [
            ("use", serde_json::json!("enc")),
            ("key_ops", serde_json::json!(["encrypt"])),
            ("alg", serde_json::json!("ECDH-ES")),
        ] {
            let mut other =
                crate::generate::key(Algorithm::Es256, Some("e".into()), 0).unwrap().to_private_json();
            other[member] = value;
            let both = serde_json::json!({"keys": [other, json]}).to_string();
            let signing = set(both.as_bytes(), None).unwrap().signing_key().unwrap().kid().to_owned();
            assert_eq!(json["kid"], signing, "{member}");
            let alone = serde_json::json!({"keys": [other]}).to_string();
            assert!(Signer::of_set(&set(alone.as_bytes(), None).unwrap()).is_err(), "{member}");
        }
    }

    #[test]
    fn what_no_key_can_be_is_refused_in_der_too() {
        let integer = |number: &[u8]| {
            let length = u16::try_from(number.len() + 1).unwrap().to_be_bytes();
            [&[der::INTEGER, 0x82], &length[..], &[0], number].concat()
        };
        let public = |n: &[u8], e: &[u8]| {
            let numbers = [integer(n), integer(e)].concat();
            let length = u16::try_from(numbers.len()).unwrap().to_be_bytes();
            keys(&[&[der::SEQUENCE, 0x82], &length[..], &numbers].concat(), Some(Algorithm::Rs256))
        };
        assert_eq!(public(&[0xff; 256], &[1, 0, 1]).unwrap().len(), 1);
        for (n, e, member) in
            [(1025, &[3][..], "n"), (256, &[1], "e"), (256, &[4], "e"), (256, &[0xff; 33], "e")]
        {
            let refused = public(&vec![0xff; n], e);
            assert!(
                matches!(refused, Err(KeyError::BadMember { member: found, .. }) if found == member),
                "{e:?}"
            );
        }
        assert!(matches!(secret(&[7; 5000], Algorithm::Hs256), Err(KeyError::BadMember { member: "k", .. })));
    }
}
