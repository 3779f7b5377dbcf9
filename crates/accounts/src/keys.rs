//! Keyed hashes for what a client holds and must not be able to make: form tokens, logout tokens,
//! codes; and for counters, whose names tell nothing. The keys come from `secrets.cookie`: the first of these secrets makes
//! hashes, and each of them verifies, so that a secret can be changed while hashes of the one before are out.

use std::fmt;

use aws_lc_rs::hmac;
use sessera_model::{Secret, is_same_secret};

/// What a keyed hash is for. A hash made for one purpose is worth nothing for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The token in a browser's form.
    Csrf,
    /// The token in a logout address.
    Logout,
    /// A code by e-mail.
    Code,
    /// The name of a counter against abuse.
    Counter,
    /// The cookie of somebody at the console.
    Console,
    /// The token in a form of the console.
    ConsoleForm,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Csrf => b"sessera csrf v1",
            Self::Logout => b"sessera logout v1",
            Self::Code => b"sessera code v1",
            Self::Counter => b"sessera counter v1",
            Self::Console => b"sessera console v1",
            Self::ConsoleForm => b"sessera console form v1",
        }
    }
}

/// The keys.
#[derive(Clone)]
pub struct Keys(Vec<hmac::Key>);

impl Keys {
    /// From the secrets of the configuration, the first of which makes. Without any, nothing verifies.
    pub fn new(secrets: &[Secret]) -> Self {
        let key = |secret: &Secret| hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
        Self(secrets.iter().map(key).collect())
    }

    /// The keyed hash of some parts.
    pub fn make(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = [0; 32];
        if let Some(key) = self.0.first() {
            hash.copy_from_slice(signed(key, purpose, parts).as_ref());
        }
        hash
    }

    /// Whether a keyed hash is that of these parts, in constant time for each key.
    pub fn verify(&self, purpose: Purpose, parts: &[&[u8]], hash: &[u8]) -> bool {
        self.0.iter().any(|key| is_same_secret(signed(key, purpose, parts).as_ref(), hash))
    }
}

fn signed(key: &hmac::Key, purpose: Purpose, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(purpose.label());
    for part in parts {
        // Lengths keep parts apart: ("ab", "c") and ("a", "bc") have different hashes.
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    context.sign()
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_makes_and_all_verify() {
        let old = Keys::new(&["old".into()]);
        let both = Keys::new(&["new".into(), "old".into()]);
        let hash = old.make(Purpose::Code, &[b"1", b"2"]);
        assert!(both.verify(Purpose::Code, &[b"1", b"2"], &hash));
        assert!(!old.verify(Purpose::Code, &[b"1", b"2"], &both.make(Purpose::Code, &[b"1", b"2"])));
    }

    #[test]
    fn purposes_and_parts_are_kept_apart() {
        let keys = Keys::new(&["secret".into()]);
        let hash = keys.make(Purpose::Csrf, &[b"ab", b"c"]);
        assert!(!keys.verify(Purpose::Logout, &[b"ab", b"c"], &hash));
        assert!(!keys.verify(Purpose::Csrf, &[b"a", b"bc"], &hash));
        assert!(!keys.verify(Purpose::Csrf, &[b"ab", b"c"], &hash[..31]));
    }

    #[test]
    fn without_a_secret_nothing_verifies() {
        let none = Keys::new(&[]);
        assert!(!none.verify(Purpose::Csrf, &[b"a"], &none.make(Purpose::Csrf, &[b"a"])));
    }
}
