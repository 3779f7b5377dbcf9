//! From a presented session token to the live session behind it.

mod by_template;
mod cache;
mod kept_tokens;
mod last_use;
mod live_session;
mod mapped;
mod presented;
mod source;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sessera_model::{AssuranceLevel, Clock, CredentialKind, StatusIndex, TokenHash, Uuid};
use sessera_store::Committer;

use crate::compiled::Compiled;
use crate::error::IssuerError;
use crate::metrics::IssuerMetrics;
use crate::settings::Assurance;
use last_use::LastUses;

pub use cache::{Reading, SessionCache};
pub use kept_tokens::GivenToken;
pub use live_session::LiveSession;
pub use presented::{Opens, Presented};
pub use source::{Found, OwnStore, Question, SessionSource, Sought};

/// A session that a session token opens.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// The session.
    pub live: Arc<LiveSession>,
    /// Cookies that go to whoever presented the session token, as they were told where the session is kept.
    pub cookies: Arc<[Bytes]>,
}

/// Whose session a session token opens.
#[derive(Clone, Debug)]
pub struct Owner {
    /// The identity.
    pub identity: Uuid,
    /// Cookies that go to whoever presented the session token, as they were told where the session is kept.
    pub cookies: Arc<[Bytes]>,
}

/// How a signed token names its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// By the session's id.
    Id(Uuid),
    /// By the session's place in the status lists.
    Status(StatusIndex),
}

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

    /// The live session that a session token opens. [`IssuerError::NoSession`] when there is none, it was
    /// revoked, has expired, is not carried so, or its owner may not sign in.
    pub async fn live(
        &self,
        compiled: &Compiled,
        presented: Presented<'_>,
    ) -> Result<Arc<LiveSession>, IssuerError> {
        Ok(self.recognised(compiled, presented).await?.live)
    }

    /// The live session that a session token opens, with the cookies that go to whoever presented it.
    pub async fn recognised(
        &self,
        compiled: &Compiled,
        presented: Presented<'_>,
    ) -> Result<Recognised, IssuerError> {
        let recognised = self.ask(compiled, Sought::Presented(presented)).await?;
        if presented.may_open(recognised.live.kind) { Ok(recognised) } else { Err(IssuerError::NoSession) }
    }

    /// The live session that a session token opens, if one is presented and opens one.
    pub async fn optional(
        &self,
        compiled: &Compiled,
        presented: Option<Presented<'_>>,
    ) -> Result<Option<Arc<LiveSession>>, IssuerError> {
        let Some(presented) = presented else { return Ok(None) };
        match self.live(compiled, presented).await {
            Err(error) if error.is_no_session() => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    /// Whose session a session token opens, also when what is known about it is too old to be answered. Nothing when it
    /// opens none. The error says why nobody can tell.
    pub async fn owner(
        &self,
        compiled: &Compiled,
        presented: Presented<'_>,
    ) -> Result<Option<Owner>, IssuerError> {
        let key = self.source.key(Sought::Presented(presented));
        let known = key.and_then(|key| {
            self.cache.get_aged(&key, self.clock.now(), &compiled.schemas_url, Duration::MAX)
        });
        let Recognised { live, cookies } = match known {
            Some(live) => Recognised { live, cookies: Arc::default() },
            None => match self.recognised(compiled, presented).await {
                Err(error) if error.is_no_session() => return Ok(None),
                outcome => outcome?,
            },
        };
        Ok(Some(Owner { identity: live.session.identity_id, cookies }))
    }

    /// What is to be kept of a cookie so that [`Self::live_again`] finds its session.
    pub fn kept(&self, cookie: &str) -> Opens {
        self.source.kept(cookie)
    }

    /// The live session of a session token that was kept.
    pub async fn live_again(
        &self,
        compiled: &Compiled,
        opens: &Opens,
    ) -> Result<Arc<LiveSession>, IssuerError> {
        let sought = match opens {
            Opens::Session(hash) => Sought::Hash(*hash),
            Opens::Cookie(cookie) => Sought::Presented(Presented::Cookie(cookie.expose())),
        };
        Ok(self.ask(compiled, sought).await?.live)
    }

    /// The live session that a signed token names, if there is one.
    pub async fn named(
        &self,
        compiled: &Compiled,
        by: Named,
    ) -> Result<Option<Arc<LiveSession>>, IssuerError> {
        let sought = match by {
            Named::Id(id) => Sought::Id(id),
            Named::Status(index) => match self.source.sought_at(index).await? {
                Some(sought) => sought,
                None => return Ok(None),
            },
        };
        match self.ask(compiled, sought).await {
            Err(error) if error.is_no_session() => Ok(None),
            outcome => outcome.map(|recognised| Some(recognised.live)),
        }
    }

    /// The live session that a session token opens, if it is in memory. Never waits.
    pub fn in_memory(&self, compiled: &Compiled, presented: Presented<'_>) -> Option<Arc<LiveSession>> {
        self.remembered(compiled, &self.source.key(Sought::Presented(presented))?)
    }

    fn remembered(&self, compiled: &Compiled, key: &TokenHash) -> Option<Arc<LiveSession>> {
        // Before the cache looks at what changed: from the moment when changes are told again, it knows that
        // it may have missed some.
        if !self.source.tells_of_changes() {
            return None;
        }
        let now = self.clock.now();
        let live = self.cache.get(key, now, &compiled.schemas_url)?;
        self.metrics.cache_hits.inc();
        self.last_uses.note(live.session.id, &live.last_use, now);
        Some(live)
    }

    async fn ask(&self, compiled: &Compiled, sought: Sought<'_>) -> Result<Recognised, IssuerError> {
        let key = self.source.key(sought);
        if let Some(live) = key.and_then(|key| self.remembered(compiled, &key)) {
            return Ok(Recognised { live, cookies: Arc::default() });
        }
        // A session that is kept under another session token of it is found by its id.
        if let (Sought::Id(id), Some(_)) = (sought, key)
            && let Some(other) = self.cache.key_of(id)
            && let Some(live) = self.remembered(compiled, &other).filter(|live| live.session.id == id)
        {
            return Ok(Recognised { live, cookies: Arc::default() });
        }
        self.metrics.cache_misses.inc_by(u64::from(key.is_some()));
        loop {
            let (now, read) = (self.clock.now(), self.cache.begin());
            let question = Question { sought, read, now, schemas_url: &compiled.schemas_url };
            let found = match self.source.find(question).await {
                Err(error) if error.is_unavailable() => {
                    let grace = self.source.grace(compiled.settings.max_stale);
                    let known = key.zip(grace).and_then(|(key, grace)| {
                        self.cache.get_aged(&key, now, &compiled.schemas_url, grace)
                    });
                    self.metrics.stale_answers.inc_by(u64::from(known.is_some()));
                    let live = known.ok_or(error)?;
                    return Ok(Recognised { live, cookies: Arc::default() });
                }
                Ok(Some(found)) => found,
                refused => {
                    let error = refused.err().unwrap_or(IssuerError::NoSession);
                    // Later it would be answered while the source cannot be asked.
                    if error.is_refusal()
                        && let Some(id) = key.and_then(|key| self.cache.drop_refused(&key))
                    {
                        self.source.refused(id);
                    }
                    return Err(error);
                }
            };
            let Found { live, read: asked, cookies } = found;
            let Some(key) = key else { return Ok(Recognised { live, cookies }) };
            // An earlier request asked, and something changed before this one came: it must see the change.
            if asked != read && !self.cache.is_current(asked, &key, &live) {
                continue;
            }
            self.last_uses.note(live.session.id, &live.last_use, now);
            self.cache.insert(asked, key, live.clone());
            if self.source.key(Sought::Id(live.session.id)).is_some() {
                self.cache.note_key(live.session.id, key);
            }
            return Ok(Recognised { live, cookies });
        }
    }

    /// Whether it is known without asking that a session has proven what the settings ask for.
    pub fn is_assured(compiled: &Compiled, live: &LiveSession) -> bool {
        Self::proves(compiled, live, compiled.settings.assurance) == Some(true)
    }

    /// Whether a session has proven what is asked for; nothing where that is not known without asking.
    pub fn proves(compiled: &Compiled, live: &LiveSession, asked: Assurance) -> Option<bool> {
        let has_two = live.session.assurance_level >= AssuranceLevel::Aal2;
        match asked {
            Assurance::One => Some(true),
            Assurance::Two => Some(has_two),
            Assurance::HighestAvailable if has_two || compiled.settings.second_factors.is_empty() => {
                Some(true)
            }
            Assurance::HighestAvailable => {
                live.second_factors.get().map(|known| !asks_for_one_of(compiled, known))
            }
        }
    }

    /// Makes sure that a session has proven what the settings ask for. [`IssuerError::SecondFactorNeeded`]
    /// otherwise.
    pub async fn require_assurance(
        &self,
        compiled: &Compiled,
        live: &LiveSession,
    ) -> Result<(), IssuerError> {
        self.require(compiled, live, compiled.settings.assurance).await
    }

    /// Makes sure that a session has proven what is asked for. [`IssuerError::SecondFactorNeeded`] otherwise.
    pub async fn require(
        &self,
        compiled: &Compiled,
        live: &LiveSession,
        asked: Assurance,
    ) -> Result<(), IssuerError> {
        let proves = match Self::proves(compiled, live, asked) {
            Some(proves) => proves,
            None => {
                let known = self.source.second_factors(live.session.identity_id).await?;
                // Another request that was faster got the same answer, because a change of credentials makes a new
                // live session.
                !asks_for_one_of(compiled, live.second_factors.get_or_init(|| known))
            }
        };
        if proves { Ok(()) } else { Err(IssuerError::SecondFactorNeeded) }
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
