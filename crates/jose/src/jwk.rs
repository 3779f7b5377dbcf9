//! Keys and sets of them (RFC 7517, RFC 7518 section 6, RFC 8037).

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::error::KeyError;
use crate::strict_json;

/// An elliptic curve for ECDSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

impl Curve {
    /// The name in a key (`crv`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Bytes of a coordinate.
    pub const fn coordinate_length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The algorithm that goes with the curve.
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.as_str() == name)
    }
}

/// The shortest RSA key that signs or verifies (RFC 7518, section 3.3).
pub const MIN_RSA_BITS: usize = 2048;

/// Private bytes, wiped when dropped.
pub type SecretBytes = Zeroizing<Vec<u8>>;

/// The public half of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// A point on a curve.
    Ec {
        /// The curve.
        curve: Curve,
        /// First coordinate.
        x: Vec<u8>,
        /// Second coordinate.
        y: Vec<u8>,
    },
    /// An Ed25519 key.
    Ed25519 {
        /// The point.
        x: Vec<u8>,
    },
    /// An RSA key.
    Rsa {
        /// Modulus, without leading zeros.
        n: Vec<u8>,
        /// Exponent, without leading zeros.
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// Whether it can be used with an algorithm.
    pub const fn fits(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Ec { curve, .. } => matches!(
                (curve, algorithm),
                (Curve::P256, Algorithm::Es256)
                    | (Curve::P384, Algorithm::Es384)
                    | (Curve::P521, Algorithm::Es512)
            ),
            Self::Ed25519 { .. } => matches!(algorithm, Algorithm::EdDsa),
            Self::Rsa { .. } => algorithm.is_rsa(),
        }
    }

    /// Bits of the modulus of an RSA key; other kinds have none.
    pub fn rsa_bits(&self) -> Option<usize> {
        match self {
            Self::Rsa { n, .. } => {
                Some(n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize))
            }
            _ => None,
        }
    }

    /// Its kind and curve in words.
    fn kind(&self) -> String {
        match self {
            Self::Ec { curve, .. } => format!("EC {}", curve.as_str()),
            Self::Ed25519 { .. } => "OKP Ed25519".into(),
            Self::Rsa { .. } => "RSA".into(),
        }
    }

    fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let mut set = |name: &str, value: String| {
            members.insert(name.into(), value.into());
        };
        match self {
            Self::Ec { curve, x, y } => {
                set("crv", curve.as_str().into());
                set("x", base64url::encode(x));
                set("y", base64url::encode(y));
            }
            Self::Ed25519 { x } => {
                set("crv", "Ed25519".into());
                set("x", base64url::encode(x));
            }
            Self::Rsa { n, e } => {
                set("n", base64url::encode(n));
                set("e", base64url::encode(e));
            }
        }
        members
    }

    const fn kty(&self) -> &'static str {
        match self {
            Self::Ec { .. } => "EC",
            Self::Ed25519 { .. } => "OKP",
            Self::Rsa { .. } => "RSA",
        }
    }

    /// The thumbprint (RFC 7638): SHA-256 of the required members in the order of their names.
    pub fn thumbprint(&self) -> String {
        let text = match self {
            Self::Ec { curve, x, y } => format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                curve.as_str(),
                base64url::encode(x),
                base64url::encode(y)
            ),
            Self::Ed25519 { x } => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(x))
            }
            Self::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, base64url::encode(e), base64url::encode(n))
            }
        };
        base64url::encode(digest(&SHA256, text.as_bytes()))
    }
}

/// The private half of a key.
#[derive(Clone, PartialEq, Eq)]
pub enum PrivateKey {
    /// The scalar of an EC key or the seed of an Ed25519 key.
    Scalar(SecretBytes),
    /// The private numbers of an RSA key.
    Rsa(Box<RsaPrivate>),
}

/// The private numbers of an RSA key (RFC 7518, section 6.3.2).
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPrivate {
    /// Private exponent.
    pub d: SecretBytes,
    /// First prime.
    pub p: SecretBytes,
    /// Second prime.
    pub q: SecretBytes,
    /// d mod (p - 1).
    pub dp: SecretBytes,
    /// d mod (q - 1).
    pub dq: SecretBytes,
    /// Inverse of q mod p.
    pub qi: SecretBytes,
}

/// What a key consists of.
#[derive(Clone, PartialEq, Eq)]
pub enum Material {
    /// A pair, its private half perhaps absent.
    Pair {
        /// The public half.
        public: PublicKey,
        /// The private half.
        private: Option<PrivateKey>,
    },
    /// A shared secret.
    Secret(SecretBytes),
}

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
    /// A key for signing. Without an id it gets its thumbprint.
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

    /// Parses a key. Duplicate members are refused.
    pub fn parse(json: &[u8]) -> Result<Self, KeyError> {
        let value = strict_json::parse(json).map_err(KeyError::NotAKey)?;
        Self::from_value(value)
    }

    /// From a JSON value.
    pub fn from_value(value: Value) -> Result<Self, KeyError> {
        let Value::Object(mut members) = value else {
            return Err(KeyError::NotAKey("a JSON object was expected".into()));
        };
        let mut text = |name: &'static str| match members.shift_remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
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

    /// What the key is for: `sig`, `enc` or unsaid.
    pub fn key_use(&self) -> Option<&str> {
        self.key_use.as_deref()
    }

    /// What the key consists of.
    pub const fn material(&self) -> &Material {
        &self.material
    }

    /// The same with another id.
    #[must_use]
    pub fn with_kid(mut self, kid: impl Into<String>) -> Self {
        self.kid = kid.into();
        self
    }

    /// The same with an algorithm where it names none.
    #[must_use]
    pub fn with_default_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.alg.get_or_insert_with(|| algorithm.as_str().to_owned());
        self
    }

    /// The same with another use.
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

    /// Whether the key may be used for signatures: what it says about itself (`use`, `key_ops`) allows it.
    pub fn check_purpose(&self) -> Result<(), KeyError> {
        check_purpose(&self.kid, self.key_use.as_deref(), &self.other)
    }

    /// Whether it is a shared secret, which has no public form.
    pub const fn is_symmetric(&self) -> bool {
        matches!(self.material, Material::Secret(_))
    }

    /// The public form; a shared secret has none.
    pub fn public(&self) -> Option<PublicJwk> {
        match &self.material {
            Material::Pair { public, .. } => {
                let mut other = self.other.clone();
                other.retain(|name, _| !PRIVATE.contains(&name.as_str()));
                // The private half signs, its public half verifies.
                if let Some(Value::Array(operations)) = other.get_mut("key_ops")
                    && operations.iter().any(|operation| operation == "sign")
                {
                    *operations = vec!["verify".into()];
                }
                Some(PublicJwk {
                    kid: self.kid.clone(),
                    alg: self.alg.clone(),
                    key_use: self.key_use.clone(),
                    key: public.clone(),
                    other,
                })
            }
            Material::Secret(_) => None,
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

    /// The key as JSON, private members included. Handle with care.
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

/// Members that are private in any kind of key. Where one stands that its kind does not ask for, it is
/// kept for its owner and shown to nobody else.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

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

impl PrivateKey {
    fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        let mut set = |name: &str, value: &SecretBytes| {
            members.insert(name.into(), base64url::encode(value.as_slice()).into());
        };
        match self {
            Self::Scalar(d) => set("d", d),
            Self::Rsa(rsa) => {
                set("d", &rsa.d);
                set("p", &rsa.p);
                set("q", &rsa.q);
                set("dp", &rsa.dp);
                set("dq", &rsa.dq);
                set("qi", &rsa.qi);
            }
        }
        members
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk").field("kid", &self.kid).field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// Takes the members that a kind of key has out of an object.
struct Members<'a>(&'a mut Map<String, Value>);

impl Members<'_> {
    fn optional(&mut self, member: &'static str) -> Result<Option<SecretBytes>, KeyError> {
        match self.0.shift_remove(member) {
            None => Ok(None),
            Some(Value::String(text)) => {
                let text = Zeroizing::new(text);
                let bytes = base64url::decode(&text);
                let problem = "must be base64url without padding";
                bytes.map(|bytes| Some(Zeroizing::new(bytes))).ok_or(KeyError::BadMember { member, problem })
            }
            Some(_) => Err(KeyError::BadMember { member, problem: "must be a string" }),
        }
    }

    fn required(&mut self, member: &'static str) -> Result<SecretBytes, KeyError> {
        self.optional(member)?.ok_or(KeyError::BadMember { member, problem: "is missing" })
    }

    /// Bytes of exactly this length.
    fn exact(&mut self, member: &'static str, length: usize) -> Result<SecretBytes, KeyError> {
        let bytes = self.required(member)?;
        checked_length(member, bytes, length)
    }

    fn text(&mut self, member: &'static str) -> Result<String, KeyError> {
        match self.0.shift_remove(member) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(KeyError::BadMember { member, problem: "must be a string" }),
            None => Err(KeyError::BadMember { member, problem: "is missing" }),
        }
    }
}

fn checked_length(member: &'static str, bytes: SecretBytes, length: usize) -> Result<SecretBytes, KeyError> {
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(KeyError::BadMember { member, problem: "does not have the length that its curve asks for" })
    }
}

/// Public bytes need no wiping.
fn plain(bytes: &SecretBytes) -> Vec<u8> {
    bytes.to_vec()
}

/// A big-endian number without leading zeros.
fn number(bytes: &SecretBytes) -> Vec<u8> {
    bytes.iter().copied().skip_while(|byte| *byte == 0).collect()
}

impl Material {
    fn take(kty: &str, members: &mut Map<String, Value>) -> Result<Self, KeyError> {
        let mut members = Members(members);
        match kty {
            "EC" => {
                let name = members.text("crv")?;
                let curve = Curve::parse(&name)
                    .ok_or(KeyError::BadMember { member: "crv", problem: "must be P-256, P-384 or P-521" })?;
                let length = curve.coordinate_length();
                let x = plain(&members.exact("x", length)?);
                let y = plain(&members.exact("y", length)?);
                let d = members.optional("d")?.map(|d| checked_length("d", d, length)).transpose()?;
                Ok(Self::Pair { public: PublicKey::Ec { curve, x, y }, private: d.map(PrivateKey::Scalar) })
            }
            "OKP" => {
                if members.text("crv")? != "Ed25519" {
                    return Err(KeyError::BadMember { member: "crv", problem: "must be Ed25519" });
                }
                let x = plain(&members.exact("x", 32)?);
                let d = members.optional("d")?.map(|d| checked_length("d", d, 32)).transpose()?;
                Ok(Self::Pair { public: PublicKey::Ed25519 { x }, private: d.map(PrivateKey::Scalar) })
            }
            "RSA" => Self::take_rsa(&mut members),
            "oct" => {
                let secret = members.required("k")?;
                if secret.is_empty() {
                    return Err(KeyError::BadMember { member: "k", problem: "is empty" });
                }
                Ok(Self::Secret(secret))
            }
            other => Err(KeyError::NotAKey(format!(
                "keys of kind \"{}\" are not supported: use EC, OKP, RSA or oct",
                other.chars().take(16).collect::<String>()
            ))),
        }
    }

    fn take_rsa(members: &mut Members<'_>) -> Result<Self, KeyError> {
        let (n, e) = (number(&members.required("n")?), number(&members.required("e")?));
        if n.is_empty() || e.is_empty() {
            return Err(KeyError::BadMember { member: "n", problem: "and \"e\" must not be zero" });
        }
        if members.0.contains_key("oth") {
            return Err(KeyError::BadMember {
                member: "oth",
                problem: "is not supported: use a key of two primes",
            });
        }
        let private = match members.optional("d")? {
            None => None,
            Some(d) => Some(PrivateKey::Rsa(Box::new(RsaPrivate {
                d,
                p: members.required("p")?,
                q: members.required("q")?,
                dp: members.required("dp")?,
                dq: members.required("dq")?,
                qi: members.required("qi")?,
            }))),
        };
        Ok(Self::Pair { public: PublicKey::Rsa { n, e }, private })
    }
}

/// A public key. It has no place for a private member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicJwk {
    kid: String,
    alg: Option<String>,
    key_use: Option<String>,
    key: PublicKey,
    other: Map<String, Value>,
}

impl PublicJwk {
    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm that the key names.
    pub fn alg(&self) -> Option<&str> {
        self.alg.as_deref()
    }

    /// What the key is for.
    pub fn key_use(&self) -> Option<&str> {
        self.key_use.as_deref()
    }

    /// Whether the key may be used for signatures: what it says about itself (`use`, `key_ops`) allows it.
    pub fn check_purpose(&self) -> Result<(), KeyError> {
        check_purpose(&self.kid, self.key_use.as_deref(), &self.other)
    }

    /// The key itself.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The key as JSON.
    pub fn to_json(&self) -> Value {
        let mut members = head(self.key.kty(), &self.kid, self.alg.as_deref(), self.key_use.as_deref());
        members.append(&mut self.key.members());
        members.append(&mut self.other.clone());
        Value::Object(members)
    }
}

impl Serialize for PublicJwk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

/// A set of keys in the order of their owner, private members included.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JwkSet {
    keys: Vec<Jwk>,
}

impl JwkSet {
    /// A set of these keys. Two keys with the same id are refused.
    pub fn new(keys: Vec<Jwk>) -> Result<Self, KeyError> {
        for (at, key) in keys.iter().enumerate() {
            if keys[..at].iter().any(|other| other.kid == key.kid) {
                return Err(KeyError::DuplicateKid(key.kid.clone()));
            }
        }
        Ok(Self { keys })
    }

    /// Parses `{"keys":[...]}`. Duplicate members are refused.
    pub fn parse(json: &[u8]) -> Result<Self, KeyError> {
        Self::from_value(strict_json::parse(json).map_err(KeyError::NotAKeySet)?)
    }

    /// Parses `{"keys":[...]}` as somebody who only verifies: keys of kinds that are not known here are
    /// left out and returned as errors (RFC 7517, section 5), because others may understand them.
    pub fn parse_known(json: &[u8]) -> Result<(Self, Vec<KeyError>), KeyError> {
        let value = strict_json::parse(json).map_err(KeyError::NotAKeySet)?;
        let (mut keys, mut left_out) = (Vec::new(), Vec::new());
        for key in key_list(value)? {
            match Jwk::from_value(key) {
                Ok(key) => keys.push(key),
                Err(error) => left_out.push(error),
            }
        }
        Ok((Self::new(keys)?, left_out))
    }

    /// From a JSON value `{"keys":[...]}`.
    pub fn from_value(value: Value) -> Result<Self, KeyError> {
        Self::new(key_list(value)?.into_iter().map(Jwk::from_value).collect::<Result<_, _>>()?)
    }

    /// The keys in the order of their owner.
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The key with this id.
    pub fn find(&self, kid: &str) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.kid == kid)
    }

    /// The public forms of all keys that have one.
    pub fn public(&self) -> PublicJwkSet {
        PublicJwkSet { keys: self.keys.iter().filter_map(Jwk::public).collect() }
    }

    /// The set as JSON, private members included. Handle with care.
    pub fn to_private_json(&self) -> Value {
        json!({ "keys": self.keys.iter().map(Jwk::to_private_json).collect::<Vec<_>>() })
    }
}

fn key_list(set: Value) -> Result<Vec<Value>, KeyError> {
    let keys = match set {
        Value::Object(mut members) => members.shift_remove("keys"),
        _ => None,
    };
    match keys {
        Some(Value::Array(keys)) => Ok(keys),
        _ => Err(KeyError::NotAKeySet("an object with the member \"keys\", an array, was expected".into())),
    }
}

/// A set of public keys. It has no place for a private member.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PublicJwkSet {
    keys: Vec<PublicJwk>,
}

impl PublicJwkSet {
    /// A set of these keys.
    pub const fn new(keys: Vec<PublicJwk>) -> Self {
        Self { keys }
    }

    /// The keys.
    pub fn keys(&self) -> &[PublicJwk] {
        &self.keys
    }

    /// The key with this id.
    pub fn find(&self, kid: &str) -> Option<&PublicJwk> {
        self.keys.iter().find(|key| key.kid == kid)
    }
}

impl Serialize for PublicJwkSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("keys", &self.keys)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn a_set_keeps_the_owner_s_order() {
        let set =
            JwkSet::parse(br#"{"keys":[{"kty":"oct","k":"YQ","kid":"b"},{"kty":"oct","k":"Yg","kid":"a"}]}"#)
                .unwrap();
        assert_eq!(set.keys().iter().map(Jwk::kid).collect::<Vec<_>>(), ["b", "a"]);
        assert!(matches!(
            JwkSet::parse(br#"{"keys":[{"kty":"oct","k":"YQ","kid":"b"},{"kty":"oct","k":"Yg","kid":"b"}]}"#),
            Err(KeyError::DuplicateKid(_))
        ));
        assert!(matches!(JwkSet::parse(b"{\"keys\":[],\"keys\":[]}"), Err(KeyError::NotAKeySet(_))));
        for text in ["{", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[1]}"] {
            assert!(JwkSet::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(JwkSet::parse(b"{\"keys\":[]}").unwrap().keys().len(), 0);
    }

    #[test]
    fn verifiers_leave_out_keys_of_unknown_kinds() {
        let set = format!(r#"{{"keys":[{{"kty":"OKP","crv":"X25519","x":"AA","kid":"x"}},{EC}]}}"#);
        assert!(JwkSet::parse(set.as_bytes()).is_err());
        let (known, left_out) = JwkSet::parse_known(set.as_bytes()).unwrap();
        assert_eq!(known.keys().iter().map(Jwk::kid).collect::<Vec<_>>(), ["1"]);
        assert_eq!(left_out.len(), 1);
        assert!(matches!(JwkSet::parse_known(b"[]"), Err(KeyError::NotAKeySet(_))));
    }
}
