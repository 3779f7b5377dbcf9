//! When requests are due, by a client that may be held up itself.

use std::time::{Duration, Instant};

/// The longest time between two looks of a client that has its core to itself.
const LONGEST_TURN: Duration = Duration::from_millis(1);

/// When requests are due. While other work has the client's core, the client neither sends nor hears, and a server that answers
/// in the meantime would be charged for it: at 80 percent of what it can do, it takes a hold-up four times as long to get over it. So such
/// times are taken out of a schedule that `excuses` them, and told.
pub(crate) struct Schedule {
    start: Instant,
    /// Requests a second.
    rate: Option<f64>,
    /// Whether the times when the client was held up do not count.
    excuses: bool,
    /// When the client looked last.
    looked: Instant,
    /// How long it was held up in all.
    held_up: Duration,
}

impl Schedule {
    pub(crate) const fn new(start: Instant, rate: Option<f64>, excuses: bool) -> Self {
        Self { start, rate, excuses, looked: start, held_up: Duration::ZERO }
    }

    /// Notes that the client looks; how long it was held up since it did so last.
    pub(crate) fn look(&mut self, now: Instant) -> Duration {
        let turn = now - self.looked;
        self.looked = now;
        let held_up = if turn > LONGEST_TURN { turn } else { Duration::ZERO };
        self.held_up += held_up;
        held_up
    }

    /// When the request is due before which there were so many.
    pub(crate) fn due(&self, sent: usize) -> Instant {
        match self.rate {
            None => self.looked,
            #[expect(clippy::cast_precision_loss, reason = "counts of minutes fit")]
            Some(rate) => {
                let excused = if self.excuses { self.held_up } else { Duration::ZERO };
                self.start + excused + Duration::from_secs_f64(sent as f64 / rate)
            }
        }
    }

    /// How long the client was held up in all.
    pub(crate) const fn held_up(&self) -> Duration {
        self.held_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_the_client_up_is_no_time_of_the_server() {
        let start = Instant::now();
        let after = |millis: u64| start + Duration::from_millis(millis);
        let mut schedule = Schedule::new(start, Some(1_000.0), true);
        assert_eq!(schedule.look(after(1)), Duration::ZERO);
        assert_eq!(schedule.due(2), after(2));
        assert_eq!(schedule.look(after(51)), Duration::from_millis(50), "other work had the core");
        assert_eq!(schedule.due(2), after(52), "nothing became due meanwhile");
        assert_eq!(schedule.look(after(52)), Duration::ZERO);
        assert_eq!(schedule.held_up(), Duration::from_millis(50));
        let mut shared = Schedule::new(start, Some(1_000.0), false);
        shared.look(after(51));
        assert_eq!(shared.due(2), after(2), "the server may have waited for that other work");
    }

    #[test]
    fn a_server_that_stops_is_charged_for_all_that_was_due() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, Some(1_000.0), true);
        for millis in 1..=50 {
            schedule.look(start + Duration::from_millis(millis));
        }
        assert_eq!(schedule.due(10), start + Duration::from_millis(10));
        assert_eq!(schedule.held_up(), Duration::ZERO);
    }
}
