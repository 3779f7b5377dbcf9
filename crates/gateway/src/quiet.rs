//! How often the log tells of the same trouble.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the log says nothing of what it has told. Each request of a route may bring the same trouble about.
const PAUSE: Duration = Duration::from_secs(60);

/// The most kinds of trouble that are remembered.
const MOST: usize = 64;

/// What the log has told of late.
#[derive(Debug, Default)]
pub(crate) struct Quiet(Mutex<HashMap<String, Instant>>);

impl Quiet {
    /// Whether the log is to tell of a kind of trouble now.
    pub(crate) fn may_tell(&self, kind: &str) -> bool {
        let now = Instant::now();
        // No code panics while it holds this lock.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(kind).is_some_and(|at| now.duration_since(*at) < PAUSE) {
            return false;
        }
        if told.len() >= MOST {
            told.retain(|_, at| now.duration_since(*at) < PAUSE);
        }
        let has_room = told.len() < MOST;
        if has_room {
            told.insert(kind.to_owned(), now);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_is_told_once_and_no_more_kinds_than_there_is_room_for() {
        let quiet = Quiet::default();
        assert!(quiet.may_tell("a") && !quiet.may_tell("a") && quiet.may_tell("b"));
        let told = (0..1000).filter(|number| quiet.may_tell(&number.to_string())).count();
        assert_eq!(told, MOST - 2);
    }
}
