//! A key that is ready to sign.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use serde_json::json;

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::error::KeyError;
use crate::jwk::{Curve, Jwk, JwkSet, Material, PrivateKey, PublicJwk, PublicKey, uncompressed};

/// The private half of a key, wherever it is kept. It signs, and nobody sees it.
pub trait SigningKey: Send + Sync + fmt::Debug {
    /// The public half with its id and algorithm. A shared secret has none.
    fn public(&self) -> Option<&PublicJwk>;

    /// The signature over the signing input as it stands in a token (RFC 7518, section 3), not encoded yet.
    /// The call blocks until it is there.
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Whether a signature waits for something outside of this process.
    fn is_remote(&self) -> bool {
        false
    }
}

/// A key that is ready to sign, because it was parsed and checked.
#[derive(Debug)]
pub struct Signer {
    algorithm: Algorithm,
    /// The algorithm as the key names it.
    alg: String,
    kid: String,
    key: Arc<dyn SigningKey>,
}

/// A key in the memory of this process.
struct LocalKey {
    kid: String,
    public: Option<PublicJwk>,
    key: Key,
}

enum Key {
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Hmac(Box<hmac::Key>),
}

impl Signer {
    /// The signer of a set: its [signing key](JwkSet::signing_key).
    pub fn of_set(set: &JwkSet) -> Result<Self, KeyError> {
        Self::new(set.signing_key().or_else(|| set.keys().first()).ok_or(KeyError::EmptySet)?)
    }

    /// Makes a signer of this key.
    pub fn new(jwk: &Jwk) -> Result<Self, KeyError> {
        let kid = jwk.kid().to_owned();
        jwk.check_purpose()?;
        let algorithm = jwk.algorithm()?;
        let inconsistent = || KeyError::Inconsistent(kid.clone());
        let key = match jwk.material() {
            Material::Secret(secret) => {
                Key::Hmac(Box::new(hmac::Key::new(hmac_algorithm(algorithm), secret)))
            }
            Material::Pair { private: None, .. } => return Err(KeyError::PublicOnly(kid)),
            Material::Pair { public, private: Some(private) } => match (public, private) {
                (PublicKey::Ec { curve, x, y }, PrivateKey::Scalar(d)) => {
                    let signing = match curve {
                        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
                        Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
                    };
                    let point = uncompressed(x, y);
                    EcdsaKeyPair::from_private_key_and_public_key(signing, d, &point)
                        .map(Key::Ec)
                        .map_err(|_| inconsistent())?
                }
                (PublicKey::Ed25519 { x }, PrivateKey::Scalar(seed)) => {
                    Ed25519KeyPair::from_seed_and_public_key(seed, x)
                        .map(Key::Ed25519)
                        .map_err(|_| inconsistent())?
                }
                (PublicKey::Rsa { n, e }, PrivateKey::Rsa(rsa)) => {
                    let components = KeyPairComponents {
                        public_key: PublicKeyComponents { n: n.as_slice(), e: e.as_slice() },
                        d: rsa.d.as_slice(),
                        p: rsa.p.as_slice(),
                        q: rsa.q.as_slice(),
                        dP: rsa.dp.as_slice(),
                        dQ: rsa.dq.as_slice(),
                        qInv: rsa.qi.as_slice(),
                    };
                    let pair = RsaKeyPair::from_components(&components).map_err(|_| inconsistent())?;
                    Key::Rsa(Box::new(pair), rsa_encoding(algorithm))
                }
                _ => return Err(inconsistent()),
            },
        };
        // The key has an algorithm, because the line above would have failed otherwise.
        let alg = jwk.alg().unwrap_or_default().to_owned();
        let local = LocalKey { kid: kid.clone(), public: jwk.public(), key };
        Ok(Self { algorithm, alg, kid, key: Arc::new(local) })
    }

    /// Makes a signer of a key that has a public half, wherever the private half is kept.
    pub fn of_key(key: Arc<dyn SigningKey>) -> Result<Self, KeyError> {
        let public = key.public().ok_or(KeyError::EmptySet)?;
        let kid = public.kid().to_owned();
        let alg = public.alg().ok_or_else(|| KeyError::NoAlgorithm(kid.clone()))?.to_owned();
        Ok(Self { algorithm: alg.parse()?, alg, kid, key })
    }

    /// Whether a signature waits for something outside of this process.
    pub fn is_remote(&self) -> bool {
        self.key.is_remote()
    }

    /// The key that it signs with.
    pub fn key(&self) -> Arc<dyn SigningKey> {
        self.key.clone()
    }

    /// The algorithm of its signatures.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The id of its key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The header of its tokens, `{"alg","kid","typ"}`, as base64url and with the dot behind it.
    ///
    /// The algorithm is named as the key names it, because verifiers look for the key that names the same
    /// one. With `template` the header has a member of that name, which verifiers may ignore (RFC 7515,
    /// section 4.3).
    pub fn encoded_header(&self, typ: &str, template: Option<&str>) -> String {
        let mut header = json!({ "alg": self.alg, "kid": self.kid, "typ": typ });
        if let Some(template) = template {
            header["template"] = template.into();
        }
        format!("{}.", base64url::encode(header.to_string()))
    }

    /// Makes a token of a signing input (RFC 7515, section 5.1), which `token` holds: appends a dot and the signature as
    /// base64url. The signature is made over what `token` held before.
    ///
    /// A key in this process fails only when the library refuses to sign, which it does not do for a key that
    /// was checked. A key elsewhere may be [unavailable](KeyError::Unavailable).
    pub fn sign(&self, token: &mut String) -> Result<(), KeyError> {
        let signature = self.key.sign(token.as_bytes())?;
        token.push('.');
        base64url::encode_into(signature, token);
        Ok(())
    }

    /// Signs a payload and returns the token in compact form.
    pub fn sign_compact(&self, typ: &str, payload: &[u8]) -> Result<String, KeyError> {
        let mut token = self.encoded_header(typ, None);
        base64url::encode_into(payload, &mut token);
        self.sign(&mut token)?;
        Ok(token)
    }
}

impl SigningKey for LocalKey {
    fn public(&self) -> Option<&PublicJwk> {
        self.public.as_ref()
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::Inconsistent(self.kid.clone());
        Ok(match &self.key {
            Key::Ec(pair) => pair.sign(&SystemRandom::new(), input).map_err(failed)?.as_ref().to_vec(),
            Key::Ed25519(pair) => pair.try_sign(input).map_err(failed)?.as_ref().to_vec(),
            Key::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), input, &mut signature).map_err(failed)?;
                signature
            }
            Key::Hmac(key) => hmac::sign(key, input).as_ref().to_vec(),
        })
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

pub(crate) const fn hmac_algorithm(algorithm: Algorithm) -> hmac::Algorithm {
    match algorithm.hash_length() {
        32 => hmac::HMAC_SHA256,
        48 => hmac::HMAC_SHA384,
        _ => hmac::HMAC_SHA512,
    }
}

fn rsa_encoding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::Ps256 => &RSA_PSS_SHA256,
        Algorithm::Ps384 => &RSA_PSS_SHA384,
        Algorithm::Ps512 => &RSA_PSS_SHA512,
        Algorithm::Rs384 => &RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        _ => &RSA_PKCS1_SHA256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_is_rfc_7515_appendix_a_1() {
        let key = Jwk::parse(br#"{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#).unwrap();
        let input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let mut token = input.to_owned();
        Signer::new(&key).unwrap().sign(&mut token).unwrap();
        assert_eq!(&token[input.len()..], ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn ed25519_is_rfc_8037_appendix_a_4() {
        let key = Jwk::parse(br#"{"kty":"OKP","crv":"Ed25519","alg":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#).unwrap();
        let mut token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned();
        Signer::new(&key).unwrap().sign(&mut token).unwrap();
        assert_eq!(
            token.rsplit('.').next().unwrap(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn tokens_name_the_algorithm_as_their_key_does() {
        for alg in ["EdDSA", "Ed25519"] {
            let key = format!(
                r#"{{"kty":"OKP","crv":"Ed25519","alg":"{alg}","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}"#
            );
            let set = JwkSet::new(vec![Jwk::parse(key.as_bytes()).unwrap()]).unwrap();
            let token = Signer::of_set(&set).unwrap().sign_compact("JWT", b"{}").unwrap();
            let verified = crate::verify::verify(&token, &set.public()).unwrap();
            assert_eq!(verified.header["alg"], alg);
        }
    }

    #[test]
    fn what_cannot_sign_is_refused() {
        let ec = |extra: &str| {
            Jwk::parse(format!(r#"{{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","kid":"1","alg":"ES256"{extra}}}"#).as_bytes()).unwrap()
        };
        let d = r#","d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE""#;
        assert!(Signer::new(&ec(d)).is_ok());
        assert_eq!(Signer::new(&ec("")).err(), Some(KeyError::PublicOnly("1".into())));
        assert_eq!(Signer::new(&ec(r#","use":"enc""#)).err(), Some(KeyError::ForEncryption("1".into())));
        let other = r#","d":"970MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE""#;
        assert_eq!(Signer::new(&ec(other)).err(), Some(KeyError::Inconsistent("1".into())));
        assert_eq!(Signer::of_set(&JwkSet::default()).err(), Some(KeyError::EmptySet));
        let other = crate::generate::key(Algorithm::Es256, Some("2".into()), 0).unwrap();
        let set = JwkSet::new(vec![ec(""), other]).unwrap();
        assert_eq!(Signer::of_set(&set).unwrap().kid(), "2", "the first key that can sign");
    }
}
