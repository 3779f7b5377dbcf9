//! Second factors as they are kept: an authenticator app and printed codes.
//!
//! Whoever changes one of them commits it together with a new version of its identity
//! ([`Change::UpdateIdentity`]): of two requests at the same time only one goes through, so a code
//! works once and no attempt goes uncounted.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessera_model::credential::CredentialConfig;
use sessera_model::{Credential, CredentialKind, Identity, Random, Timestamp};
use sessera_store::{Change, records::CredentialOf};

use crate::flows::totp::TotpSecret;
use crate::messages::{Message, MessageId};

/// How many wrong codes within [`WINDOW`] lock a factor.
const MAX_FAILURES: usize = 5;

/// For how long a wrong code counts.
const WINDOW: Duration = Duration::from_mins(10);

/// How many printed codes a person gets.
pub const LOOKUP_SECRETS: usize = 12;

/// An authenticator app.
#[derive(Clone, Serialize, Deserialize)]
pub struct Totp {
    /// The address that the app has read, with the shared secret in it.
    pub totp_url: String,
    /// The last step whose code was used.
    #[serde(default)]
    last_step: Option<i64>,
    #[serde(default)]
    failures: Vec<Timestamp>,
}

/// Printed codes.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct LookupSecrets {
    /// The codes.
    pub recovery_codes: Vec<LookupSecret>,
    #[serde(default)]
    failures: Vec<Timestamp>,
}

/// A printed code.
#[derive(Clone, Serialize, Deserialize)]
pub struct LookupSecret {
    /// The code itself. The store keeps it encrypted.
    pub code: String,
    /// When it was used.
    #[serde(default)]
    pub used_at: Option<Timestamp>,
}

/// What became of a code.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It was right, and is used now.
    Right,
    /// It was not; the message says why.
    Wrong(Message),
}

/// A second factor as it is kept in a credential.
pub trait Factor: Serialize + for<'de> Deserialize<'de> {
    /// The kind of its credential.
    const KIND: CredentialKind;

    /// Checks a code and remembers that it was tried.
    fn check(&mut self, code: &str, now: Timestamp) -> Verdict;

    /// The factor among an identity's credentials.
    fn among(credentials: &[Credential]) -> Option<Self> {
        let credential = credentials.iter().find(|credential| credential.kind == Self::KIND)?;
        serde_json::from_value(credential.config.expose().clone()).ok()
    }

    /// The changes that keep it, under a new version of its identity.
    fn keep(&self, identity: &Identity, credentials: &[Credential], now: Timestamp) -> Vec<Change> {
        vec![Change::UpdateIdentity(identity.clone()), self.credential(identity, credentials, now)]
    }

    /// The change that keeps it; the caller commits a new version of the identity with it.
    fn credential(&self, identity: &Identity, credentials: &[Credential], now: Timestamp) -> Change {
        let known = credentials.iter().find(|credential| credential.kind == Self::KIND);
        let credential = Credential {
            kind: Self::KIND,
            identifiers: vec![identity.id.to_string()],
            // Texts, numbers and times always have a JSON form.
            config: CredentialConfig::from(serde_json::to_value(self).unwrap_or_default()),
            version: 0,
            created_at: known.map_or(now, |known| known.created_at),
            updated_at: now,
        };
        Change::PutCredential(CredentialOf { identity_id: identity.id, credential })
    }
}

impl Totp {
    /// A newly set up app. `step` is the one whose code proved it; that code is used.
    pub const fn new(totp_url: String, step: i64) -> Self {
        Self { totp_url, last_step: Some(step), failures: Vec::new() }
    }
}

impl Factor for Totp {
    const KIND: CredentialKind = CredentialKind::Totp;

    fn check(&mut self, code: &str, now: Timestamp) -> Verdict {
        if let Some(locked) = lock(&mut self.failures, now) {
            return Verdict::Wrong(locked);
        }
        let step = TotpSecret::from_url(&self.totp_url)
            .and_then(|secret| secret.step_of(code.trim(), now, self.last_step));
        if let Some(step) = step {
            self.last_step = Some(step);
            self.failures.clear();
            Verdict::Right
        } else {
            self.failures.push(now);
            Verdict::Wrong(MessageId::TotpWrong.into())
        }
    }
}

impl LookupSecrets {
    /// New codes that are confirmed.
    pub fn new(codes: Vec<String>) -> Self {
        let unused = |code| LookupSecret { code, used_at: None };
        Self { recovery_codes: codes.into_iter().map(unused).collect(), failures: Vec::new() }
    }

    /// New codes, each of eight letters and digits.
    pub fn generate(random: &dyn Random) -> Vec<String> {
        let code = || random.token().to_ascii_lowercase().chars().take(8).collect();
        (0..LOOKUP_SECRETS).map(|_| code()).collect()
    }
}

impl Factor for LookupSecrets {
    const KIND: CredentialKind = CredentialKind::LookupSecret;

    fn check(&mut self, code: &str, now: Timestamp) -> Verdict {
        if let Some(locked) = lock(&mut self.failures, now) {
            return Verdict::Wrong(locked);
        }
        let code = code.trim().to_ascii_lowercase();
        let mut found = None;
        for secret in &mut self.recovery_codes {
            if aws_lc_rs::constant_time::verify_slices_are_equal(secret.code.as_bytes(), code.as_bytes())
                .is_ok()
            {
                found = Some(secret);
            }
        }
        match found {
            Some(secret) if secret.used_at.is_none() => {
                secret.used_at = Some(now);
                self.failures.clear();
                Verdict::Right
            }
            used => {
                let message =
                    if used.is_some() { MessageId::LookupAlreadyUsed } else { MessageId::LookupWrong };
                self.failures.push(now);
                Verdict::Wrong(message.into())
            }
        }
    }
}

/// Forgets old failures. What is to be said when there are too many recent ones.
fn lock(failures: &mut Vec<Timestamp>, now: Timestamp) -> Option<Message> {
    failures.retain(|at| *at + WINDOW > now);
    let first = failures.first().filter(|_| failures.len() >= MAX_FAILURES)?;
    Some(Message::too_many_attempts((*first + WINDOW).since(now)))
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
        assert_eq!(codes.check("aaaaaaaa", NOW), Verdict::Wrong(MessageId::LookupAlreadyUsed.into()));
        assert_eq!(codes.check("cccccccc", NOW), Verdict::Wrong(MessageId::LookupWrong.into()));
        assert_eq!(codes.check("bbbbbbbb", NOW), Verdict::Right);
    }

    #[test]
    fn five_wrong_codes_lock_the_factor_for_a_while() {
        let mut codes = lookup();
        for second in 0..5 {
            let now = NOW + Duration::from_secs(second);
            assert_eq!(codes.check("x", now), Verdict::Wrong(MessageId::LookupWrong.into()));
        }
        let Verdict::Wrong(locked) = codes.check("aaaaaaaa", NOW + Duration::from_secs(5)) else {
            panic!("a locked factor took a code")
        };
        assert_eq!(locked.id, MessageId::TooManyAttempts);
        assert_eq!(codes.check("aaaaaaaa", NOW + WINDOW), Verdict::Right);
    }

    #[test]
    fn an_app_s_code_works_once() {
        let secret = TotpSecret::generate(&SeededRandom::new(1));
        let url = secret.to_url("Example", "ada");
        let step = NOW.seconds() / 30;
        let code_of = |wanted: i64| {
            (0..1_000_000)
                .map(|code| format!("{code:06}"))
                .find(|code| secret.step_of(code, NOW, Some(wanted - 1)) == Some(wanted))
        };
        let code = code_of(step).expect("some code is right");
        assert_eq!(
            Totp::new(url.clone(), step).check(&code, NOW),
            Verdict::Wrong(MessageId::TotpWrong.into())
        );
        let mut app = Totp::new(url, step - 1);
        assert_eq!(app.check(&code, NOW), Verdict::Right);
        assert_eq!(app.check(&code, NOW), Verdict::Wrong(MessageId::TotpWrong.into()));
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
