//! Receivers of events. What happened is taken from the record in its order, so nothing is told that is not in it, and
//! nothing is left out. One node at a time tells a sink, and what is about one person is told one after the other.
//!
//! A change writes its entry into the record and nothing else, so that it costs the same whoever is told of it.

mod content;
mod message;
mod outlet;
mod signed;
#[cfg(test)]
mod tests;
mod webhook;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use prometheus::{IntCounterVec, IntGaugeVec};
use sessera_accounts::hooks::caller::HookCaller;
use sessera_config::Config;
use sessera_config::events::Sink;
use sessera_issuer::Lease;
use sessera_model::{Clock, Timestamp, Uuid};
use sessera_store::{Change, Committer, Conflict, Delivery, DeliveryPage, SinkState, Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::snapshot::Snapshots;
use outlet::Outlet;

/// How often is looked for sinks that are new.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often sinks are forgotten that are configured no more.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// For how long a sink stays that somebody configured, although this node does not know it: longer than a change takes to it.
const WANTED_FOR: Duration = Duration::from_secs(600);

/// What happens to deliveries, in numbers. Clones count together.
#[derive(Clone, Debug)]
pub struct SinkNumbers {
    /// Messages by sink and by what became of them: `delivered`, `refused`, `given_up`.
    pub outcomes: IntCounterVec,
    /// Entries that wait, by sink. They are counted by the node that delivers.
    pub waiting: IntGaugeVec,
    /// Entries that were given up, by sink. They are counted by the node that delivers.
    pub given_up: IntGaugeVec,
}

/// Why a sink cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// It is not configured.
    #[error("there is no sink \"{0}\"")]
    Unknown(String),
    /// The record has no such entry.
    #[error("the record has no entry {after}: its last one is {last}")]
    NoEntry {
        /// The number that was asked for.
        after: i64,
        /// The number of the last entry.
        last: i64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One node's part in telling the sinks of its snapshots.
pub struct Sinks {
    /// Where the record is.
    pub store: Arc<dyn Store>,
    /// Commits what became of messages.
    pub committer: Committer,
    /// When they are due.
    pub clock: Arc<dyn Clock>,
    /// Which sinks there are.
    pub snapshots: Snapshots,
    /// Whether this node may sign with managed keys.
    pub lease: Arc<Lease>,
    /// Sends messages.
    pub sender: Arc<dyn HookCaller>,
    /// What happens to deliveries, in numbers.
    pub numbers: SinkNumbers,
    /// This node: an id that no other one has.
    pub node: Uuid,
}

impl Sinks {
    /// Begins the sinks of a configuration that have not begun, so that they are told of what happens from now on.
    pub async fn begin(&self, config: &Config) -> Result<(), StoreError> {
        let changes = begun(config, self.clock.now());
        if changes.is_empty() { Ok(()) } else { self.committer.commit(&changes).await }
    }

    /// Tells sinks until it is told to stop. Each has a task of its own, so that a slow one makes no other one wait.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut forget = tokio::time::interval(FORGET_EVERY);
        let (mut outlets, mut known) = (JoinSet::new(), HashSet::new());
        loop {
            tokio::select! {
                _ = look.tick() => {
                    for name in self.snapshots.load().config.events.sinks.keys() {
                        if known.insert(name.clone()) {
                            outlets.spawn(Outlet::new(self.clone(), name.clone()).run(stop.clone()));
                        }
                    }
                }
                _ = forget.tick() => self.forget().await,
                Some(Ok(ended)) = outlets.join_next() => {
                    known.remove(&ended);
                }
                () = stop.cancelled() => break,
            }
        }
        while outlets.join_next().await.is_some() {}
    }

    fn sink(&self, name: &str) -> Option<Sink> {
        self.snapshots.load().config.events.sinks.get(name).cloned()
    }

    /// Forgets what is known of sinks that are configured no more.
    async fn forget(&self) {
        let but = self.snapshots.load().config.events.sinks.keys().cloned().collect();
        let at = self.clock.now();
        let change = Change::ForgetSinks { but, wanted_since: at - WANTED_FOR, at };
        if let Err(error) = self.committer.commit(&[change]).await {
            tracing::warn!(%error, "sinks that are configured no more could not be forgotten; it is tried again");
        }
    }

    /// The sinks that are configured, with how they are doing.
    pub async fn all(&self) -> Result<Vec<(SinkState, Sink)>, StoreError> {
        let states = self.store.sinks().await?.into_iter();
        let configured = states.filter_map(|state| {
            let sink = self.sink(&state.sink)?;
            Some((state, sink))
        });
        Ok(configured.collect())
    }

    /// Deliveries that wait or were given up.
    pub async fn deliveries(&self, page: &DeliveryPage) -> Result<Vec<Delivery>, SinkError> {
        self.check(&page.sink)?;
        Ok(self.store.deliveries(page).await?)
    }

    /// Has entries delivered once more: everything behind the one with a number, or what was given up, and then what waits is
    /// tried at once.
    pub async fn replay(&self, sink: &str, after: Option<i64>) -> Result<(), SinkError> {
        self.check(sink)?;
        if let Some(after) = after {
            let last = self.store.audit_ends().await?.last.number;
            if !(0..=last).contains(&after) {
                return Err(SinkError::NoEntry { after, last });
            }
        }
        let change = Change::Replay { sink: sink.to_owned(), after, at: self.clock.now() };
        match self.committer.commit(&[change]).await {
            Err(StoreError::Conflict(Conflict::Missing)) => Err(SinkError::Unknown(sink.to_owned())),
            other => Ok(other?),
        }
    }

    fn check(&self, name: &str) -> Result<(), SinkError> {
        self.sink(name).map(drop).ok_or_else(|| SinkError::Unknown(name.to_owned()))
    }
}

/// What begins the sinks of a configuration that have not begun, and says of all that they are wanted.
pub(crate) fn begun(config: &Config, at: Timestamp) -> Vec<Change> {
    config.events.sinks.keys().map(|sink| Change::BeginSink { sink: sink.clone(), at }).collect()
}
