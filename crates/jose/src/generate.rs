//! Making keys.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::error::KeyError;
use crate::import::der_key;
use crate::jwk::{Jwk, Material};

/// Bits of an RSA key when nothing else is asked for.
pub const DEFAULT_RSA_BITS: usize = 4096;

/// Makes a key for an algorithm with the operating system's randomness. Without an id it gets its
/// thumbprint as id. `rsa_bits` counts for RSA algorithms only.
///
/// ```
/// use sessera_jose::{Algorithm, generate};
/// let key = generate::key(Algorithm::Es256, None, generate::DEFAULT_RSA_BITS)?;
/// assert_eq!(key.kid(), key.thumbprint());
/// # Ok::<(), sessera_jose::KeyError>(())
/// ```
pub fn key(algorithm: Algorithm, kid: Option<String>, rsa_bits: usize) -> Result<Jwk, KeyError> {
    let random = SystemRandom::new();
    let failed = |_| KeyError::Generation;
    let ec = |signing| {
        let document = EcdsaKeyPair::generate_pkcs8(signing, &random).map_err(failed)?;
        der_key(document.as_ref())
    };
    let material = match algorithm {
        Algorithm::Es256 => ec(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
        Algorithm::Es384 => ec(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
        Algorithm::Es512 => ec(&ECDSA_P521_SHA512_FIXED_SIGNING)?,
        Algorithm::EdDsa => {
            let document = Ed25519KeyPair::generate_pkcs8v1(&random).map_err(failed)?;
            der_key(document.as_ref())?
        }
        Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
            let mut secret = Zeroizing::new(vec![0; algorithm.hash_length()]);
            random.fill(&mut secret).map_err(failed)?;
            Material::Secret(secret)
        }
        _ => {
            let size = match rsa_bits {
                2048 => KeySize::Rsa2048,
                3072 => KeySize::Rsa3072,
                4096 => KeySize::Rsa4096,
                8192 => KeySize::Rsa8192,
                other => return Err(KeyError::BadSize(other)),
            };
            let pair = RsaKeyPair::generate(size).map_err(failed)?;
            let document: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
            der_key(document.as_ref())?
        }
    };
    Ok(Jwk::new(material, Some(algorithm), kid.filter(|kid| !kid.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwk::JwkSet;
    use crate::sign::Signer;
    use crate::verify::verify_with_secrets;

    #[test]
    fn every_algorithm_signs_and_verifies_with_a_key_made_for_it() {
        for algorithm in Algorithm::ALL {
            let made = key(algorithm, Some("k".into()), 2048).unwrap();
            // The key goes through JSON and back, as it does when it is stored.
            let read = Jwk::parse(made.to_private_json().to_string().as_bytes()).unwrap();
            assert_eq!(read, made, "{algorithm}");
            let set = JwkSet::new(vec![read]).unwrap();
            let token = Signer::of_set(&set).unwrap().sign_compact("JWT", b"{}").unwrap();
            let verified = verify_with_secrets(&token, &set).unwrap();
            assert_eq!(verified.header["alg"], algorithm.as_str());
            assert_eq!(verified.kid, "k");
            assert_eq!(set.public().keys().len(), usize::from(!algorithm.is_symmetric()));
        }
    }

    #[test]
    fn odd_sizes_are_refused() {
        assert_eq!(key(Algorithm::Rs256, None, 1024), Err(KeyError::BadSize(1024)));
    }
}
