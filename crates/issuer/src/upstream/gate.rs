//! The pause that an upstream asks for.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sessera_model::Timestamp;

/// How long nobody asks when the upstream does not say.
const USUAL: Duration = Duration::from_secs(1);

/// The longest pause, so that a slip of the upstream does not silence this server for days.
const LONGEST: Duration = Duration::from_secs(600);

/// Until when nobody asks.
#[derive(Debug, Default)]
pub(super) struct Gate(AtomicI64);

impl Gate {
    /// How much of the pause is left; nothing when there is none.
    pub(super) fn closed_for(&self, now: Timestamp) -> Option<Duration> {
        let left = Timestamp::from_micros(self.0.load(Ordering::Relaxed)).since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Begins a pause. Returns how long it is.
    pub(super) fn close(&self, now: Timestamp, pause: Option<Duration>) -> Duration {
        let pause = pause.unwrap_or(USUAL).clamp(USUAL, LONGEST);
        self.0.fetch_max((now + pause).micros(), Ordering::Relaxed);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_as_long_as_the_upstream_says_within_bounds() {
        let now = Timestamp::from_seconds(1_800_000_000);
        for (said, meant) in [(None, 1), (Some(0), 1), (Some(30), 30), (Some(1_000_000), 600)] {
            let gate = Gate::default();
            assert_eq!(gate.closed_for(now), None);
            assert_eq!(gate.close(now, said.map(Duration::from_secs)), Duration::from_secs(meant));
            assert_eq!(gate.closed_for(now), Some(Duration::from_secs(meant)), "{said:?}");
            assert_eq!(gate.closed_for(now + Duration::from_secs(meant)), None);
        }
    }

    #[test]
    fn a_shorter_pause_does_not_cut_a_longer_one() {
        let (gate, now) = (Gate::default(), Timestamp::from_seconds(1_800_000_000));
        gate.close(now, Some(Duration::from_secs(60)));
        gate.close(now, None);
        assert_eq!(gate.closed_for(now), Some(Duration::from_secs(60)));
    }
}
