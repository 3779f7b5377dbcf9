//! What is done again and again for as long as a node runs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sessera_issuer::Sessions;
use sessera_issuer::upstream::Rechecks;
use sessera_model::Clock;
use sessera_store::{Committer, Ended, Store};
use sessera_tokenizer::MAX_STATUS_TTL;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::configuration::Configuration;
use crate::record::Record;
use crate::snapshot::Snapshots;

/// How often files that were read are looked at for changes.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// How often what has ended is swept, and how many rows at once.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_ROWS: u32 = 500;

/// How often is written when sessions were last used.
const NOTE_USES_EVERY: Duration = Duration::from_secs(5);

/// How often sessions of an upstream that have a place in the status lists are asked about, so that its budget is one of
/// questions a second.
const RECHECK_EVERY: Duration = Duration::from_secs(1);

/// How often the record of what happened is put in order, so that an entry is listed soon.
const KEEP_RECORD_EVERY: Duration = Duration::from_millis(500);

/// How long after its end a session stays in lists: an hour more, for clocks, than the last of its tokens can
/// be good, because the status lists forget it with that.
const KEEP_SESSIONS: Duration = MAX_STATUS_TTL.saturating_add(Duration::from_secs(3600));

/// How long administrators are told what became of a message.
const KEEP_MESSAGES: Duration = Duration::from_hours(7 * 24);

/// How long after its end everything else stays, so that whoever comes late is told what has ended.
const KEEP_OTHERS: Duration = Duration::from_hours(1);

/// The parts that it needs.
pub struct Chores {
    /// The configuration, whose files are watched.
    pub configuration: Arc<Configuration>,
    /// Where what has ended is swept.
    pub store: Arc<dyn Store>,
    /// What tells what has ended.
    pub clock: Arc<dyn Clock>,
    /// Sessions, which know when they were last used.
    pub sessions: Arc<Sessions>,
    /// Commits when they were last used.
    pub committer: Committer,
    /// What asks about the sessions that status lists tell of. Nothing where no upstream keeps the sessions, or its
    /// admin API is not known.
    pub rechecks: Option<Arc<Rechecks>>,
    /// The record of what happened.
    pub record: Arc<Record>,
    /// The settings of status lists, and for how long the record is kept.
    pub snapshots: Snapshots,
}

impl Chores {
    /// Does it in tasks until it is told to stop.
    pub fn spawn(self, tasks: &mut JoinSet<()>, stop: &CancellationToken) {
        let Self { configuration, store, clock, sessions, committer, rechecks, record, snapshots } = self;
        tasks.spawn(every(WATCH_EVERY, stop.clone(), move || {
            let configuration = configuration.clone();
            async move { watch_files(&configuration).await }
        }));
        let swept = record.clone();
        let settings = snapshots.clone();
        tasks.spawn(every(SWEEP_EVERY, stop.clone(), move || {
            let (store, clock) = (store.clone(), clock.clone());
            let (record, settings) = (swept.clone(), settings.clone());
            async move {
                sweep(&*store, &*clock).await;
                sweep_record(&record, &settings).await;
            }
        }));
        tasks.spawn(every(KEEP_RECORD_EVERY, stop.clone(), move || {
            let record = record.clone();
            async move { keep(&record).await }
        }));
        tasks.spawn(every(NOTE_USES_EVERY, stop.clone(), move || {
            let (sessions, committer) = (sessions.clone(), committer.clone());
            async move { sessions.write_last_uses(&committer).await }
        }));
        if let Some(rechecks) = rechecks {
            tasks.spawn(every(RECHECK_EVERY, stop.clone(), move || {
                let (rechecks, snapshots) = (rechecks.clone(), snapshots.clone());
                async move { recheck(&rechecks, &snapshots).await }
            }));
        }
    }
}

/// Does something again and again until it is told to stop.
pub async fn every<F: Future<Output = ()>>(period: Duration, stop: CancellationToken, work: impl Fn() -> F) {
    let mut clock = tokio::time::interval(period);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = clock.tick() => work().await,
            () = stop.cancelled() => return,
        }
    }
}

async fn watch_files(configuration: &Configuration) {
    if configuration.is_outdated().await {
        reload(configuration).await;
    }
}

/// Reads everything again; when it cannot be used, says so and goes on with what there is. Returns whether it is used.
pub async fn reload(configuration: &Configuration) -> bool {
    let began = SystemTime::now();
    match configuration.reload().await {
        Ok(changed) => {
            tracing::info!(changed = changed.join(", "), "the configuration was read again");
            true
        }
        Err(error) => {
            tracing::error!(
                "the configuration cannot be used, the server goes on with the one before: {error}"
            );
            configuration.watch(began).await;
            false
        }
    }
}

async fn sweep(store: &dyn Store, clock: &dyn Clock) {
    let now = clock.now();
    let ended =
        Ended { sessions: now - KEEP_SESSIONS, messages: now - KEEP_MESSAGES, others: now - KEEP_OTHERS };
    loop {
        match store.sweep(ended, SWEEP_ROWS).await {
            Ok(0) => return,
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => {
                tracing::warn!(%error, "what has ended could not be swept; it is tried again");
                return;
            }
        }
    }
}

async fn sweep_record(record: &Record, snapshots: &Snapshots) {
    let retention = snapshots.load().config.audit.retention;
    if let Err(error) = record.sweep(retention).await {
        tracing::warn!(%error, "the record of what happened could not be swept; it is tried again");
    }
}

async fn keep(record: &Record) {
    if let Err(error) = record.keep().await {
        tracing::warn!(%error, "the record of what happened could not be put in order; it is tried again");
    }
}

/// A list is made twice within the time for which it may be kept, and nobody has to know more often what stands in it.
async fn recheck(rechecks: &Rechecks, snapshots: &Snapshots) {
    let period = snapshots.load().issuer.settings.status_list_max_age / 2;
    if let Err(error) = rechecks.look(period).await {
        tracing::warn!(%error, "sessions of status lists could not be asked about; it is tried again");
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use sessera_model::{Session, TokenHash};
    use sessera_store::observed::ObservedStore;
    use sessera_store::{Change, NewSession, SessionKind};
    use sessera_testing::{Recording, TestStore};

    use super::*;
    use crate::testing::person;

    #[tokio::test]
    async fn what_has_ended_is_swept_to_the_last_while_others_are_answered() {
        let TestStore { store, clock, random, folder: _folder } = TestStore::open().await.unwrap();
        let store = ObservedStore::new(store, Recording::default());
        let ada = person(&*random, clock.now());
        let session = |token: &str, ends| {
            let session = Session::new(random.uuid(), ada.id, clock.now(), ends);
            Change::InsertSession(NewSession {
                session,
                kind: SessionKind::Native,
                token: TokenHash::of(token),
            })
        };
        let mut changes = vec![Change::InsertIdentity(ada.clone())];
        changes.extend((0..=2 * SWEEP_ROWS).map(|number| session(&number.to_string(), clock.now())));
        changes.push(session("live", clock.now() + 2 * KEEP_SESSIONS));
        store.commit(&changes).await.unwrap();
        clock.advance(KEEP_SESSIONS);
        sweep(&store, &*clock).await;
        let found =
            async |token: &str| store.session_by_token(&TokenHash::of(token)).await.unwrap().is_some();
        assert!(found("0").await, "not yet");
        clock.advance(Duration::from_secs(1));
        store.observer().notes();
        let mut sweeping = Box::pin(sweep(&store, &*clock));
        // As far as the second batch, which waits for this test from then on.
        let mut notes = Vec::new();
        std::future::poll_fn(|context| {
            assert!(sweeping.as_mut().poll(context).is_pending(), "there are more batches");
            notes.extend(store.observer().notes());
            if notes.len() < 2 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        assert!(found("live").await);
        sweeping.await;
        notes.extend(store.observer().notes());
        let batches = notes.iter().filter(|note| *note == "sweep").count();
        assert_eq!(batches, 4, "three with rows and one without");
        for number in 0..=2 * SWEEP_ROWS {
            assert!(!found(&number.to_string()).await, "{number}");
        }
        assert!(found("live").await);
    }
}
