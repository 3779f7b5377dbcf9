//! Passwords that are known from breaches, as the service of haveibeenpwned.com counts them.
//!
//! The service learns the first five digits of the password's SHA-1 and no more: it answers with all hashes that begin
//! so, hundreds of them, padded so that the length of the answer tells nothing. Answers are kept for a while. Who asks
//! on the network stands outside of this crate ([`BreachSource`]).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sessera_config::reach::Addresses;
use sessera_model::Timestamp;
use sha1::{Digest as _, Sha1};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(1);

/// How many answers are kept. Each has some 40 KiB.
const MOST_KEPT: usize = 64;

/// How many digits of a hash the service learns.
const PREFIX: usize = 5;

/// Who asks the service.
#[async_trait]
pub trait BreachSource: Send + Sync {
    /// The answer of a host for hashes that begin with `prefix`: lines of the rest of a hash, a colon and how often its
    /// password was found. The host may have any of `addresses`. The error says why there is none.
    async fn range(&self, host: &str, prefix: &str, addresses: Addresses) -> Result<String, String>;
}

/// What the configuration says about passwords from breaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreachRules {
    /// The host of the service.
    pub host: String,
    /// Which addresses it may have.
    pub addresses: Addresses,
    /// In how many breaches a password may have been found.
    pub max_breaches: u64,
    /// Whether a password is taken when nobody can be asked.
    pub ignore_network_errors: bool,
}

/// A host, and the digits that it learns.
type Question = (String, String);

/// The service, with the answers that are kept.
pub struct Breaches {
    source: Arc<dyn BreachSource>,
    kept: Mutex<HashMap<Question, (Timestamp, Arc<str>)>>,
}

impl fmt::Debug for Breaches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaches").finish_non_exhaustive()
    }
}

impl Breaches {
    /// The service as `source` asks it.
    pub fn new(source: Arc<dyn BreachSource>) -> Self {
        Self { source, kept: Mutex::default() }
    }

    /// How often a password was found. The error says why nobody knows.
    pub async fn found(&self, rules: &BreachRules, password: &str, now: Timestamp) -> Result<u64, String> {
        let BreachRules { host, addresses, .. } = rules;
        let hash = hex::encode_upper(Sha1::digest(password.as_bytes()));
        let (prefix, rest) = hash.split_at(PREFIX);
        let answer = match self.known(host, prefix, now) {
            Some(answer) => answer,
            None => {
                let asked = tokio::time::timeout(PATIENCE, self.source.range(host, prefix, *addresses)).await;
                let answer: Arc<str> = asked.map_err(|_| "it did not answer in time".to_owned())??.into();
                self.keep(host, prefix, now, answer.clone());
                answer
            }
        };
        let count = answer.lines().find_map(|line| {
            let (suffix, count) = line.trim().split_once(':')?;
            suffix.eq_ignore_ascii_case(rest).then(|| count.trim().parse().unwrap_or(u64::MAX))
        });
        Ok(count.unwrap_or(0))
    }

    fn known(&self, host: &str, prefix: &str, now: Timestamp) -> Option<Arc<str>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, answer) = kept.get(&(host.to_owned(), prefix.to_owned()))?;
        (now < *at + KEPT).then(|| answer.clone())
    }

    fn keep(&self, host: &str, prefix: &str, now: Timestamp, answer: Arc<str>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert((host.to_owned(), prefix.to_owned()), (now, answer));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    /// A service that counts how often it is asked.
    #[derive(Default)]
    struct Stub(AtomicUsize);

    #[async_trait]
    impl BreachSource for Stub {
        async fn range(&self, host: &str, prefix: &str, _: Addresses) -> Result<String, String> {
            self.0.fetch_add(1, Ordering::Relaxed);
            match (host, prefix) {
                // SHA-1 of "password", and padding.
                ("good.example", "5BAA6") => {
                    Ok("0000000000000000000000000000000000A:0\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n".into())
                }
                ("good.example", _) => Ok("0000000000000000000000000000000000A:0\r\n".into()),
                ("silent.example", _) => std::future::pending().await,
                _ => Err("it is not there".into()),
            }
        }
    }

    fn at(host: &str) -> BreachRules {
        let (host, addresses) = (host.to_owned(), Addresses::Public);
        BreachRules { host, addresses, max_breaches: 0, ignore_network_errors: false }
    }

    #[tokio::test]
    async fn the_service_learns_five_digits_and_is_asked_once_an_hour() {
        let stub = Arc::new(Stub::default());
        let breaches = Breaches::new(stub.clone());
        for (now, asked) in [(NOW, 1), (NOW + Duration::from_mins(59), 1), (NOW + KEPT, 2)] {
            assert_eq!(breaches.found(&at("good.example"), "password", now).await, Ok(9_545_824));
            assert_eq!(stub.0.load(Ordering::Relaxed), asked);
        }
        assert_eq!(breaches.found(&at("good.example"), "Zx-long-enough-1234", NOW).await, Ok(0));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_service_that_does_not_answer() {
        let breaches = Breaches::new(Arc::new(Stub::default()));
        let silent = breaches.found(&at("silent.example"), "password", NOW).await;
        assert_eq!(silent, Err("it did not answer in time".into()));
        assert_eq!(breaches.found(&at("no.example"), "password", NOW).await, Err("it is not there".into()));
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded() {
        let breaches = Breaches::new(Arc::new(Stub::default()));
        for number in 0..200 {
            breaches.found(&at("good.example"), &number.to_string(), NOW).await.unwrap();
            assert!(breaches.kept.lock().unwrap().len() <= MOST_KEPT);
        }
    }
}
