//! Whether this node may sign with managed keys.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use sessera_model::Timestamp;
use sessera_rotation::Timing;
use sessera_tokenizer::Tokenizer;

/// The latest confirmation of this node's list of keys. It is good for the configured lease.
#[derive(Debug)]
pub struct Lease {
    /// Microseconds since the epoch; the epoch before the first confirmation.
    confirmed_at: AtomicI64,
    /// Whether the clock agreed with the database's.
    clock_agrees: AtomicBool,
}

impl Default for Lease {
    fn default() -> Self {
        Self { confirmed_at: AtomicI64::new(0), clock_agrees: AtomicBool::new(true) }
    }
}

/// Why a node may not sign with managed keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody confirmed the list of keys for too long.
    #[error("this node could not confirm which keys are good")]
    Unconfirmed,
    /// The clock differs from the database's by more than the skew.
    #[error("the clock of this node differs too much from the database's")]
    Clock,
}

impl Lease {
    /// Notes that the list of keys was read at a time, and whether the clock agreed then.
    pub fn confirm(&self, at: Timestamp, clock_agrees: bool) {
        self.clock_agrees.store(clock_agrees, Ordering::Release);
        self.confirmed_at.store(at.micros(), Ordering::Release);
    }

    /// Refuses to sign with managed keys when this node does not know for sure which ones are good.
    pub fn check(&self, now: Timestamp, timing: &Timing) -> Result<(), Refusal> {
        if !self.clock_agrees.load(Ordering::Acquire) {
            return Err(Refusal::Clock);
        }
        let confirmed = Timestamp::from_micros(self.confirmed_at.load(Ordering::Acquire));
        // A confirmation from the future is one from before the clock was set back: nobody knows its age.
        if confirmed > now || now.since(confirmed) > timing.lease.get() {
            Err(Refusal::Unconfirmed)
        } else {
            Ok(())
        }
    }

    /// Refuses as [`Self::check`] does where a template signs with managed keys; other templates need no lease.
    pub fn check_for(&self, tokenizer: &Tokenizer, now: Timestamp, timing: &Timing) -> Result<(), Refusal> {
        if tokenizer.is_managed() { self.check(now, timing) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sessera_model::GoDuration;

    use super::*;

    #[test]
    fn a_lease_ends() {
        let at = Timestamp::from_seconds;
        let ten_seconds = GoDuration::new(Duration::from_secs(10));
        let timing = Timing { lease: ten_seconds, skew: ten_seconds, max_age: ten_seconds };
        let lease = Lease::default();
        assert_eq!(lease.check(at(100), &timing), Err(Refusal::Unconfirmed));
        lease.confirm(at(100), true);
        assert_eq!(lease.check(at(110), &timing), Ok(()));
        assert_eq!(lease.check(at(111), &timing), Err(Refusal::Unconfirmed));
        assert_eq!(lease.check(at(99), &timing), Err(Refusal::Unconfirmed));
        lease.confirm(at(111), false);
        assert_eq!(lease.check(at(111), &timing), Err(Refusal::Clock));
    }
}
