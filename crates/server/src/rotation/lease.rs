//! Whether this node may sign with managed keys.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use sessera_model::Timestamp;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody confirmed the list of keys for too long.
    Unconfirmed,
    /// The clock differs from the database's by more than the skew.
    Clock,
}

impl Lease {
    /// Notes that the list of keys was read at a time, and whether the clock agreed then.
    pub fn confirm(&self, at: Timestamp, clock_agrees: bool) {
        self.clock_agrees.store(clock_agrees, Ordering::Release);
        self.confirmed_at.store(at.micros(), Ordering::Release);
    }

    /// Whether the node may sign now.
    pub fn check(&self, now: Timestamp, lease: Duration) -> Result<(), Refusal> {
        if !self.clock_agrees.load(Ordering::Acquire) {
            return Err(Refusal::Clock);
        }
        let confirmed = Timestamp::from_micros(self.confirmed_at.load(Ordering::Acquire));
        // A confirmation from the future is one from before the clock was set back: nobody knows its age.
        if confirmed > now || now.since(confirmed) > lease { Err(Refusal::Unconfirmed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends() {
        let at = Timestamp::from_seconds;
        let second = Duration::from_secs(1);
        let lease = Lease::default();
        assert_eq!(lease.check(at(100), 10 * second), Err(Refusal::Unconfirmed));
        lease.confirm(at(100), true);
        assert_eq!(lease.check(at(110), 10 * second), Ok(()));
        assert_eq!(lease.check(at(111), 10 * second), Err(Refusal::Unconfirmed));
        assert_eq!(lease.check(at(99), 10 * second), Err(Refusal::Unconfirmed));
        lease.confirm(at(111), false);
        assert_eq!(lease.check(at(111), 10 * second), Err(Refusal::Clock));
    }
}
