//! When sessions were last used. A use is noted in memory and written later, many at once: whoever asks
//! about a session never waits for that, and under load some notes are lost rather than kept waiting.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sessera_model::{Session, Timestamp, Uuid};
use sessera_store::{Change, Committer};

/// How old the noted use of a session may be before the next one is noted.
const NOTE_AFTER: Duration = Duration::from_secs(5 * 60);

/// How many notes wait at the most.
const MOST: usize = 4096;

/// How many are written in one transaction, short enough that a sign-in does not wait long behind it.
const AT_ONCE: usize = 512;

/// The last use of one session, as far as it was noted.
#[derive(Debug)]
pub(super) struct LastUse(AtomicI64);

impl LastUse {
    /// What the store tells. Signing in is a use, too.
    pub(super) fn of(session: &Session) -> Self {
        let noted = session.last_used_at.max(Some(session.authenticated_at)).unwrap_or_default();
        Self(AtomicI64::new(noted.micros()))
    }

    /// A session of which somebody else notes when it was used.
    pub(super) fn noted_elsewhere() -> Self {
        Self(AtomicI64::new(Timestamp::MAX.micros()))
    }
}

/// Uses that wait to be written.
#[derive(Debug, Default)]
pub(super) struct LastUses {
    waiting: Mutex<Vec<(Uuid, Timestamp)>>,
}

impl LastUses {
    /// Notes that a session is used now, unless that was noted a short time ago. Never waits.
    pub(super) fn note(&self, session: Uuid, last: &LastUse, now: Timestamp) {
        let noted = last.0.load(Ordering::Relaxed);
        if now.since(Timestamp::from_micros(noted)) >= NOTE_AFTER {
            self.put(session, last, noted, now);
        }
    }

    #[cold]
    fn put(&self, session: Uuid, last: &LastUse, noted: i64, now: Timestamp) {
        // Of several requests at once one puts it down.
        if last.0.compare_exchange(noted, now.micros(), Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        match self.waiting.try_lock() {
            Ok(mut waiting) if waiting.len() < MOST => waiting.push((session, now)),
            // There is no room now, and the session's next request tries again.
            _ => last.0.store(noted, Ordering::Relaxed),
        }
    }

    /// Takes what waits: each session once with its newest use, in the order of their ids, in which every
    /// node locks rows.
    fn take(&self) -> Vec<(Uuid, Timestamp)> {
        let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let mut newest: HashMap<Uuid, Timestamp> = HashMap::with_capacity(taken.len());
        for (session, at) in taken {
            let known = newest.entry(session).or_insert(at);
            *known = at.max(*known);
        }
        let mut uses: Vec<_> = newest.into_iter().collect();
        uses.sort_unstable();
        uses
    }

    /// Writes what was noted, as far as that can be done.
    pub(super) async fn write(&self, committer: &Committer) {
        for uses in self.take().chunks(AT_ONCE) {
            if let Err(error) = committer.commit(&[Change::NoteUses(uses.to_vec())]).await {
                tracing::debug!(%error, "when sessions were last used could not be written");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_bounded_and_one_without_room_is_tried_again() {
        let (uses, start) = (LastUses::default(), Timestamp::from_seconds(1_800_000_000));
        let later = start + NOTE_AFTER;
        for number in 0..MOST {
            uses.put(Uuid::from_u128(number as u128), &LastUse(AtomicI64::new(0)), 0, start);
        }
        let (late, last) = (Uuid::from_u128(u128::MAX), LastUse(AtomicI64::new(start.micros())));
        uses.note(late, &last, later);
        assert_eq!(uses.take().len(), MOST);
        uses.note(late, &last, later);
        assert_eq!(uses.take(), [(late, later)]);
    }

    #[test]
    fn the_newest_use_of_a_session_counts() {
        let (uses, one) = (LastUses::default(), Uuid::from_u128(1));
        for seconds in [1000, 3000, 2000] {
            uses.note(one, &LastUse(AtomicI64::new(0)), Timestamp::from_seconds(seconds));
        }
        assert_eq!(uses.take(), [(one, Timestamp::from_seconds(3000))]);
    }
}
