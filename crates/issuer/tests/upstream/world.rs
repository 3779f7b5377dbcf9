//! Sessions in front of an upstream that answers what a test tells it to. The clock stands still.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use sessera_issuer::sessions::Presented;
use sessera_issuer::upstream::{
    Asker, Bounds, Refusal, RefusalKind, Reply, Unanswered, UpstreamError, UpstreamSessions,
};
use sessera_issuer::{Compiled, IssuerError, IssuerMetrics, SessionCache, Sessions};
use sessera_model::{Clock as _, FixedClock, SystemRandom, Uuid};
use sessera_store::Committer;
use tokio::sync::watch;

use crate::deployment::Deployment;

/// An upstream in memory.
pub(crate) struct Upstream {
    /// Sessions by the text of their tokens.
    pub(crate) sessions: Mutex<HashMap<String, Value>>,
    /// Answers that come before those of `sessions`.
    pub(crate) queued: Mutex<VecDeque<Result<Reply, Unanswered>>>,
    pub(crate) asked: AtomicUsize,
    /// Which sessions the admin API was asked about.
    pub(crate) asked_by_id: Mutex<Vec<u128>>,
    pub(crate) under_way: AtomicUsize,
    pub(crate) most_under_way: AtomicUsize,
    /// Answers wait while it is true.
    pub(crate) held: watch::Sender<bool>,
}

#[async_trait]
impl Asker for Upstream {
    async fn whoami(&self, presented: Presented<'_>) -> Result<Reply, Unanswered> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        // What was queued is for the one who came first, however long it is held back.
        let queued = self.queued.lock().unwrap().pop_front();
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        let _ = self.held.subscribe().wait_for(|held| !held).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        queued.unwrap_or_else(|| {
            let known = self.sessions.lock().unwrap().get(presented.as_str()).cloned();
            Ok(known.map_or_else(|| refusal(RefusalKind::NoSession, None), |session| told(&session)))
        })
    }

    async fn session(&self, id: Uuid) -> Result<Reply, Unanswered> {
        self.asked_by_id.lock().unwrap().push(id.as_u128());
        if let Some(queued) = self.queued.lock().unwrap().pop_front() {
            return queued;
        }
        let sessions = self.sessions.lock().unwrap();
        let known = sessions.values().find(|session| session["id"] == json!(id));
        Ok(known.map_or(Reply::Unknown, told))
    }

    async fn revoke(&self, _: Uuid) -> Result<(), Unanswered> {
        Ok(())
    }
}

pub(crate) fn told(session: &Value) -> Reply {
    told_for(session, None)
}

pub(crate) fn told_for(session: &Value, cache_for: Option<u64>) -> Reply {
    let cache_for = cache_for.map(Duration::from_secs);
    Reply::Session { body: session.to_string().into(), cookies: Vec::new(), cache_for }
}

pub(crate) fn refusal(kind: RefusalKind, retry_after: Option<u64>) -> Reply {
    let retry_after = retry_after.map(Duration::from_secs);
    Reply::Refused(Refusal {
        kind,
        body: "{}".into(),
        content_type: None,
        content_encoding: None,
        cookies: Vec::new(),
        retry_after,
    })
}

pub(crate) fn broken() -> Result<Reply, Unanswered> {
    Err(Unanswered::new("answered with the status 500"))
}

/// What a request was answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// The session of somebody, by number.
    Session(u128),
    NoSession,
    /// There are too many requests; how long to stay away.
    TooMany(u64),
    /// There is no answer, for this reason.
    Nothing(String),
}

/// Sessions in front of an upstream.
pub(crate) struct World {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) compiled: Compiled,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) metrics: IssuerMetrics,
    pub(crate) deployment: Deployment,
    pub(crate) source: Arc<UpstreamSessions>,
}

pub(crate) const USUAL: Bounds = Bounds {
    ttl: Duration::from_secs(30),
    timeout: Duration::from_secs(60),
    max_in_flight: 64,
    has_admin_api: true,
};

impl World {
    pub(crate) async fn new(bounds: Bounds) -> Arc<Self> {
        Self::stale(bounds, Duration::ZERO).await
    }

    /// Which sessions the admin API was asked about since the last call, in the order of their numbers.
    pub(crate) fn asked_by_id(&self) -> Vec<u128> {
        let mut asked = std::mem::take(&mut *self.upstream.asked_by_id.lock().unwrap());
        asked.sort_unstable();
        asked
    }

    pub(crate) async fn stale(bounds: Bounds, max_stale: Duration) -> Arc<Self> {
        let deployment = Deployment::start().await;
        let mut compiled = deployment.compiled(json!({})).await;
        compiled.settings.max_stale = max_stale;
        let upstream = Arc::new(Upstream {
            sessions: Mutex::default(),
            queued: Mutex::default(),
            asked: AtomicUsize::default(),
            asked_by_id: Mutex::default(),
            under_way: AtomicUsize::default(),
            most_under_way: AtomicUsize::default(),
            held: watch::channel(false).0,
        });
        let (clock, metrics) = (deployment.clock.clone(), IssuerMetrics::new().unwrap());
        let random = SystemRandom::default();
        let cache = Arc::new(SessionCache::new(1 << 20));
        let source = UpstreamSessions::new(
            upstream.clone(),
            deployment.store.clone(),
            Committer::new(deployment.store.clone(), vec![cache.clone()]),
            clock.clone(),
            &random,
            bounds,
            metrics.clone(),
        );
        let source = Arc::new(source);
        let sessions = Arc::new(Sessions::new(cache, source.clone(), clock.clone(), metrics.clone()));
        Arc::new(Self { upstream, sessions, compiled, clock, metrics, deployment, source })
    }

    /// The session of somebody that ends in an hour.
    pub(crate) fn session(&self, number: u128) -> Value {
        self.session_for(number, 3600)
    }

    pub(crate) fn session_for(&self, number: u128, seconds: u64) -> Value {
        json!({
            "id": Uuid::from_u128(number), "active": true,
            "expires_at": (self.clock.now() + Duration::from_secs(seconds)).to_string(),
            "identity": {"id": Uuid::from_u128(1000 + number), "traits": {}},
        })
    }

    /// From now on a token opens the session of somebody.
    pub(crate) fn knows(&self, token: &str, number: u128) {
        self.upstream.sessions.lock().unwrap().insert(token.into(), self.session(number));
    }

    /// From now on a token opens nothing.
    pub(crate) fn ends(&self, token: &str) {
        self.upstream.sessions.lock().unwrap().remove(token);
    }

    /// Answers the next question in this way.
    pub(crate) fn next(&self, answer: Result<Reply, Unanswered>) {
        self.upstream.queued.lock().unwrap().push_back(answer);
    }

    /// How many questions arrived since the last call.
    pub(crate) fn asked(&self) -> usize {
        self.upstream.asked.swap(0, Ordering::SeqCst)
    }

    pub(crate) async fn ask(&self, token: &str) -> Answered {
        match self.sessions.live(&self.compiled, Presented::Token(token)).await {
            Ok(live) => Answered::Session(live.session.id.as_u128()),
            Err(IssuerError::Upstream(UpstreamError::Paused(left))) => Answered::TooMany(left.as_secs()),
            Err(IssuerError::Upstream(UpstreamError::Refused(refusal))) => match refusal.kind {
                RefusalKind::TooMany => Answered::TooMany(refusal.retry_after.unwrap_or_default().as_secs()),
                _ => Answered::NoSession,
            },
            Err(error) => Answered::Nothing(error.to_string()),
        }
    }

    /// Asks beside others.
    pub(crate) fn asking(self: &Arc<Self>, token: &str) -> tokio::task::JoinHandle<Answered> {
        let (world, token) = (self.clone(), token.to_owned());
        tokio::spawn(async move { world.ask(&token).await })
    }
}

/// Waits for a condition. After a minute nothing will come any more.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it comes within a minute");
}
