//! How work grows with what it is about.

use std::time::{Duration, Instant};

/// How many times as much the larger input is.
const TIMES: usize = 16;

/// How much more than in proportion the work on it may take. What grows with the square takes sixteen times as much.
const ROOM: u32 = 5;

/// How long the work on the smaller input is repeated before its share counts. The system counts time in ticks.
const LONG_ENOUGH: Duration = Duration::from_millis(40);

/// How often each is measured. The least counts, because others on the machine only ever add to it.
const ROUNDS: usize = 3;

/// Fails when the work on sixteen times as much takes many more than sixteen times as long on the processor.
///
/// No time is judged, only how two times compare that were taken one after the other, with room for five times as much.
/// A bound that refuses the larger input passes, because refusing is little work.
///
/// # Panics
/// When the work grows faster than the input.
pub fn assert_linear<T>(what: &str, small: usize, make: impl Fn(usize) -> T, work: impl Fn(&T)) {
    let least = |input: &T| (0..ROUNDS).map(|_| share(input, &work)).min().unwrap_or_default();
    let (small, large) = (make(small), make(small * TIMES));
    let (one, many) = (least(&small), least(&large));
    let allowed = one * u32::try_from(TIMES).unwrap_or(u32::MAX) * ROOM;
    assert!(many <= allowed, "{what}: {TIMES} times as much takes {many:?} instead of {one:?}");
}

/// The time on the processor that the work takes once.
fn share<T>(input: &T, work: &impl Fn(&T)) -> Duration {
    let (start, mut times) = (Processor::now(), 0);
    loop {
        work(input);
        times += 1;
        let passed = start.passed();
        if passed >= LONG_ENOUGH {
            return passed / times;
        }
    }
}

/// A moment in the time of this thread on the processor, or of the clock where the system does not tell that.
struct Processor(Option<Duration>, Instant);

impl Processor {
    fn now() -> Self {
        Self(of_thread(), Instant::now())
    }

    fn passed(&self) -> Duration {
        match (self.0, of_thread()) {
            (Some(start), Some(now)) => now.saturating_sub(start),
            _ => self.1.elapsed(),
        }
    }
}

/// How long this thread has run, as Linux tells it.
fn of_thread() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_proportion_passes() {
        let sum = |numbers: &Vec<u32>| assert!(numbers.iter().sum::<u32>() > 0);
        assert_linear("a sum", 1000, |count| vec![1; count], sum);
    }

    #[test]
    #[should_panic(expected = "a list that is searched for each of its items")]
    fn what_grows_with_the_square_fails() {
        let search = |numbers: &Vec<u32>| {
            let found = numbers.iter().filter(|number| numbers.contains(&(**number + 1_000_000))).count();
            assert_eq!(found, 0);
        };
        assert_linear("a list that is searched for each of its items", 1000, |count| vec![1; count], search);
    }
}
