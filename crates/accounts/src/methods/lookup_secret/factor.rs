//! Printed codes as they are kept.

use serde::{Deserialize, Serialize};
use sessera_model::{CredentialKind, Random, Timestamp, is_same_secret};

use super::messages;
use crate::methods::second_factor::{Factor, Verdict};

/// How many printed codes a person gets.
const LOOKUP_SECRETS: usize = 12;

/// Printed codes.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct LookupSecrets {
    /// The codes.
    pub(super) recovery_codes: Vec<LookupSecret>,
}

/// A printed code.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct LookupSecret {
    /// The code itself. The store keeps it encrypted.
    pub(super) code: String,
    /// When it was used.
    #[serde(default)]
    pub(super) used_at: Option<Timestamp>,
}

impl LookupSecrets {
    /// New codes that are confirmed.
    pub(super) fn new(codes: Vec<String>) -> Self {
        let unused = |code| LookupSecret { code, used_at: None };
        Self { recovery_codes: codes.into_iter().map(unused).collect() }
    }

    /// New codes, each of eight letters and digits.
    pub(super) fn generate(random: &dyn Random) -> Vec<String> {
        let code = || random.token().to_ascii_lowercase().chars().take(8).collect();
        (0..LOOKUP_SECRETS).map(|_| code()).collect()
    }
}

impl Factor for LookupSecrets {
    const KIND: CredentialKind = CredentialKind::LookupSecret;

    fn check(&mut self, code: &str, now: Timestamp) -> Verdict {
        let code = code.trim().to_ascii_lowercase();
        let mut found = None;
        for secret in &mut self.recovery_codes {
            if is_same_secret(secret.code.as_bytes(), code.as_bytes()) {
                found = Some(secret);
            }
        }
        match found {
            Some(secret) if secret.used_at.is_none() => {
                secret.used_at = Some(now);
                Verdict::Right
            }
            Some(_) => Verdict::Wrong(messages::ALREADY_USED),
            None => Verdict::Wrong(messages::WRONG),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::SeededRandom;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn lookup() -> LookupSecrets {
        LookupSecrets::new(vec!["aaaaaaaa".into(), "bbbbbbbb".into()])
    }

    #[test]
    fn a_printed_code_works_once() {
        let mut codes = lookup();
        assert_eq!(codes.check(" AAAAAAAA ", NOW), Verdict::Right);
        assert_eq!(codes.check("aaaaaaaa", NOW), Verdict::Wrong(messages::ALREADY_USED));
        assert_eq!(codes.check("cccccccc", NOW), Verdict::Wrong(messages::WRONG));
        assert_eq!(codes.check("bbbbbbbb", NOW), Verdict::Right);
    }

    #[test]
    fn new_codes_are_twelve_different_ones() {
        let mut codes = LookupSecrets::generate(&SeededRandom::new(1));
        codes.sort();
        codes.dedup();
        assert_eq!(codes.len(), LOOKUP_SECRETS);
        assert!(codes.iter().all(|code| code.len() == 8));
    }
}
