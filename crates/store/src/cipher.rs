//! Encryption of stored values with AES-256-GCM under `secrets.cipher`.
//!
//! A sealed value is `version (1) | key id (4) | nonce (12) | ciphertext and tag`. What it belongs to
//! (table, column and row) is authenticated with it, so a value cannot be moved to another row.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use sessera_model::{Random, Secret};
use zeroize::Zeroizing;

use crate::error::StoreError;

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 12;
const HEAD: usize = 1 + KEY_ID + NONCE;

/// Encrypts under the first secret and decrypts under any.
pub struct Cipher {
    keys: Vec<CipherKey>,
}

struct CipherKey {
    id: [u8; KEY_ID],
    key: LessSafeKey,
}

/// What an HKDF output is used for.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Derives bytes from a secret for one use (RFC 5869).
fn derive<const N: usize>(secret: &Secret, purpose: &[u8]) -> Result<Zeroizing<[u8; N]>, StoreError> {
    let failed = |_| StoreError::Corrupt("a key could not be derived from a secret".into());
    let mut bytes = Zeroizing::new([0; N]);
    let pseudorandom = Salt::new(HKDF_SHA256, b"sessera").extract(secret.expose().as_bytes());
    pseudorandom.expand(&[purpose], Length(N)).and_then(|output| output.fill(&mut *bytes)).map_err(failed)?;
    Ok(bytes)
}

impl Cipher {
    /// Makes a cipher of these secrets. The first one encrypts, and all decrypt.
    pub fn new(secrets: &[Secret]) -> Result<Self, StoreError> {
        if secrets.is_empty() {
            return Err(StoreError::InvalidDsn(
                "secrets.cipher is empty: give at least one secret of 32 characters or more".into(),
            ));
        }
        let keys = secrets
            .iter()
            .map(|secret| {
                let key = derive::<32>(secret, b"storage encryption")?;
                let key = UnboundKey::new(&AES_256_GCM, &*key)
                    .map_err(|_| StoreError::Corrupt("a key could not be derived from a secret".into()))?;
                Ok(CipherKey {
                    id: *derive::<KEY_ID>(secret, b"storage key id")?,
                    key: LessSafeKey::new(key),
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Self { keys })
    }

    /// Encrypts a value that belongs to `place`.
    pub fn seal(&self, random: &dyn Random, place: &[u8], plain: &[u8]) -> Vec<u8> {
        let CipherKey { id, key } = &self.keys[0];
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(HEAD + plain.len() + AES_256_GCM.tag_len());
        sealed.push(VERSION);
        sealed.extend_from_slice(id);
        sealed.extend_from_slice(&nonce);
        let mut body = Zeroizing::new(plain.to_vec());
        let aad = Aad::from(place);
        if key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut *body).is_err() {
            // Only a value beyond 64 GiB is refused, which no caller can hold in memory.
            return Vec::new();
        }
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Whether a value was encrypted under the first secret.
    pub fn is_under_first(&self, sealed: &[u8]) -> bool {
        sealed.get(1..=KEY_ID) == Some(self.keys[0].id.as_slice())
    }

    /// Decrypts a value that belongs to `place`.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let damaged = || StoreError::Corrupt("an encrypted value is damaged".into());
        if sealed.len() < HEAD || sealed[0] != VERSION {
            return Err(damaged());
        }
        let (head, body) = sealed.split_at(HEAD);
        let (id, nonce) = head[1..].split_at(KEY_ID);
        let known = self.keys.iter().find(|key| key.id == id).ok_or(StoreError::WrongSecret)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut body = Zeroizing::new(body.to_vec());
        let length =
            known.key.open_in_place(nonce, Aad::from(place), &mut body).map_err(|_| damaged())?.len();
        body.truncate(length);
        Ok(body)
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cipher({} secrets)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::SystemRandom;

    fn cipher(secrets: &[&str]) -> Cipher {
        Cipher::new(&secrets.iter().map(|secret| Secret::new(*secret)).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_first_secret_encrypts_and_all_decrypt() {
        let random = SystemRandom::default();
        let sealed = cipher(&["old"]).seal(&random, b"keys/1", b"plain");
        assert!(!sealed.windows(5).any(|window| window == b"plain"));
        assert_eq!(cipher(&["new", "old"]).open(b"keys/1", &sealed).unwrap().as_slice(), b"plain");
        assert!(matches!(cipher(&["new"]).open(b"keys/1", &sealed), Err(StoreError::WrongSecret)));
        assert!(!cipher(&["new", "old"]).is_under_first(&sealed));
        let resealed = cipher(&["new", "old"]).seal(&random, b"keys/1", b"plain");
        assert!(cipher(&["new", "old"]).is_under_first(&resealed));
        assert_eq!(cipher(&["new"]).open(b"keys/1", &resealed).unwrap().as_slice(), b"plain");
    }

    #[test]
    fn a_value_belongs_to_its_place() {
        let cipher = cipher(&["secret"]);
        let mut sealed = cipher.seal(&SystemRandom::default(), b"keys/1", b"plain");
        assert!(matches!(cipher.open(b"keys/2", &sealed), Err(StoreError::Corrupt(_))));
        *sealed.last_mut().unwrap() ^= 1;
        assert!(matches!(cipher.open(b"keys/1", &sealed), Err(StoreError::Corrupt(_))));
        assert!(cipher.open(b"keys/1", b"").is_err());
        assert!(Cipher::new(&[]).is_err());
    }
}
