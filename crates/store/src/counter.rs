//! Counters against abuse: how often something may be done, and what is left of that.
//!
//! A counter that several processes share is kept in the store, and an attempt takes its place there before it
//! is looked at ([`crate::Change::TakeAttempt`]). So no more attempts are looked at at once than one after the
//! other.

use std::time::Duration;

use sessera_model::Timestamp;

/// The longest pause between two guesses. One guess is forgotten in the same time, so whoever goes on guessing
/// gets no faster than this.
pub const MAX_PAUSE: Duration = Duration::from_mins(15);

/// How many guesses beyond the free ones are told apart: the last one has the longest pause.
const MAX_PAID: u32 = 10;

const HOUR: Duration = Duration::from_hours(1);

/// A request in the unit in which requests are counted.
const REQUEST: i64 = 1_000_000;

/// Which counter it is: a keyed hash, so that the database does not tell whose it is, or the hash of what nobody guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey(pub [u8; 32]);

/// How often something may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// So many guesses are free. Each further one has to wait, for a second first, and then twice as long each time.
    Guesses {
        /// How many are free.
        free: u32,
    },
    /// So many requests in a minute, which come back evenly.
    Requests {
        /// How many in a minute.
        per_minute: u32,
    },
    /// So many in an hour, which begins with the first of them.
    InAnHour {
        /// How many are let through in an hour.
        most: u32,
    },
    /// Once, and again when a time is over. Whatever it was done to counts one until then.
    Once {
        /// How long it takes until it may be done again.
        within: Duration,
    },
}

/// What was done lately. The default one is that of somebody who did nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// How much; of requests, in millionths.
    pub count: i64,
    /// When the last one was, or the first one of an hour.
    pub at: Timestamp,
}

impl Counter {
    /// Takes a place for an attempt. The error is the time after which there is one.
    pub fn take(&mut self, allowance: Allowance, now: Timestamp) -> Result<(), Duration> {
        match allowance {
            Allowance::Guesses { free } => self.take_guess(free, now),
            Allowance::Requests { per_minute } => self.take_request(per_minute, now),
            Allowance::InAnHour { most } => self.take_one_of(most, HOUR, now),
            Allowance::Once { within } => self.take_one_of(1, within, now),
        }
    }

    /// How long somebody has to wait for a place.
    pub fn wait(mut self, allowance: Allowance, now: Timestamp) -> Duration {
        self.take(allowance, now).err().unwrap_or_default()
    }

    /// Gives a place back that was taken for a guess.
    pub fn give_back(&mut self) {
        self.count = (self.count - 1).max(0);
    }

    /// When nothing of it counts any more.
    pub fn ends_at(self, allowance: Allowance) -> Timestamp {
        match allowance {
            Allowance::Guesses { .. } => self.at + MAX_PAUSE * u32::try_from(self.count).unwrap_or(u32::MAX),
            Allowance::Requests { .. } => self.at + Duration::from_mins(1),
            Allowance::InAnHour { .. } => self.at + HOUR,
            Allowance::Once { within } => self.at + within,
        }
    }

    fn take_guess(&mut self, free: u32, now: Timestamp) -> Result<(), Duration> {
        let paid = u32::try_from(self.count - i64::from(free));
        let next = paid.map_or(self.at, |paid| self.at + pause(paid));
        if now < next {
            return Err(next.since(now));
        }
        let forgotten = now.since(self.at).as_secs() / MAX_PAUSE.as_secs();
        let left = (self.count - i64::try_from(forgotten).unwrap_or(i64::MAX)).max(0);
        self.count = (left + 1).min(i64::from(free) + i64::from(MAX_PAID));
        self.at = now;
        Ok(())
    }

    fn take_one_of(&mut self, most: u32, within: Duration, now: Timestamp) -> Result<(), Duration> {
        let end = self.at + within;
        if end <= now {
            *self = Self { count: 1, at: now };
        } else if self.count < i64::from(most) {
            self.count += 1;
        } else {
            return Err(end.since(now));
        }
        Ok(())
    }

    fn take_request(&mut self, per_minute: u32, now: Timestamp) -> Result<(), Duration> {
        let rate = i64::from(per_minute).max(1);
        // `rate` requests a minute are `rate / 60` millionths in a microsecond.
        let passed = i64::try_from(now.since(self.at).as_micros()).unwrap_or(i64::MAX);
        let used = (self.count - passed.saturating_mul(rate) / 60).max(0);
        let over = used + REQUEST - rate * REQUEST;
        if over > 0 {
            return Err(Duration::from_micros(u64::try_from(over * 60 / rate).unwrap_or(u64::MAX)));
        }
        (self.count, self.at) = (used + REQUEST, now);
        Ok(())
    }
}

/// 1 s, 2 s, 4 s and so on.
fn pause(paid: u32) -> Duration {
    1_u64.checked_shl(paid).map_or(MAX_PAUSE, Duration::from_secs).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const GUESSES: Allowance = Allowance::Guesses { free: 3 };

    #[test]
    fn pauses_grow_with_every_guess() {
        let mut counter = Counter::default();
        for _ in 0..3 {
            assert_eq!(counter.take(GUESSES, NOW), Ok(()));
        }
        let mut now = NOW;
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            let pause = Duration::from_secs(seconds);
            assert_eq!(counter.wait(GUESSES, now), pause);
            let early = now + Duration::from_millis(seconds * 1000 - 1);
            assert_eq!(counter.wait(GUESSES, early), Duration::from_millis(1));
            now = now + pause;
            assert_eq!(counter.take(GUESSES, now), Ok(()));
            assert!(counter.take(GUESSES, now).is_err(), "one at a time");
        }
    }

    #[test]
    fn guesses_are_forgotten_one_after_the_other() {
        let mut counter = Counter::default();
        for _ in 0..3 {
            counter.take(GUESSES, NOW).unwrap();
        }
        let later = NOW + MAX_PAUSE * 2;
        assert_eq!(counter.take(GUESSES, later), Ok(()));
        assert_eq!(counter, Counter { count: 2, at: later });
        assert_eq!(counter.ends_at(GUESSES), later + MAX_PAUSE * 2);
        counter.give_back();
        assert_eq!(counter.count, 1);
        let mut nothing = Counter::default();
        nothing.give_back();
        assert_eq!(nothing.count, 0);
    }

    #[test]
    fn an_hour_begins_with_the_first() {
        let rule = Allowance::InAnHour { most: 2 };
        let mut counter = Counter::default();
        let later = NOW + Duration::from_mins(50);
        assert_eq!(counter.take(rule, NOW), Ok(()));
        assert_eq!(counter.take(rule, later), Ok(()));
        assert_eq!(counter.take(rule, later), Err(Duration::from_mins(10)));
        assert_eq!(counter.take(rule, NOW + HOUR), Ok(()));
        assert_eq!(counter, Counter { count: 1, at: NOW + HOUR });
    }

    #[test]
    fn what_is_done_once_is_not_done_again_before_its_time_is_over() {
        let within = Duration::from_hours(8);
        let rule = Allowance::Once { within };
        let mut counter = Counter::default();
        assert_eq!(counter.take(rule, NOW), Ok(()));
        assert_eq!((counter.count, counter.ends_at(rule)), (1, NOW + within));
        assert_eq!(counter.take(rule, NOW + HOUR), Err(Duration::from_hours(7)));
        assert_eq!(counter.take(rule, NOW + within), Ok(()));
    }

    #[test]
    fn a_client_has_its_minute() {
        let rule = Allowance::Requests { per_minute: 60 };
        let mut counter = Counter::default();
        for _ in 0..60 {
            assert_eq!(counter.take(rule, NOW), Ok(()));
        }
        assert_eq!(counter.take(rule, NOW), Err(Duration::from_secs(1)));
        let later = NOW + Duration::from_millis(500);
        assert_eq!(counter.take(rule, later), Err(Duration::from_millis(500)));
        let later = NOW + Duration::from_secs(2);
        assert_eq!(counter.take(rule, later), Ok(()));
        assert_eq!(counter.take(rule, later), Ok(()));
        assert!(counter.take(rule, later).is_err());
    }
}
