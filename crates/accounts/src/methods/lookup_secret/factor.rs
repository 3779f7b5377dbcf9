//! Printed codes as they are kept.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sessera_model::{Credential, CredentialKind, Random, Timestamp, is_same_secret};

use super::messages;
use crate::methods::second_factor::{Factor, Verdict};

/// How many printed codes a person gets.
const LOOKUP_SECRETS: usize = 12;

/// How many codes a person can have with those that were imported, and how long one may be, in bytes.
const MAX_SECRETS: usize = 256;
const MAX_CODE_BYTES: usize = 128;

/// Printed codes.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct LookupSecrets {
    /// The codes.
    pub(super) recovery_codes: Vec<PrintedCode>,
}

/// A printed code.
#[derive(Clone, Serialize, Deserialize)]
pub struct PrintedCode {
    /// The code itself. The store keeps it encrypted.
    pub code: String,
    /// When it was used.
    #[serde(default)]
    pub used_at: Option<Timestamp>,
}

/// The credential of somebody who has brought printed codes along, beside those that they have among `credentials`. The
/// error says why they cannot be imported.
pub(crate) fn imported(credentials: &[Credential], codes: Vec<PrintedCode>) -> Result<Value, &'static str> {
    let mut secrets = LookupSecrets::among(credentials).unwrap_or_default();
    for new in codes {
        let is_blank_around = new.code.trim().len() < new.code.len();
        if is_blank_around || new.code.is_empty() || new.code.len() > MAX_CODE_BYTES {
            return Err("a code has 1 to 128 bytes and no blanks around it");
        }
        if !secrets
            .recovery_codes
            .iter()
            .any(|known| is_same_secret(known.code.as_bytes(), new.code.as_bytes()))
        {
            secrets.recovery_codes.push(new);
        }
        if secrets.recovery_codes.len() > MAX_SECRETS {
            return Err("a person can have 256 printed codes at the most");
        }
    }
    // Texts and times always have a JSON form.
    Ok(serde_json::to_value(secrets).unwrap_or_default())
}

impl LookupSecrets {
    /// New codes that are confirmed.
    pub(super) fn new(codes: Vec<String>) -> Self {
        let unused = |code| PrintedCode { code, used_at: None };
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
        // Those that are made here have no capitals; those that were imported may.
        let (typed, lower) = (code.trim(), code.trim().to_ascii_lowercase());
        let is = |secret: &PrintedCode, code: &str| is_same_secret(secret.code.as_bytes(), code.as_bytes());
        let mut found = None;
        for secret in &mut self.recovery_codes {
            if is(secret, typed) | is(secret, &lower) {
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

    fn brought(codes: &[&str]) -> Vec<PrintedCode> {
        codes.iter().map(|code| PrintedCode { code: (*code).to_owned(), used_at: None }).collect()
    }

    #[test]
    fn codes_are_imported_beside_those_that_are_there() {
        let known = Credential {
            kind: CredentialKind::LookupSecret,
            identifiers: Vec::new(),
            config: serde_json::to_value(lookup()).unwrap().into(),
            version: 0,
            created_at: NOW,
            updated_at: NOW,
        };
        let config = imported(&[known], brought(&["bbbbbbbb", "Capital-1"])).unwrap();
        let mut codes: LookupSecrets = serde_json::from_value(config).unwrap();
        assert_eq!(codes.recovery_codes.len(), 3);
        assert_eq!(codes.check("capital-1", NOW), Verdict::Wrong(messages::WRONG));
        assert_eq!(codes.check("Capital-1", NOW), Verdict::Right);
        assert_eq!(codes.check("AAAAAAAA", NOW), Verdict::Right);
    }

    #[test]
    fn codes_that_nobody_could_type_and_too_many_are_refused() {
        for code in ["", " ", "a ", &"x".repeat(MAX_CODE_BYTES + 1)] {
            assert!(imported(&[], brought(&[code])).is_err(), "{code:?}");
        }
        let many: Vec<String> = (0..=MAX_SECRETS).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(imported(&[], brought(&many[1..])).is_ok());
        assert!(imported(&[], brought(&many)).is_err());
    }
}
