//! Requests that somebody tries: they are judged as those about which a proxy asks, and nothing is left of them. They are
//! not counted, no session was used by them, and nobody is ever given their tokens.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use prometheus::{IntCounterVec, Opts};
use sessera_issuer::sessions::{Found, Opens, Presented, Question as Asked, SessionSource, Sought};
use sessera_issuer::{
    IssuerError, IssuerMetrics, Lease, LiveSession, ReusedTokens, SessionCache, Sessions, TokenIssuer,
};
use sessera_model::{Clock, CredentialKind, Random, StatusIndex, TokenHash, Uuid};

use crate::decision::Decision;
use crate::gateway::Gateway;
use crate::question::Question;

/// What a request that is tried carries in place of what would open the session that was chosen for it.
pub const CHOSEN: &str = "the-session-that-was-chosen";

/// How many bytes of sessions are kept for one request.
const KEPT: u64 = 1 << 20;

/// Judges requests that somebody tries.
#[derive(Clone)]
pub struct Rehearsal {
    /// The judge that answers proxies.
    pub gateway: Gateway,
    /// Where sessions are kept.
    pub source: Arc<dyn SessionSource>,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Where the ids of tokens come from.
    pub random: Arc<dyn Random>,
    /// Whether this node may sign with managed keys.
    pub lease: Arc<Lease>,
}

impl Rehearsal {
    /// What would be decided if a proxy asked. Whatever carries [`CHOSEN`] has the session `chosen`, or one that is over.
    pub async fn judge(
        &self,
        question: &Question<'_>,
        chosen: Option<Arc<LiveSession>>,
    ) -> Result<Decision, prometheus::Error> {
        // Everything in which something would be left is made for this request alone.
        let numbers = IssuerMetrics::new()?;
        let source = WithChosen { source: self.source.clone(), chosen };
        let cache = Arc::new(SessionCache::new(KEPT));
        let sessions = Sessions::new(cache.clone(), Arc::new(source), self.clock.clone(), numbers.clone());
        let sessions = Arc::new(sessions);
        let (clock, random) = (self.clock.clone(), self.random.clone());
        let tokens = TokenIssuer::new(clock, random, self.lease.clone(), numbers.clone()).for_trials();
        let tokens =
            ReusedTokens::new(cache, Arc::new(tokens), self.lease.clone(), self.clock.clone(), numbers);
        let tried = Opts::new("tried_cookies", "Cookies of an Ory Kratos that were tried.");
        let gateway = Gateway {
            sessions,
            tokens: Arc::new(tokens),
            kratos_cookies: IntCounterVec::new(tried, &["form"])?,
            traces: None,
            ..self.gateway.clone()
        };
        Ok(gateway.judged(question).await)
    }
}

/// Sessions among which is one that was chosen.
struct WithChosen {
    source: Arc<dyn SessionSource>,
    chosen: Option<Arc<LiveSession>>,
}

impl WithChosen {
    fn is_chosen(sought: Sought<'_>) -> bool {
        matches!(
            sought,
            Sought::Presented(Presented::Token(text) | Presented::Cookie(text)) if text == CHOSEN
        )
    }
}

#[async_trait]
impl SessionSource for WithChosen {
    fn key(&self, sought: Sought<'_>) -> Option<TokenHash> {
        if Self::is_chosen(sought) { None } else { self.source.key(sought) }
    }

    async fn sought_at(&self, index: StatusIndex) -> Result<Option<Sought<'static>>, IssuerError> {
        self.source.sought_at(index).await
    }

    async fn find(&self, question: Asked<'_>) -> Result<Option<Found>, IssuerError> {
        if !Self::is_chosen(question.sought) {
            return self.source.find(question).await;
        }
        let found = |live: &Arc<LiveSession>| Found {
            live: live.clone(),
            read: question.read,
            cookies: Arc::default(),
        };
        Ok(self.chosen.as_ref().map(found))
    }

    fn kept(&self, cookie: &str) -> Opens {
        self.source.kept(cookie)
    }

    async fn second_factors(&self, identity_id: Uuid) -> Result<Vec<CredentialKind>, IssuerError> {
        self.source.second_factors(identity_id).await
    }

    fn tells_of_changes(&self) -> bool {
        self.source.tells_of_changes()
    }

    fn grace(&self, max_stale: Duration) -> Option<Duration> {
        self.source.grace(max_stale)
    }
}
