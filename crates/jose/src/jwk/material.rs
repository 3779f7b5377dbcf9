//! What keys consist of, which is the numbers of each kind (RFC 7518 section 6, RFC 8037), and how they are
//! read.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

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

    fn parse(name: &str) -> Option<Self> {
        [Self::P256, Self::P384, Self::P521].into_iter().find(|curve| curve.as_str() == name)
    }
}

/// The shortest RSA key that signs or verifies (RFC 7518, section 3.3).
pub const MIN_RSA_BITS: usize = 2048;

/// Private bytes, which are wiped when dropped.
pub type SecretBytes = Zeroizing<Vec<u8>>;

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

/// The private numbers of an RSA key (RFC 7518, section 6.3.2).
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPrivate {
    /// The private exponent.
    pub d: SecretBytes,
    /// The first prime.
    pub p: SecretBytes,
    /// The second prime.
    pub q: SecretBytes,
    /// The private exponent modulo p - 1.
    pub dp: SecretBytes,
    /// The private exponent modulo q - 1.
    pub dq: SecretBytes,
    /// The inverse of q modulo p.
    pub qi: SecretBytes,
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

    /// Reads bytes of exactly this length.
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

/// Takes bytes that are public and need no wiping.
fn plain(bytes: &SecretBytes) -> Vec<u8> {
    bytes.to_vec()
}

/// Reads a big-endian number and drops its leading zeros.
fn number(bytes: &SecretBytes) -> Vec<u8> {
    bytes.iter().copied().skip_while(|byte| *byte == 0).collect()
}

impl Material {
    pub(super) fn take(kty: &str, members: &mut Map<String, Value>) -> Result<Self, KeyError> {
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
