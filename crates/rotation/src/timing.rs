//! The times that the rule of publication is made of.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessera_model::GoDuration;

/// How long everybody may take to notice something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The longest that a node signs and publishes without having confirmed its list of keys.
    pub lease: GoDuration,
    /// The largest difference between the clocks of any two machines, verifiers included.
    pub skew: GoDuration,
    /// How long verifiers may keep a published set (`Cache-Control: max-age`).
    pub max_age: GoDuration,
}

/// Times that cannot be used together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// Without a lease no node may ever sign.
    #[error(
        "the lease must be longer than zero: it is how long a node may sign between two looks at the keys"
    )]
    NoLease,
    /// The next key could not be published early enough before it is due.
    #[error(
        "the rotation period {period} is shorter than {notice}, the time from publishing a key to signing with it (lease + max-age + skew): choose a longer period or shorter times"
    )]
    PeriodTooShort {
        /// The period that was asked for.
        period: GoDuration,
        /// The shortest that is possible.
        notice: GoDuration,
    },
}

impl Timing {
    /// The time from publishing a key to signing with it. A node may publish an old list for a lease, a
    /// verifier may keep that list for its max-age, and their clocks may differ.
    pub fn notice(&self) -> Duration {
        self.lease.get() + self.max_age.get() + self.skew.get()
    }

    /// The time from the successor's activation until no node can sign with the old key any more.
    pub fn drain(&self) -> Duration {
        self.lease.get() + self.skew.get()
    }

    /// The time from the successor's activation until no good token of the old key exists any more
    /// and no verifier could need it. `max_ttl` is the longest life of a token that it may have signed.
    pub fn retention(&self, max_ttl: Duration) -> Duration {
        self.lease.get() + max_ttl + self.max_age.get() + self.skew.get() * 2
    }

    /// Checks that a set can rotate in this period.
    pub fn check(&self, period: GoDuration) -> Result<(), TimingError> {
        if self.lease.get().is_zero() {
            return Err(TimingError::NoLease);
        }
        let notice = self.notice();
        if period.get() < notice {
            return Err(TimingError::PeriodTooShort { period, notice: GoDuration::new(notice) });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(lease: u64, skew: u64, max_age: u64) -> Timing {
        Timing {
            lease: GoDuration::from_secs(lease),
            skew: GoDuration::from_secs(skew),
            max_age: GoDuration::from_secs(max_age),
        }
    }

    #[test]
    fn times_add_up() {
        let timing = timing(60, 5, 300);
        assert_eq!(timing.notice(), Duration::from_secs(365));
        assert_eq!(timing.drain(), Duration::from_secs(65));
        assert_eq!(timing.retention(Duration::from_secs(600)), Duration::from_secs(970));
    }

    #[test]
    fn periods_that_break_the_rule_are_refused() {
        let good = timing(60, 5, 300);
        assert_eq!(good.check(GoDuration::from_secs(365)), Ok(()));
        let error = good.check(GoDuration::from_secs(364)).unwrap_err();
        assert!(error.to_string().contains("6m4s") && error.to_string().contains("6m5s"), "{error}");
        assert_eq!(timing(0, 5, 300).check(GoDuration::from_secs(1000)), Err(TimingError::NoLease));
    }
}
