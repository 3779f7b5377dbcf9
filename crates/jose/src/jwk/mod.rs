//! Keys and sets of them (RFC 7517, RFC 7518 section 6, RFC 8037).

mod certificate;
mod material;
mod public;
mod rsa;
mod set;

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::error::KeyError;
use crate::strict_json;
use crate::text::{is_name, without_byte_order_mark_in};
pub(crate) use material::uncompressed;
pub use material::{Curve, MAX_RSA_BITS, MAX_SECRET_BYTES, MIN_RSA_BITS, Material, PrivateKey, PublicKey};
pub use public::{KidClash, PublicJwk, PublicJwkSet, Relation};
pub(crate) use rsa::Numbers;
pub use rsa::{RsaPrivate, SecretBytes};
pub use set::JwkSet;

/// The most bytes of a key as JSON, with all that it says about itself. The longest RSA key has a fifth of them, which leaves
/// room for a chain of certificates.
pub const MAX_JWK_BYTES: usize = 32 * 1024;

/// A key as its owner holds it: public, private or a shared secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Jwk {
    kid: String,
    alg: Option<String>,
    key_use: Option<String>,
    material: Material,
    /// Members that say nothing about the key's bytes, such as `x5c` or `key_ops`.
    other: Map<String, Value>,
}

impl Jwk {
    /// Makes a key for signing. Without an id it gets its thumbprint as id.
    pub fn new(material: Material, algorithm: Option<Algorithm>, kid: Option<String>) -> Self {
        let mut jwk = Self {
            kid: kid.unwrap_or_default(),
            alg: algorithm.map(|algorithm| algorithm.as_str().to_owned()),
            key_use: Some("sig".into()),
            material,
            other: Map::new(),
        };
        if jwk.kid.is_empty() {
            jwk.kid = jwk.thumbprint();
        }
        jwk
    }

    /// Parses a key. Duplicate members are refused; else it is read as [`Self::from_value`] says.
    pub fn parse(json: &[u8]) -> Result<Self, KeyError> {
        let value = strict_json::parse(without_byte_order_mark_in(json)).map_err(KeyError::NotAKey)?;
        Self::from_value(value)
    }

    /// Reads a key as other programs write it, and makes the one form of it that RFC 7518 asks for: members that are
    /// null count as absent, base64 may have any alphabet and padding, numbers may be shorter or longer than their
    /// field, and private numbers that follow from the others may be missing.
    pub fn from_value(value: Value) -> Result<Self, KeyError> {
        let Value::Object(mut members) = value else {
            return Err(KeyError::NotAKey("a JSON object was expected".into()));
        };
        members.retain(|_, value| !value.is_null());
        let size = json_size(&members);
        if size > MAX_JWK_BYTES {
            return Err(KeyError::NotAKey(format!(
                "it has {size} bytes, and {MAX_JWK_BYTES} are the most: leave out what is no part of the key, such as certificates (\"x5c\")"
            )));
        }
        let mut text = |name: &'static str| match members.shift_remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if is_name(&text) => Ok(Some(text)),
            Some(Value::String(_)) => Err(KeyError::BadMember {
                member: name,
                problem: "must have at most 255 bytes, and no control characters or others that are not seen",
            }),
            Some(_) => Err(KeyError::BadMember { member: name, problem: "must be a string" }),
        };
        let kty = text("kty")?.ok_or_else(|| KeyError::NotAKey("the member \"kty\" is missing".into()))?;
        let (kid, alg, key_use) = (text("kid")?, text("alg")?, text("use")?);
        let material = Material::take(&kty, &mut members)?;
        let mut jwk = Self { kid: kid.unwrap_or_default(), alg, key_use, material, other: members };
        if jwk.kid.is_empty() {
            jwk.kid = jwk.thumbprint();
        }
        Ok(jwk)
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm that the key names, as it names it.
    pub fn alg(&self) -> Option<&str> {
        self.alg.as_deref()
    }

    /// What the key is for, which is `sig`, `enc` or unsaid.
    pub fn key_use(&self) -> Option<&str> {
        self.key_use.as_deref()
    }

    /// What the key consists of.
    pub const fn material(&self) -> &Material {
        &self.material
    }

    /// Gives the key another id.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = kid.into();
        self
    }

    /// Gives the key an algorithm unless it names one.
    #[must_use]
    pub fn with_default_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.alg.get_or_insert_with(|| algorithm.as_str().to_owned());
        self
    }

    /// Gives the key another use.
    #[must_use]
    pub fn with_use(mut self, key_use: impl Into<String>) -> Self {
        self.key_use = Some(key_use.into());
        self
    }

    /// The algorithm that the key is for, checked against its kind and its length.
    pub fn algorithm(&self) -> Result<Algorithm, KeyError> {
        let name = self.alg.as_deref().ok_or_else(|| KeyError::NoAlgorithm(self.kid.clone()))?;
        let algorithm: Algorithm = name.parse()?;
        let (fits, kind) = match &self.material {
            Material::Pair { public, .. } => (public.fits(algorithm), public.kind()),
            Material::Secret(_) => (algorithm.is_symmetric(), "oct".to_owned()),
        };
        if !fits {
            return Err(KeyError::WrongKind { kid: self.kid.clone(), kty: kind, alg: name.to_owned() });
        }
        match &self.material {
            Material::Pair { public, .. } => match public.rsa_bits() {
                Some(bits) if bits < MIN_RSA_BITS => {
                    return Err(KeyError::RsaTooShort { kid: self.kid.clone(), bits });
                }
                _ => {}
            },
            Material::Secret(secret) if secret.len() < algorithm.hash_length() => {
                return Err(KeyError::SecretTooShort {
                    kid: self.kid.clone(),
                    length: secret.len(),
                    alg: algorithm.as_str(),
                    needed: algorithm.hash_length(),
                });
            }
            Material::Secret(_) => {}
        }
        Ok(algorithm)
    }

    /// Checks that the key is long enough for the algorithm that it names. One that names none, or another than those
    /// that sign, can be of any length, because it does not sign.
    pub fn check_length(&self) -> Result<(), KeyError> {
        match self.algorithm() {
            Err(short @ (KeyError::RsaTooShort { .. } | KeyError::SecretTooShort { .. })) => Err(short),
            _ => Ok(()),
        }
    }

    /// Whether what the key says about itself (`use`, `key_ops`) allows it to be used for signatures.
    pub fn check_purpose(&self) -> Result<(), KeyError> {
        check_purpose(&self.kid, self.key_use.as_deref(), &self.other)
    }

    /// Whether it is a shared secret, which has no public form.
    pub const fn is_symmetric(&self) -> bool {
        matches!(self.material, Material::Secret(_))
    }

    /// The public form, which a shared secret does not have.
    pub fn public(&self) -> Option<PublicJwk> {
        match &self.material {
            Material::Pair { public, .. } => Some(PublicJwk::new(self, public.clone())),
            Material::Secret(_) => None,
        }
    }

    /// Whether there is something to sign with: a private half, or a secret.
    pub const fn is_private(&self) -> bool {
        !matches!(self.material, Material::Pair { private: None, .. })
    }

    /// Whether it can sign: there is something to sign with, and nothing that it says about itself is against it.
    pub fn can_sign(&self) -> bool {
        self.is_private() && self.algorithm().is_ok() && self.check_purpose().is_ok()
    }

    /// Takes over what the same key says in another place, its private half among it.
    fn absorb(&mut self, mut same: Self) {
        if !self.is_private() && same.is_private() {
            std::mem::swap(self, &mut same);
        }
        self.alg = self.alg.take().or(same.alg);
        self.key_use = self.key_use.take().or(same.key_use);
        for (name, value) in same.other {
            self.other.entry(name).or_insert(value);
        }
    }

    /// The thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> String {
        match &self.material {
            Material::Pair { public, .. } => public.thumbprint(),
            Material::Secret(secret) => {
                let text = Zeroizing::new(format!(
                    r#"{{"k":"{}","kty":"oct"}}"#,
                    base64url::encode(secret.as_slice())
                ));
                base64url::encode(digest(&SHA256, text.as_bytes()))
            }
        }
    }

    /// The key as JSON, private members included, which must not be shown to anybody but the owner.
    pub fn to_private_json(&self) -> Value {
        let mut members = match &self.material {
            Material::Pair { public, private } => {
                let mut members = head(public.kty(), &self.kid, self.alg.as_deref(), self.key_use.as_deref());
                members.append(&mut public.members());
                if let Some(private) = private {
                    members.append(&mut private.members());
                }
                members
            }
            Material::Secret(secret) => {
                let mut members = head("oct", &self.kid, self.alg.as_deref(), self.key_use.as_deref());
                members.insert("k".into(), base64url::encode(secret.as_slice()).into());
                members
            }
        };
        members.append(&mut self.other.clone());
        Value::Object(members)
    }
}

/// The bytes of an object as JSON, which are counted and kept nowhere.
fn json_size(members: &Map<String, Value>) -> usize {
    struct Counted(usize);
    impl std::io::Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counted = Counted(0);
    // A JSON value can always be written, and nothing here refuses bytes.
    serde_json::to_writer(&mut counted, members).map_or(usize::MAX, |()| counted.0)
}

/// RFC 7517, sections 4.2 and 4.3.
fn check_purpose(kid: &str, key_use: Option<&str>, other: &Map<String, Value>) -> Result<(), KeyError> {
    if key_use.is_some_and(|key_use| key_use != "sig") {
        return Err(KeyError::ForEncryption(kid.to_owned()));
    }
    match other.get("key_ops") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(operations))
            if operations.iter().any(|operation| operation == "sign" || operation == "verify") =>
        {
            Ok(())
        }
        Some(_) => Err(KeyError::NotForSignatures(kid.to_owned())),
    }
}

fn head(kty: &str, kid: &str, alg: Option<&str>, key_use: Option<&str>) -> Map<String, Value> {
    let mut members = Map::new();
    let all = [("use", key_use), ("kty", Some(kty)), ("kid", Some(kid)), ("alg", alg)];
    for (name, value) in all {
        if let Some(value) = value {
            members.insert(name.into(), value.into());
        }
    }
    members
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk").field("kid", &self.kid).field("alg", &self.alg).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::generate;

    const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE","use":"sig","kid":"1"}"#;

    #[test]
    fn the_thumbprint_is_rfc_7638_s() {
        let key = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        let key = Jwk::parse(key.as_bytes()).unwrap();
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(key.algorithm(), Ok(Algorithm::Rs256));
    }

    #[test]
    fn a_public_form_holds_no_private_member() {
        let key = Jwk::parse(EC.as_bytes()).unwrap();
        let json = key.public().unwrap().to_json();
        assert!(json.get("d").is_none());
        assert_eq!(json["kid"], "1");
        assert_eq!(key.to_private_json()["d"], "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE");
        assert!(!format!("{key:?}").contains("870MB6"));
        let odd = Jwk::parse(EC.replace("\"use\"", "\"k\":\"c2VjcmV0\",\"use\"").as_bytes()).unwrap();
        assert!(odd.public().unwrap().to_json().get("k").is_none());
        let secret = Jwk::parse(br#"{"kty":"oct","k":"c2VjcmV0","kid":"s"}"#).unwrap();
        assert_eq!(secret.public(), None);
        assert!(JwkSet::new(vec![key, secret]).unwrap().public().keys().len() == 1);
    }

    #[test]
    fn what_a_key_says_about_itself_counts() {
        let key = |more: &str| Jwk::parse(EC.replace(r#""use":"sig""#, more).as_bytes()).unwrap();
        for good in [r#""use":"sig""#, r#""a":1"#, r#""key_ops":["sign"]"#, r#""key_ops":["x","verify"]"#] {
            assert_eq!(key(good).check_purpose(), Ok(()), "{good}");
        }
        assert!(matches!(key(r#""use":"enc""#).check_purpose(), Err(KeyError::ForEncryption(_))));
        for other in [r#""key_ops":["encrypt"]"#, r#""key_ops":[]"#, r#""key_ops":"sign""#] {
            assert!(matches!(key(other).check_purpose(), Err(KeyError::NotForSignatures(_))), "{other}");
        }
        let public = key(r#""key_ops":["sign"]"#).public().unwrap();
        assert_eq!(public.to_json()["key_ops"], json!(["verify"]));
    }

    #[test]
    fn each_fault_has_its_own_error() {
        let parse = |json: &str| Jwk::parse(json.as_bytes());
        assert_eq!(parse(EC).unwrap().algorithm(), Err(KeyError::NoAlgorithm("1".into())));
        let with = |alg: &str| {
            parse(&EC.replace("\"use\"", &format!("\"alg\":\"{alg}\",\"use\""))).unwrap().algorithm()
        };
        assert_eq!(with("ES256"), Ok(Algorithm::Es256));
        assert!(matches!(with("RS256"), Err(KeyError::WrongKind { .. })));
        assert!(matches!(with("ES384"), Err(KeyError::WrongKind { .. })));
        assert!(matches!(with("none"), Err(KeyError::UnknownAlgorithm(_))));
        assert!(matches!(parse(&EC.replace("P-256", "P-384")), Err(KeyError::BadMember { .. })));
        assert!(matches!(
            parse(&EC.replace("\"x\":\"M", "\"x\":\"=")),
            Err(KeyError::BadMember { member: "x", .. })
        ));
        assert!(matches!(
            parse(&EC.replace("\"kid\":\"1\"", "\"kid\":1")),
            Err(KeyError::BadMember { member: "kid", .. })
        ));
        assert!(matches!(parse(&EC.replace("\"kid\":\"1\"", "\"kty\":\"EC\"")), Err(KeyError::NotAKey(_))));
        let short = parse(r#"{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}"#).unwrap();
        assert!(matches!(short.algorithm(), Err(KeyError::SecretTooShort { length: 6, needed: 32, .. })));
        let rsa = parse(r#"{"kty":"RSA","n":"AQAB","e":"AQAB","alg":"RS256"}"#).unwrap();
        assert!(matches!(rsa.algorithm(), Err(KeyError::RsaTooShort { bits: 17, .. })));
        let long = format!(r#"{{"kty":"RSA","n":"AQAB","e":"{}"}}"#, "_".repeat(44));
        assert!(matches!(parse(&long), Err(KeyError::BadMember { member: "e", .. })));
    }

    #[test]
    fn nothing_of_a_key_is_longer_than_it_can_be_of_use() {
        let refused = |key: &Value| match Jwk::from_value(key.clone()) {
            Err(KeyError::BadMember { member, .. }) => member,
            Err(KeyError::NotAKey(problem)) if problem.contains("32768") => "all",
            other => panic!("{other:?}"),
        };
        let bytes = |count: usize| Value::from(base64url::encode(vec![0xff; count]));
        let rsa = generate::key(Algorithm::Rs256, None, 2048).unwrap().to_private_json();
        let ec: Value = serde_json::from_str(EC).unwrap();
        let okp = generate::key(Algorithm::EdDsa, None, 0).unwrap().to_private_json();
        let oct = json!({"kty": "oct", "k": bytes(MAX_SECRET_BYTES)});
        assert!(Jwk::from_value(oct.clone()).is_ok());
        let with = |key: &Value, member: &str, value: Value| {
            let mut key = key.clone();
            key[member] = value;
            key
        };
        for member in ["d", "p", "q", "dp", "dq", "qi"] {
            assert_eq!(refused(&with(&rsa, member, bytes(257))), member);
            assert_eq!(refused(&with(&rsa, member, bytes(60_000))), "all");
        }
        assert_eq!(refused(&with(&rsa, "n", bytes(MAX_RSA_BITS / 8 + 1))), "n");
        assert_eq!(refused(&with(&rsa, "n", bytes(60_000))), "all");
        for (key, member, length) in [
            (&ec, "x", 33),
            (&ec, "y", 33),
            (&ec, "d", 33),
            (&okp, "x", 33),
            (&okp, "d", 33),
            (&oct, "k", 4097),
        ] {
            assert_eq!(refused(&with(key, member, bytes(length))), member);
        }
        for (member, value) in [
            ("x5c", json!(["A".repeat(300_000)])),
            ("x5t", "A".repeat(300_000).into()),
            ("anything", json!({"else": vec![7; 20_000]})),
        ] {
            assert_eq!(refused(&with(&ec, member, value)), "all");
        }
        assert!(Jwk::from_value(with(&ec, "x5c", json!(["A".repeat(20_000)]))).is_ok());
        for member in ["kid", "alg", "use"] {
            for text in ["x".repeat(256), "a\u{202e}b".into(), "a\0b".into(), "\u{e0041}".into()] {
                assert_eq!(refused(&with(&ec, member, text.into())), member);
            }
        }
    }

    #[test]
    fn public_numbers_are_those_of_an_rsa_key() {
        let rsa = generate::key(Algorithm::Rs256, None, 2048).unwrap();
        let with = |member: &str, number: &[u8]| {
            let mut json = rsa.public().unwrap().to_json();
            json[member] = base64url::encode(number).into();
            Jwk::from_value(json).map(|key| key.thumbprint())
        };
        for e in [&[][..], &[0], &[1], &[0, 1], &[2], &[4], &[1, 0, 0]] {
            assert!(matches!(with("e", e), Err(KeyError::BadMember { member: "e", .. })), "{e:?}");
        }
        assert!(matches!(with("n", &[2; 256]), Err(KeyError::BadMember { member: "n", .. })));
        for e in [&[3][..], &[0, 3], &[17], &[1, 0, 1]] {
            assert!(with("e", e).is_ok(), "{e:?}");
        }
    }
}
