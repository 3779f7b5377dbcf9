//! Asking an upstream, beside all requests, whether the sessions are still live that status lists tell of.

use std::sync::Arc;
use std::time::Duration;

use sessera_model::{Clock, Timestamp};
use sessera_store::{Change, Committer, DueRechecks, Outstanding, Store};
use tokio::task::JoinSet;

use super::source::UpstreamSessions;
use crate::error::IssuerError;
use crate::metrics::IssuerMetrics;

/// For how long nobody else asks about sessions that were taken, so that those of a node that ended are asked about
/// again.
const TAKEN_FOR: Duration = Duration::from_secs(60);

/// How many of these questions are under way at the same time, so that requests find turns.
const AT_ONCE: usize = 4;

/// Asks about the sessions that have a place in the status lists, within a budget, the one first about which nobody
/// asked for longest.
pub struct Rechecks {
    sessions: Arc<UpstreamSessions>,
    store: Arc<dyn Store>,
    committer: Committer,
    clock: Arc<dyn Clock>,
    metrics: IssuerMetrics,
    per_look: u32,
}

impl Rechecks {
    /// Rechecks of `sessions` whose places are in `store`, at most `per_look` at each [look](Self::look).
    pub fn new(
        sessions: Arc<UpstreamSessions>,
        store: Arc<dyn Store>,
        committer: Committer,
        clock: Arc<dyn Clock>,
        metrics: IssuerMetrics,
        per_look: u32,
    ) -> Self {
        Self { sessions, store, committer, clock, metrics, per_look }
    }

    /// Asks about as many sessions as may be, of those about which nobody asked for `period` or that have changed, and
    /// notes what became of them. One about which the upstream gives no answer is asked about again later.
    pub async fn look(&self, period: Duration) -> Result<(), IssuerError> {
        let now = self.clock.now();
        let taking =
            DueRechecks { asked_before: now - period, now, until: now + TAKEN_FOR, limit: self.per_look };
        let taken = self.store.take_sessions_elsewhere(taking).await?;
        self.note_age(&taken, now, period);
        let mut asked = JoinSet::new();
        let (mut live, mut changes) = (Vec::new(), Vec::new());
        let mut waiting = taken.into_iter();
        loop {
            while asked.len() < AT_ONCE
                && let Some(next) = waiting.next()
            {
                let sessions = self.sessions.clone();
                asked.spawn(async move { (next, sessions.is_live(next.id).await) });
            }
            match asked.join_next().await {
                Some(Ok((asked, Ok(true)))) => live.push(asked.id),
                Some(Ok((Outstanding { id, identity_id, .. }, Ok(false)))) => {
                    // Whoever was told later than this that it is live knows better.
                    let at = self.clock.now();
                    changes.push(Change::EndElsewhere { id, identity_id, at });
                }
                // The source has told of its trouble; the session's turn comes again.
                Some(_) => {}
                None => break,
            }
        }
        if !live.is_empty() {
            changes.push(Change::LiveElsewhere { ids: live, at: now });
        }
        if !changes.is_empty() {
            self.committer.commit(&changes).await?;
        }
        Ok(())
    }

    /// Notes how long nobody asked about the session whose turn is now. Those that have changed are no measure.
    fn note_age(&self, taken: &[Outstanding], now: Timestamp, period: Duration) {
        let oldest = taken.iter().map(|one| one.asked_at).filter(|at| at.micros() > 0).min();
        let age = oldest.map_or(period, |at| now.since(at));
        self.metrics.recheck_age.set(age.as_secs_f64());
    }
}
