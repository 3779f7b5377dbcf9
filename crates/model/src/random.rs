//! Where identifiers and secrets come from.

use std::cell::RefCell;
use std::sync::Mutex;

use aws_lc_rs::rand::SecureRandom;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);

    /// Random bytes for an id that is no secret. They may have lain in memory for a while, which those of a secret must
    /// not.
    fn for_id(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }
}

impl dyn Random + '_ {
    /// A random UUID (RFC 9562, version 4).
    pub fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// A random UUID (RFC 9562, version 4) for what is no secret and needs one very often, as the id of a token does.
    pub fn public_uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.for_id()).into_uuid()
    }

    /// 32 random characters of A-Z, a-z and 0-9 (190 bits).
    pub fn token(&self) -> String {
        const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        // The largest multiple of 62 in a byte is 248; values from there on would favour some characters.
        let mut token = String::with_capacity(32);
        while token.len() < 32 {
            let mut bytes = [0; 48];
            self.fill(&mut bytes);
            let accepted = bytes.iter().filter(|byte| **byte < 248);
            token.extend(
                accepted.map(|byte| char::from(ALPHABET[usize::from(byte % 62)])).take(32 - token.len()),
            );
        }
        token
    }

    /// `count` random bytes as base64url without padding.
    pub fn base64url(&self, count: usize) -> String {
        let mut bytes = vec![0; count];
        self.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A code of six decimal digits, each value equally likely.
    pub fn six_digits(&self) -> String {
        loop {
            let mut bytes = [0; 4];
            self.fill(&mut bytes);
            let value = u32::from_le_bytes(bytes);
            // This is the largest multiple of 10^6 in 32 bits.
            if value < 4_294_000_000 {
                return format!("{:06}", value % 1_000_000);
            }
        }
    }
}

/// The operating system's generator, through aws-lc-rs.
#[derive(Debug, Clone, Default)]
pub struct SystemRandom(aws_lc_rs::rand::SystemRandom);

/// For how many ids random bytes are asked for at once. To ask costs about as much as it takes to give the bytes of
/// thirty ids.
const IDS: usize = 32;

thread_local! {
    /// Random bytes for ids to come, and how many of them are left.
    static FOR_IDS: RefCell<([[u8; 16]; IDS], usize)> = const { RefCell::new(([[0; 16]; IDS], 0)) };
}

impl Random for SystemRandom {
    /// # Panics
    /// Panics when the operating system has no randomness to give, because nothing can be done safely then.
    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes).expect("the operating system provides randomness");
    }

    fn for_id(&self) -> [u8; 16] {
        FOR_IDS.with_borrow_mut(|(ids, left)| {
            if *left == 0 {
                self.fill(ids.as_flattened_mut());
                *left = IDS;
            }
            *left -= 1;
            ids[*left]
        })
    }
}

/// A generator that gives the same values in every run. It is for tests only.
#[derive(Debug)]
pub struct SeededRandom(Mutex<u64>);

impl SeededRandom {
    /// A generator that starts from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for byte in bytes {
            // A 64-bit linear congruential generator with Knuth's constants; the high byte is the best one.
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_comes_twice() {
        let random: &dyn Random = &SystemRandom::default();
        let ids: std::collections::HashSet<Uuid> = (0..10 * IDS).map(|_| random.public_uuid()).collect();
        assert_eq!(ids.len(), 10 * IDS);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }

    #[test]
    fn tokens_have_their_form() {
        let random: &dyn Random = &SystemRandom::default();
        let token = random.token();
        assert_eq!(token.len(), 32);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(token, random.token());
        assert!(random.six_digits().bytes().all(|b| b.is_ascii_digit()));
        assert_eq!(random.six_digits().len(), 6);
        assert_eq!(random.uuid().get_version_num(), 4);
        assert_eq!(random.base64url(32).len(), 43);
    }

    #[test]
    fn a_seed_repeats() {
        let (a, b): (&dyn Random, &dyn Random) = (&SeededRandom::new(7), &SeededRandom::new(7));
        assert_eq!(a.uuid(), b.uuid());
        assert_eq!(a.token(), b.token());
    }
}
