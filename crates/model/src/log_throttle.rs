//! How often the log tells of the same trouble.

use std::collections::HashMap;
use std::time::Duration;

use crate::Timestamp;

/// How long the log says nothing of what it has told. Under load each request may bring the same trouble about.
const PAUSE: Duration = Duration::from_secs(60);

/// The most kinds of trouble that are remembered.
const MOST: usize = 64;

/// What the log has told of late.
#[derive(Debug, Default)]
pub struct LogThrottle(HashMap<String, Timestamp>);

impl LogThrottle {
    /// Whether the log is to tell of a kind of trouble now, after which it says nothing of it for a minute.
    pub fn may_tell(&mut self, kind: &str, now: Timestamp) -> bool {
        let is_recent = |at: &Timestamp| now.since(*at) < PAUSE;
        if self.0.get(kind).is_some_and(is_recent) {
            return false;
        }
        if self.0.len() >= MOST {
            self.0.retain(|_, at| is_recent(at));
        }
        let has_room = self.0.len() < MOST;
        if has_room {
            self.0.insert(kind.to_owned(), now);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn the_same_trouble_is_told_once_a_minute_and_no_more_kinds_than_there_is_room_for() {
        let mut quiet = LogThrottle::default();
        assert!(quiet.may_tell("a", NOW) && !quiet.may_tell("a", NOW) && quiet.may_tell("b", NOW));
        let told = (0..1000).filter(|number| quiet.may_tell(&number.to_string(), NOW)).count();
        assert_eq!((told, quiet.0.len()), (MOST - 2, MOST));
        assert!(quiet.may_tell("a", NOW + PAUSE));
    }
}
