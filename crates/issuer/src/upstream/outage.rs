//! What an upstream does instead of answering, and how often the log tells of it.

use std::sync::Arc;

use sessera_model::{LogThrottle, Timestamp};

/// What an API of the upstream did when it last gave no answer, and what the log knows.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// What it did; nothing since it answered.
    pub(super) now: Option<Arc<str>>,
    /// What the log told last; nothing when that was that it answers.
    told: Option<Arc<str>>,
    /// How often the log tells of each kind. A kind has the status of an answer in it, so there are not many.
    pub(super) log: LogThrottle,
}

impl Outage {
    /// Notes that the upstream did `what` instead of answering. Returns whether the log is to tell of it.
    pub(super) fn begin(&mut self, what: &Arc<str>, now: Timestamp) -> bool {
        self.now = Some(what.clone());
        if self.told.as_ref() == Some(what) || !self.log.may_tell(what, now) {
            return false;
        }
        self.told = Some(what.clone());
        true
    }

    /// Notes that the upstream answered. Returns whether the log is to tell of it.
    pub(super) fn end(&mut self) -> bool {
        self.now = None;
        self.told.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(60);

    #[test]
    fn the_log_tells_of_each_kind_once_a_minute_however_often_it_comes_back() {
        let (mut outage, start) = (Outage::default(), Timestamp::from_seconds(1_800_000_000));
        let (away, slow): (Arc<str>, Arc<str>) = ("cannot be reached".into(), "is slow".into());
        assert!(!outage.end());
        assert!(outage.begin(&away, start) && !outage.begin(&away, start));
        assert!(outage.begin(&slow, start), "it is another kind");
        assert!(outage.end() && !outage.end());
        for second in 1..60 {
            let now = start + Duration::from_secs(second);
            assert!(!outage.begin(&away, now) && !outage.begin(&slow, now));
            assert_eq!(outage.now.as_ref(), Some(&slow));
            assert!(!outage.end(), "the log says so already");
        }
        assert!(outage.begin(&away, start + PAUSE) && outage.end());
    }

    #[test]
    fn no_more_kinds_are_remembered_than_there_is_room_for() {
        let (mut outage, start) = (Outage::default(), Timestamp::from_seconds(1_800_000_000));
        for number in 0..1000 {
            outage.begin(&number.to_string().into(), start);
        }
        assert!(!outage.begin(&"new".into(), start), "there is no room");
        assert!(outage.begin(&"new".into(), start + PAUSE));
    }
}
