//! What keys consist of, which is the numbers of each kind (RFC 7518 section 6, RFC 8037), and how they are
//! read.

use aws_lc_rs::agreement;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, Ed25519KeyPair, KeyPair as _,
    ParsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::rsa::{Numbers, RsaPrivate, SecretBytes};
use crate::algorithm::Algorithm;
use crate::base64url;
use crate::error::KeyError;

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

    /// The number of bytes of a coordinate.
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

    /// How signatures are checked on the curve.
    pub(crate) fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &ECDSA_P256_SHA256_FIXED,
            Self::P384 => &ECDSA_P384_SHA384_FIXED,
            Self::P521 => &ECDSA_P521_SHA512_FIXED,
        }
    }

    /// The public half that belongs to a private one.
    pub(crate) fn public_of(self, scalar: &[u8]) -> Option<PublicKey> {
        let algorithm = match self {
            Self::P256 => &agreement::ECDH_P256,
            Self::P384 => &agreement::ECDH_P384,
            Self::P521 => &agreement::ECDH_P521,
        };
        let private = agreement::PrivateKey::from_private_key(algorithm, scalar).ok()?;
        let point = private.compute_public_key().ok()?;
        let (x, y) = point.as_ref().get(1..)?.split_at_checked(self.coordinate_length())?;
        Some(PublicKey::Ec { curve: self, x: x.to_vec(), y: y.to_vec() })
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.as_str() == name)
    }
}

/// The shortest RSA key that signs or verifies (RFC 7518, section 3.3).
pub const MIN_RSA_BITS: usize = 2048;

/// The longest RSA key that is read: the library signs and verifies with none that is longer.
pub const MAX_RSA_BITS: usize = 8192;

/// The longest public exponent in bytes (FIPS 186-5, appendix A.1.1). A longer one costs time and is of no use.
const MAX_RSA_EXPONENT: usize = 32;

/// The longest shared secret in bytes. Hashes have 64 at the most, and what is longer than their blocks is hashed before
/// it is used (RFC 2104).
pub const MAX_SECRET_BYTES: usize = 4096;

/// The public half of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// A point on a curve.
    Ec {
        /// The curve.
        curve: Curve,
        /// The first coordinate.
        x: Vec<u8>,
        /// The second coordinate.
        y: Vec<u8>,
    },
    /// An Ed25519 key.
    Ed25519 {
        /// The point.
        x: Vec<u8>,
    },
    /// An RSA key.
    Rsa {
        /// The modulus, without leading zeros.
        n: Vec<u8>,
        /// The exponent, without leading zeros.
        e: Vec<u8>,
    },
}

impl PublicKey {
    /// An RSA key of these numbers, which may begin with zeros, as long as they can be those of a key (RFC 8017, section
    /// 3.1).
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let (n, e) = (without_zeros(n), without_zeros(e));
        let bad = |member, problem| Err(KeyError::BadMember { member, problem });
        if n.len() * 8 > MAX_RSA_BITS {
            return bad("n", "has more than 8192 bits, the longest that can be used");
        }
        if e.len() > MAX_RSA_EXPONENT {
            return bad("e", "has more than 256 bits");
        }
        if !is_odd(n) {
            return bad("n", "must be an odd number, the product of two primes");
        }
        if !is_odd(e) || matches!(e, [1]) {
            return bad("e", "must be an odd number of 3 or more, such as AQAB (RFC 8017, section 3.1)");
        }
        Ok(Self::Rsa { n: n.to_vec(), e: e.to_vec() })
    }

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

    /// The bits of an RSA key's modulus. Other kinds of keys have none.
    pub fn rsa_bits(&self) -> Option<usize> {
        match self {
            Self::Rsa { n, .. } => {
                Some(n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize))
            }
            _ => None,
        }
    }

    /// The kind of the key and its curve, in words.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Ec { curve, .. } => format!("EC {}", curve.as_str()),
            Self::Ed25519 { .. } => "OKP Ed25519".into(),
            Self::Rsa { .. } => "RSA".into(),
        }
    }

    pub(super) fn members(&self) -> Map<String, Value> {
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

    pub(super) const fn kty(&self) -> &'static str {
        match self {
            Self::Ec { .. } => "EC",
            Self::Ed25519 { .. } => "OKP",
            Self::Rsa { .. } => "RSA",
        }
    }

    /// The thumbprint (RFC 7638), which is the SHA-256 of the required members in the order of their names.
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

/// What a key consists of.
#[derive(Clone, PartialEq, Eq)]
pub enum Material {
    /// A pair, whose private half may be absent.
    Pair {
        /// The public half.
        public: PublicKey,
        /// The private half.
        private: Option<PrivateKey>,
    },
    /// A shared secret.
    Secret(SecretBytes),
}

impl PrivateKey {
    pub(super) fn members(&self) -> Map<String, Value> {
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

/// Takes the members that a kind of key has out of an object.
struct Members<'a>(&'a mut Map<String, Value>);

impl Members<'_> {
    fn optional(&mut self, member: &'static str) -> Result<Option<SecretBytes>, KeyError> {
        match self.0.shift_remove(member) {
            None => Ok(None),
            Some(Value::String(text)) => {
                let text = Zeroizing::new(text);
                let problem = "must be base64url";
                base64url::decode_lenient(&text).map(Some).ok_or(KeyError::BadMember { member, problem })
            }
            Some(_) => Err(KeyError::BadMember { member, problem: "must be a string" }),
        }
    }

    fn required(&mut self, member: &'static str) -> Result<SecretBytes, KeyError> {
        self.optional(member)?.ok_or_else(|| missing(member))
    }

    /// A number without leading zeros.
    fn number(&mut self, member: &'static str) -> Result<Option<SecretBytes>, KeyError> {
        Ok(self.optional(member)?.map(|bytes| Zeroizing::new(without_zeros(&bytes).to_vec())))
    }

    fn text(&mut self, member: &'static str) -> Result<String, KeyError> {
        match self.0.shift_remove(member) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(KeyError::BadMember { member, problem: "must be a string" }),
            None => Err(missing(member)),
        }
    }
}

const fn missing(member: &'static str) -> KeyError {
    KeyError::BadMember { member, problem: "is missing" }
}

const fn wrong_length(member: &'static str) -> KeyError {
    KeyError::BadMember { member, problem: "does not have the length that its curve asks for" }
}

/// A big-endian number without leading zeros.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|byte| byte % 2 == 1)
}

/// A number of exactly this many bytes: programs leave out leading zeros, or write more of them.
fn of_length(member: &'static str, bytes: &[u8], length: usize) -> Result<SecretBytes, KeyError> {
    let significant = without_zeros(bytes);
    let missing = length.checked_sub(significant.len()).ok_or(wrong_length(member))?;
    let mut padded = Zeroizing::new(vec![0; missing]);
    padded.extend_from_slice(significant);
    Ok(padded)
}

impl Material {
    pub(super) fn take(kty: &str, members: &mut Map<String, Value>) -> Result<Self, KeyError> {
        let mut members = Members(members);
        match kty {
            "EC" => Self::take_ec(&mut members),
            "OKP" => Self::take_okp(&mut members),
            "RSA" => Self::take_rsa(&mut members),
            "oct" => Self::secret(members.required("k")?),
            other => Err(KeyError::NotAKey(format!(
                "keys of kind \"{}\" are not supported: use EC, OKP, RSA or oct",
                other.chars().take(16).collect::<String>()
            ))),
        }
    }

    /// A shared secret of these bytes.
    pub(crate) fn secret(bytes: SecretBytes) -> Result<Self, KeyError> {
        match bytes.len() {
            0 => Err(KeyError::BadMember { member: "k", problem: "is empty" }),
            1..=MAX_SECRET_BYTES => Ok(Self::Secret(bytes)),
            _ => Err(KeyError::BadMember {
                member: "k",
                problem: "has more than 4096 bytes: 64 random ones are as good as more",
            }),
        }
    }

    /// An RSA key of its public numbers and, where there are some, its private ones.
    pub(crate) fn rsa(n: &[u8], e: &[u8], private: Option<(SecretBytes, Numbers)>) -> Result<Self, KeyError> {
        let public = PublicKey::rsa(n, e)?;
        let complete = |(d, numbers): (_, Numbers)| numbers.complete(without_zeros(n), without_zeros(e), d);
        let private = private.map(complete).transpose()?;
        Ok(Self::Pair { public, private: private.map(|numbers| PrivateKey::Rsa(Box::new(numbers))) })
    }

    fn take_ec(members: &mut Members<'_>) -> Result<Self, KeyError> {
        let name = members.text("crv")?;
        let curve = Curve::parse(&name)
            .ok_or(KeyError::BadMember { member: "crv", problem: "must be P-256, P-384 or P-521" })?;
        let length = curve.coordinate_length();
        let (x, y) = (members.optional("x")?, members.optional("y")?);
        let d = members.optional("d")?.map(|d| of_length("d", &d, length)).transpose()?;
        let public = match (x, y, &d) {
            (Some(x), Some(y), _) => ec_point(curve, &x, &y)?,
            (None, None, Some(d)) => curve.public_of(d).ok_or_else(|| missing("x"))?,
            (x, _, _) => return Err(missing(if x.is_none() { "x" } else { "y" })),
        };
        Ok(Self::Pair { public, private: d.map(PrivateKey::Scalar) })
    }

    fn take_okp(members: &mut Members<'_>) -> Result<Self, KeyError> {
        if members.text("crv")? != "Ed25519" {
            return Err(KeyError::BadMember { member: "crv", problem: "must be Ed25519" });
        }
        // These are strings of bytes and not numbers, so their length is given.
        let mut take = |member| match members.optional(member)? {
            Some(bytes) if bytes.len() != 32 => Err(wrong_length(member)),
            bytes => Ok(bytes),
        };
        let (x, d) = (take("x")?, take("d")?);
        let x = match (x, &d) {
            (Some(x), _) => x.to_vec(),
            (None, Some(seed)) => {
                let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| missing("x"))?;
                pair.public_key().as_ref().to_vec()
            }
            (None, None) => return Err(missing("x")),
        };
        Ok(Self::Pair { public: PublicKey::Ed25519 { x }, private: d.map(PrivateKey::Scalar) })
    }

    fn take_rsa(members: &mut Members<'_>) -> Result<Self, KeyError> {
        let (n, e) = (members.required("n")?, members.required("e")?);
        if members.0.contains_key("oth") {
            return Err(KeyError::BadMember {
                member: "oth",
                problem: "is not supported: use a key of two primes",
            });
        }
        // Programs that do not know these numbers write them empty, which says nothing.
        let mut derived =
            |member| Ok::<_, KeyError>(members.number(member)?.filter(|bytes| !bytes.is_empty()));
        let numbers = Numbers {
            p: derived("p")?,
            q: derived("q")?,
            dp: derived("dp")?,
            dq: derived("dq")?,
            qi: derived("qi")?,
        };
        Self::rsa(&n, &e, members.number("d")?.map(|d| (d, numbers)))
    }
}

/// A point, its coordinates brought to the length of the field. That they were written at another length says
/// little, that they belong to another curve would be a fault.
fn ec_point(curve: Curve, x: &[u8], y: &[u8]) -> Result<PublicKey, KeyError> {
    let length = curve.coordinate_length();
    let (whole_x, whole_y) = (of_length("x", x, length)?.to_vec(), of_length("y", y, length)?.to_vec());
    let is_short = x.len() < length || y.len() < length;
    if is_short && ParsedPublicKey::new(curve.verification(), uncompressed(&whole_x, &whole_y)).is_err() {
        return Err(KeyError::BadMember {
            member: "x",
            problem: "and \"y\" are no point of the key's curve",
        });
    }
    Ok(PublicKey::Ec { curve, x: whole_x, y: whole_y })
}

/// Writes a point in uncompressed form (SEC 1, section 2.3.3).
pub(crate) fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    let mut point = Vec::with_capacity(1 + x.len() + y.len());
    point.push(4);
    point.extend_from_slice(x);
    point.extend_from_slice(y);
    point
}
