//! Changes are committed and then heard of, in one place.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::Context;
use opentelemetry::context::FutureExt as _;
use tracing::Instrument as _;

use sessera_model::{Clock, Identity, Random};

use crate::asked::Asked;
use crate::recording::Recording;
use crate::{Change, Event, Store, StoreError};

/// What is known about changes that were to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They are in the store.
    Committed,
    /// The store refused them or failed. A store that fails may have made them all the same.
    Uncertain,
}

/// Somebody who has to hear of changes: a cache drops what they touch, a counter counts, a courier wakes up.
pub trait CommitListener: Send + Sync {
    /// What it is called where listeners are listed.
    fn name(&self) -> &'static str;

    /// Hears of changes after the store has answered and before whoever committed them learns the outcome.
    ///
    /// It must neither wait nor panic: what is kept in memory has been dropped when it returns.
    fn told(&self, changes: &[Change], outcome: Outcome);

    /// Hears of something that happened: what committed changes mean, and what changed nothing. It must neither wait nor
    /// panic. [`Asked::by`] says who did it.
    fn happened(&self, _: &Event) {}
}

/// Commits changes and tells whoever has to hear of them. It is cheap to clone, and all clones are one.
///
/// Everything that a program changes goes through here rather than to [`Store::commit`], which gives
/// these promises:
///
/// - The changes of one call happen all together or not at all.
/// - Every listener is told of every call exactly once, in the order in which they were registered,
///   before [`Self::commit`] returns. So whoever is answered that a session was revoked finds it in no cache.
/// - Both hold when the caller gives up in the middle, as a request does whose client is gone. The work is
///   done in a task of its own.
///
/// Other nodes hear of changes through the store itself; see [`crate::line`].
#[derive(Clone)]
pub struct Committer {
    store: Arc<dyn Store>,
    listeners: Arc<[Arc<dyn CommitListener>]>,
    /// Makes entries of the record, where one is kept.
    recording: Option<Arc<Recording>>,
    /// Whether the last change found a database that takes none.
    is_stuck: Arc<AtomicBool>,
}

impl Committer {
    /// Commits to `store` and tells `listeners`, the first one first.
    pub fn new(store: Arc<dyn Store>, listeners: Vec<Arc<dyn CommitListener>>) -> Self {
        Self { store, listeners: listeners.into(), recording: None, is_stuck: Arc::default() }
    }

    /// Keeps a record of what happens: its entries are committed with the changes that they tell of.
    #[must_use]
    pub fn with_record(self, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { recording: Some(Arc::new(Recording::new(clock, random))), ..self }
    }

    /// Commits changes, all or nothing. When it returns `Ok`, they are on disk and everybody was told.
    ///
    /// [`StoreError::Conflict`] says that a change's condition did not hold: nothing happened.
    /// [`StoreError::Unavailable`] leaves open whether the changes were made.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let (store, recording) = (self.store.clone(), self.recording.clone());
        let (listeners, changes) = (self.listeners.clone(), changes.to_vec());
        let is_stuck = self.is_stuck.clone();
        let mut telling =
            PendingNotifications { listeners, changes, events: Vec::new(), outcome: Outcome::Uncertain };
        let work = async move {
            let before = identities_before(&*store, &telling.changes).await;
            telling.events = Event::of(&telling.changes, &before);
            // All that is done with it is done by them, such as what ends other sessions. The note stays with this commit.
            let newcomer = Event::newcomer(&telling.events);
            Asked::note(|asked| {
                if asked.actor.is_none() {
                    asked.identity_id = asked.identity_id.or(newcomer);
                }
            });
            let entries = recording.map(|recording| recording.entries(&telling.events)).unwrap_or_default();
            if !entries.is_empty() {
                telling.changes.push(Change::Record(entries));
            }
            let result = store.commit(&telling.changes).await;
            note_writing(&is_stuck, &result);
            if result.is_ok() {
                telling.outcome = Outcome::Committed;
            }
            drop(telling);
            result
        };
        // Whoever logs or records it says who asked for it.
        let asked = Asked::now();
        let work = async move {
            match asked {
                Some(asked) => asked.during(work).await,
                None => work.await,
            }
        };
        // The store's own spans belong to the trace of the caller, and what listeners log to the caller's request.
        tokio::spawn(work.with_context(Context::current()).in_current_span()).await.unwrap_or_else(
            |failure| Err(StoreError::Unavailable(format!("the change ended early: {failure}"))),
        )
    }
}

impl Committer {
    /// Whether the last change could not be written, as where the disk is full or the file locked. What is there can still be
    /// read.
    pub fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    /// Tells everybody of something that happened and changed nothing, such as a sign-in that failed.
    pub fn happened(&self, event: &Event) {
        for listener in &*self.listeners {
            listener.happened(event);
        }
        if let Some(recording) = &self.recording {
            recording.note(event);
        }
    }

    /// Writes the entries of the record about what changed nothing. What cannot be written is tried again next time.
    pub async fn write_waiting(&self) -> Result<(), StoreError> {
        let Some(recording) = &self.recording else { return Ok(()) };
        let entries = recording.take();
        if entries.is_empty() {
            return Ok(());
        }
        let written = self.store.commit(&[Change::Record(entries.clone())]).await;
        note_writing(&self.is_stuck, &written);
        if written.is_err() {
            recording.put_back(entries);
        }
        written
    }
}

/// Notes whether the database took a change. A conflict, or a database that is away, says nothing of that.
fn note_writing(is_stuck: &AtomicBool, result: &Result<(), StoreError>) {
    match result {
        Ok(()) => is_stuck.store(false, Ordering::Relaxed),
        Err(StoreError::NotWritable(_)) => is_stuck.store(true, Ordering::Relaxed),
        Err(_) => {}
    }
}

impl fmt::Debug for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.listeners.iter().map(|listener| listener.name()).collect();
        f.debug_struct("Committer").field("listeners", &names).finish_non_exhaustive()
    }
}

/// Changes of which listeners are still to be told. They are told when it is dropped, so that they hear of
/// the changes even when the store panics or the runtime stops in the middle.
struct PendingNotifications {
    listeners: Arc<[Arc<dyn CommitListener>]>,
    changes: Vec<Change>,
    /// What the changes mean.
    events: Vec<Event>,
    outcome: Outcome,
}

/// The identities that are to be changed, as they are before. Of one that cannot be read nobody says what changes.
async fn identities_before(store: &dyn Store, changes: &[Change]) -> Vec<Identity> {
    let mut before = Vec::new();
    for change in changes {
        if let Change::UpdateIdentity(identity) = change {
            before.extend(store.identity(identity.id).await.ok().flatten());
        }
    }
    before
}

impl Drop for PendingNotifications {
    fn drop(&mut self) {
        for listener in &*self.listeners {
            listener.told(&self.changes, self.outcome);
        }
        if self.outcome == Outcome::Committed {
            for (event, listener) in self
                .events
                .iter()
                .flat_map(|event| self.listeners.iter().map(move |listener| (event, listener)))
            {
                listener.happened(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Conflict;

    #[test]
    fn a_full_disk_is_noted_until_it_takes_a_change() {
        let is_stuck = AtomicBool::new(false);
        let full = || Err(StoreError::NotWritable("database or disk is full".into()));
        let away = || Err(StoreError::Unavailable("away".into()));
        for (result, noted) in [
            (away(), false),
            (full(), true),
            (away(), true),
            (Err(Conflict::Missing.into()), true),
            (Ok(()), false),
        ] {
            note_writing(&is_stuck, &result);
            assert_eq!(is_stuck.load(Ordering::Relaxed), noted, "{result:?}");
        }
    }
}
