//! From a presented credential to the live session behind it.

mod cache;
mod last_use;
mod live_session;
mod presented;
mod source;

use std::sync::Arc;

use sessera_model::{AssuranceLevel, Clock, CredentialKind, TokenHash};
use sessera_store::{Committer, StoreError};

use crate::compiled::Compiled;
use crate::error::IssuerError;
use crate::metrics::IssuerMetrics;
use last_use::LastUses;

pub use cache::SessionCache;
pub use live_session::LiveSession;
pub use presented::Presented;
pub(crate) use source::is_good;
pub use source::{OwnStore, Question, SessionSource};

/// Live sessions: memory, and behind it the source that keeps them.
pub struct Sessions {
    /// What the source told before.
    cache: Arc<SessionCache>,
    source: Arc<dyn SessionSource>,
    clock: Arc<dyn Clock>,
    metrics: IssuerMetrics,
    /// When sessions were last used, as far as that is to be written.
    last_uses: LastUses,
}

impl Sessions {
    /// Sessions of `source`, those in `cache` first. Whoever changes sessions of the source has the cache told
    /// of it: by a [`Committer`] of which it is a listener, and of what other nodes change by
    /// [`crate::nodes::listen`].
    pub fn new(
        cache: Arc<SessionCache>,
        source: Arc<dyn SessionSource>,
        clock: Arc<dyn Clock>,
        metrics: IssuerMetrics,
    ) -> Self {
        Self { cache, source, clock, metrics, last_uses: LastUses::default() }
    }

    /// What is in memory.
    pub const fn cache(&self) -> &Arc<SessionCache> {
        &self.cache
    }

    /// The live session that a credential opens. [`IssuerError::NoSession`] when there is none, it was
    /// revoked, has expired, is not carried so, or its owner may not sign in.
    pub async fn live(
        &self,
        compiled: &Compiled,
        presented: Presented<'_>,
    ) -> Result<Arc<LiveSession>, IssuerError> {
        let live = self.ask(compiled, TokenHash::of(presented.as_str()), Some(presented)).await?;
        if presented.may_open(live.kind) { Ok(live) } else { Err(IssuerError::NoSession) }
    }

    /// The live session of a credential of which only the hash was kept.
    pub async fn live_by_hash(
        &self,
        compiled: &Compiled,
        hash: TokenHash,
    ) -> Result<Arc<LiveSession>, IssuerError> {
        self.ask(compiled, hash, None).await
    }

    /// The live session that a credential opens, if it is in memory. Never waits.
    pub fn in_memory(&self, compiled: &Compiled, hash: &TokenHash) -> Option<Arc<LiveSession>> {
        // Before the cache looks at what changed: from the moment when changes are told again, it knows that
        // it may have missed some.
        if !self.source.tells_of_changes() {
            return None;
        }
        let now = self.clock.now();
        let live = self.cache.get(hash, now, &compiled.schemas_url)?;
        self.metrics.cache_hits.inc();
        self.last_uses.note(live.session.id, &live.last_use, now);
        Some(live)
    }

    async fn ask(
        &self,
        compiled: &Compiled,
        hash: TokenHash,
        presented: Option<Presented<'_>>,
    ) -> Result<Arc<LiveSession>, IssuerError> {
        if let Some(live) = self.in_memory(compiled, &hash) {
            return Ok(live);
        }
        self.metrics.cache_misses.inc();
        let now = self.clock.now();
        let read = self.cache.begin();
        let question = Question { hash, presented, now, schemas_url: &compiled.schemas_url };
        let found = match self.source.find(question).await {
            Err(IssuerError::Store(StoreError::Unavailable(what))) => {
                let max_stale = compiled.settings.max_stale;
                let allowed = !max_stale.is_zero() && self.source.untold_for() <= max_stale;
                let known = self.cache.get(&hash, now, &compiled.schemas_url).filter(|_| allowed);
                return known.ok_or_else(|| StoreError::Unavailable(what).into());
            }
            found => found?,
        };
        let live = Arc::new(found.ok_or(IssuerError::NoSession)?);
        self.last_uses.note(live.session.id, &live.last_use, now);
        self.cache.insert(read, hash, live.clone());
        Ok(live)
    }

    /// Whether it is known without asking that a session has proven what it must.
    pub fn is_assured(compiled: &Compiled, live: &LiveSession) -> bool {
        compiled.settings.second_factors.is_empty()
            || live.session.assurance_level >= AssuranceLevel::Aal2
            || live.second_factors.get().is_some_and(|known| !asks_for_one_of(compiled, known))
    }

    /// Makes sure that a session has proven all factors that its owner has set up, where the settings ask for
    /// that. [`IssuerError::SecondFactorNeeded`] otherwise.
    pub async fn require_assurance(
        &self,
        compiled: &Compiled,
        live: &LiveSession,
    ) -> Result<(), IssuerError> {
        if Self::is_assured(compiled, live) {
            return Ok(());
        }
        let known = match live.second_factors.get() {
            Some(known) => known,
            None => {
                let known = self.source.second_factors(live.session.identity_id).await?;
                // Another request that was faster got the same answer, because a change of credentials makes a new
                // live session.
                live.second_factors.get_or_init(|| known)
            }
        };
        if asks_for_one_of(compiled, known) { Err(IssuerError::SecondFactorNeeded) } else { Ok(()) }
    }

    /// Writes when sessions were last used. What cannot be written is lost: the next use is noted again.
    pub async fn write_last_uses(&self, committer: &Committer) {
        self.last_uses.write(committer).await;
    }
}

/// Whether one of these second factors can be given.
fn asks_for_one_of(compiled: &Compiled, known: &[CredentialKind]) -> bool {
    known.iter().any(|kind| compiled.settings.second_factors.contains(kind))
}

#[cfg(test)]
mod tests;
