//! The bounded pool in which all hashing happens.
//!
//! Hashing takes tens of milliseconds and megabytes on purpose. As many run at once as there are
//! cores, some more wait, and the rest is sent away: a burst of sign-ins then can neither take all
//! memory nor starve requests that need no password.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sessera_model::Random;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{HashAlgorithm, PasswordError, StoredHash, check_characters, normalised};

/// How many may wait for each one that runs. With the default parameters the last one waits for about
/// a second.
const WAITING_PER_WORKER: usize = 32;

/// The memory that one place in the pool stands for. Imported hashes that need more take more places,
/// up to the whole pool, so the memory in use stays bounded.
const KIB_PER_WORKER: u32 = 64 * 1024;

/// The bounded pool in which all hashing happens.
pub struct PasswordHashing {
    /// Places of those that run.
    workers: Arc<Semaphore>,
    /// Places of those that run or wait.
    queue: Arc<Semaphore>,
    worker_count: u32,
    /// How many ran since the start.
    jobs: AtomicU64,
    random: Arc<dyn Random>,
}

/// What checking a password against a stored hash has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It is another password, or there is no stored hash.
    Mismatch,
    /// It is the password.
    Match {
        /// The stored hash is weaker than what is configured now: hash the password again and store
        /// that.
        needs_upgrade: bool,
    },
}

impl PasswordHashing {
    /// A pool with one worker for each core.
    pub fn new(random: Arc<dyn Random>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::with_workers(random, u32::try_from(cores).unwrap_or(1))
    }

    /// A pool with this many workers.
    pub fn with_workers(random: Arc<dyn Random>, workers: u32) -> Self {
        let worker_count = workers.clamp(1, 1024);
        let places = worker_count as usize;
        Self {
            workers: Arc::new(Semaphore::new(places)),
            queue: Arc::new(Semaphore::new(places * (1 + WAITING_PER_WORKER))),
            worker_count,
            jobs: AtomicU64::new(0),
            random,
        }
    }

    /// How many are being hashed or hold a place for it now, and how many wait.
    pub fn in_use(&self) -> (usize, usize) {
        let workers = self.worker_count as usize;
        let running = workers - self.workers.available_permits().min(workers);
        let all = workers * (1 + WAITING_PER_WORKER);
        let inside = all - self.queue.available_permits().min(all);
        (running, inside.saturating_sub(running))
    }

    /// How many hashes were worked out since the start, to store or to check a password.
    pub fn jobs(&self) -> u64 {
        self.jobs.load(Ordering::Relaxed)
    }

    /// Hashes a password with a new salt. The result is the text to store.
    ///
    /// Whatever way a new password comes in, it is judged here: what is hashed can be typed again.
    pub async fn hash(&self, algorithm: HashAlgorithm, password: &str) -> Result<String, PasswordError> {
        check_characters(password)?;
        self.hash_any(algorithm, &normalised(password)).await
    }

    async fn hash_any(&self, algorithm: HashAlgorithm, password: &str) -> Result<String, PasswordError> {
        algorithm.check_length(password)?;
        let mut salt = [0; 16];
        self.random.fill(&mut salt);
        let password = zeroize::Zeroizing::new(password.to_owned());
        self.run(algorithm.memory_kib(), move || algorithm.hash(&password, salt).map(|hash| hash.to_text()))
            .await
    }

    /// Checks a password against the stored hash of the one who signs in; `None` when there is nobody
    /// of that name or there is no password. Whatever becomes of it, a hash as configured is worked out,
    /// so that time does not tell who has an account.
    ///
    /// A password is tried in its one form, and as it was typed where that differs: hashes from elsewhere may have been
    /// made so.
    pub async fn verify(
        &self,
        algorithm: HashAlgorithm,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Verification, PasswordError> {
        let one_form = zeroize::Zeroizing::new(normalised(password));
        let outcome = self.verify_as_it_is(algorithm, &one_form, stored).await?;
        if outcome == Verification::Mismatch && *one_form != password {
            return self.verify_as_it_is(algorithm, password, stored).await;
        }
        Ok(outcome)
    }

    async fn verify_as_it_is(
        &self,
        algorithm: HashAlgorithm,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Verification, PasswordError> {
        let stored = stored.and_then(readable).filter(|stored| stored.takes(password));
        let is_worked_out = stored.as_ref().is_some_and(|stored| !algorithm.improves(stored));
        if let Some(stored) = stored {
            let needs_upgrade = !is_worked_out && algorithm.takes(password);
            let password = zeroize::Zeroizing::new(password.to_owned());
            if self.run(stored.memory_kib(), move || stored.matches(&password)).await? {
                return Ok(Verification::Match { needs_upgrade });
            }
        }
        if !is_worked_out {
            self.hash_any(algorithm, if algorithm.takes(password) { password } else { "" }).await?;
        }
        Ok(Verification::Mismatch)
    }

    /// Runs `work` on a thread for blocking work once there is a place.
    async fn run<T: Send + 'static>(
        &self,
        memory_kib: u32,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let waiting = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let places = memory_kib.div_ceil(KIB_PER_WORKER).clamp(1, self.worker_count);
        let running = Arc::clone(&self.workers).acquire_many_owned(places).await;
        let running = running.map_err(|error| PasswordError::Internal(error.to_string()))?;
        self.jobs.fetch_add(1, Ordering::Relaxed);
        // The work cannot be stopped, so the places go back when it ends, not when its caller leaves.
        let places: [OwnedSemaphorePermit; 2] = [waiting, running];
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(places);
            result
        });
        done.await.map_err(|error| PasswordError::Internal(format!("hashing failed: {error}")))?
    }
}

/// A stored hash. One that cannot be read opens nothing, and nobody but the log is told that it is there.
fn readable(stored: &str) -> Option<StoredHash> {
    StoredHash::parse(stored)
        .inspect_err(|error| tracing::error!(%error, "a stored password cannot be read, so it opens nothing"))
        .ok()
}

impl std::fmt::Debug for PasswordHashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordHashing").field("workers", &self.worker_count).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sessera_model::SeededRandom;

    use super::*;

    const CHEAP: HashAlgorithm = HashAlgorithm::Argon2id { memory_kib: 64, iterations: 1, parallelism: 1 };

    fn pool() -> PasswordHashing {
        PasswordHashing::with_workers(Arc::new(SeededRandom::new(1)), 1)
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let pool = pool();
        let hash = pool.hash(CHEAP, "correct horse").await.unwrap();
        assert_ne!(hash, pool.hash(CHEAP, "correct horse").await.unwrap(), "every hash has its own salt");
        let verify = |password| pool.verify(CHEAP, password, Some(&hash));
        assert_eq!(verify("correct horse").await, Ok(Verification::Match { needs_upgrade: false }));
        assert_eq!(verify("battery staple").await, Ok(Verification::Mismatch));
        assert_eq!(verify(&"x".repeat(5000)).await, Ok(Verification::Mismatch));
        assert_eq!(pool.verify(CHEAP, "correct horse", None).await, Ok(Verification::Mismatch));
    }

    #[tokio::test]
    async fn a_hash_is_upgraded_only_when_the_password_fits_the_new_algorithm() {
        let pool = pool();
        let bcrypt = HashAlgorithm::Bcrypt { cost: 4 };
        for (password, needs_upgrade) in [("short".to_owned(), true), ("x".repeat(73), false)] {
            let hash = pool.hash(CHEAP, &password).await.unwrap();
            let verification = pool.verify(bcrypt, &password, Some(&hash)).await;
            assert_eq!(verification, Ok(Verification::Match { needs_upgrade }));
        }
        let too_long = pool.hash(bcrypt, &"x".repeat(73)).await;
        assert_eq!(too_long, Err(PasswordError::TooLong { max: 72, actual: 73 }));
        assert_eq!(pool.verify(bcrypt, &"x".repeat(73), None).await, Ok(Verification::Mismatch));
    }

    #[tokio::test]
    async fn a_password_is_judged_alike_whatever_way_it_comes_in() {
        let pool = pool();
        for password in ["abc\0defghijk1", "line\nbreak-12345", "tab\tulator-12345", "escape\u{1b}-12345"] {
            assert_eq!(
                pool.hash(CHEAP, password).await,
                Err(PasswordError::ControlCharacter),
                "{password:?}"
            );
            assert_eq!(pool.verify(CHEAP, password, None).await, Ok(Verification::Mismatch));
        }
        let (composed, decomposed) = ("Zx-l\u{e9}ng-1234", "Zx-le\u{301}ng-1234");
        for (set, typed) in [(composed, decomposed), (decomposed, composed)] {
            let hash = pool.hash(CHEAP, set).await.unwrap();
            for typed in [set, typed] {
                assert_ne!(pool.verify(CHEAP, typed, Some(&hash)).await, Ok(Verification::Mismatch));
            }
        }
        // A hash from elsewhere, of a text that nobody normalised.
        let elsewhere = pool.hash_any(CHEAP, decomposed).await.unwrap();
        assert_ne!(pool.verify(CHEAP, decomposed, Some(&elsewhere)).await, Ok(Verification::Mismatch));
    }

    /// Counts the salts that are made, one for each hash.
    #[derive(Default)]
    struct Salts(std::sync::atomic::AtomicUsize);

    impl Random for Salts {
        fn fill(&self, bytes: &mut [u8]) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            bytes.fill(7);
        }
    }

    #[tokio::test]
    async fn whatever_is_tried_one_hash_as_configured_is_worked_out() {
        let salts = Arc::new(Salts::default());
        let pool = PasswordHashing::with_workers(salts.clone(), 1);
        let made = || salts.0.load(std::sync::atomic::Ordering::Relaxed);
        let bcrypt = HashAlgorithm::Bcrypt { cost: 4 };
        let stored = [
            None,
            Some("$md5$A7vNQ/III7Xt969UTs81AQ==".to_owned()),
            Some("$1$salt$of-no-known-notation".to_owned()),
            Some(String::new()),
            Some(pool.hash(CHEAP, "correct horse").await.unwrap()),
            Some(pool.hash(bcrypt, "correct horse").await.unwrap()),
        ];
        let long = |bytes| "x".repeat(bytes);
        let tried = [long(0), "wrong".into(), "wr\0ng".into(), long(72), long(73), long(1024), long(1025)];
        for algorithm in [CHEAP, bcrypt] {
            for (stored, tried) in
                stored.iter().flat_map(|stored| tried.iter().map(move |tried| (stored, tried)))
            {
                let parsed = stored.as_deref().and_then(|stored| StoredHash::parse(stored).ok());
                // A stored hash that is as strong and takes the password is the one that is worked out.
                let is_checked =
                    parsed.is_some_and(|parsed| parsed.takes(tried) && !algorithm.improves(&parsed));
                let before = made();
                let verification = pool.verify(algorithm, tried, stored.as_deref()).await;
                assert_eq!(verification, Ok(Verification::Mismatch));
                let case = (algorithm, stored, tried.len());
                assert_eq!(made() - before + usize::from(is_checked), 1, "{case:?}");
            }
        }
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_sent_away() {
        let pool = pool();
        let all = pool.queue.available_permits();
        let taken = pool.queue.clone().try_acquire_many_owned(u32::try_from(all).unwrap()).unwrap();
        assert_eq!(pool.hash(CHEAP, "x").await, Err(PasswordError::Busy));
        drop(taken);
        assert!(pool.hash(CHEAP, "x").await.is_ok());
        assert_eq!(pool.queue.available_permits(), all, "places come back");
        assert_eq!(pool.workers.available_permits(), 1);
    }
}
