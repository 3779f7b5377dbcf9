//! Sessions of an upstream: how long answers are kept, who shares a question, and when nobody asks. The clock stands
//! still, and the upstream answers what a test tells it to.

mod deployment;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use deployment::Deployment;
use serde_json::{Value, json};
use sessera_issuer::sessions::Presented;
use sessera_issuer::upstream::{
    Asker, Bounds, Refusal, RefusalKind, Reply, Unanswered, UpstreamError, UpstreamSessions,
};
use sessera_issuer::{Compiled, IssuerError, IssuerMetrics, SessionCache, Sessions};
use sessera_model::{Clock as _, FixedClock, SystemRandom, Uuid};
use tokio::sync::watch;

/// An upstream in memory.
struct Upstream {
    /// Sessions by the text of their tokens.
    sessions: Mutex<HashMap<String, Value>>,
    /// Answers that come before those of `sessions`.
    queued: Mutex<VecDeque<Result<Reply, Unanswered>>>,
    asked: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// Answers wait while it is true.
    held: watch::Sender<bool>,
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

    async fn session(&self, _: Uuid) -> Result<Reply, Unanswered> {
        Ok(Reply::Unknown)
    }

    async fn revoke(&self, _: Uuid) -> Result<(), Unanswered> {
        Ok(())
    }
}

fn told(session: &Value) -> Reply {
    told_for(session, None)
}

fn told_for(session: &Value, cache_for: Option<u64>) -> Reply {
    let cache_for = cache_for.map(Duration::from_secs);
    Reply::Session { body: session.to_string().into(), cookies: Vec::new(), cache_for }
}

fn refusal(kind: RefusalKind, retry_after: Option<u64>) -> Reply {
    let retry_after = retry_after.map(Duration::from_secs);
    Reply::Refused(Refusal { kind, body: "{}".into(), content_type: None, cookies: Vec::new(), retry_after })
}

fn broken() -> Result<Reply, Unanswered> {
    Err(Unanswered::new("answered with the status 500"))
}

/// What a request was answered.
#[derive(Debug, PartialEq, Eq)]
enum Answered {
    /// The session of somebody, by number.
    Session(u128),
    NoSession,
    /// There are too many requests; how long to stay away.
    TooMany(u64),
    /// There is no answer, for this reason.
    Nothing(String),
}

/// Sessions in front of an upstream.
struct World {
    upstream: Arc<Upstream>,
    sessions: Sessions,
    compiled: Compiled,
    clock: Arc<FixedClock>,
    metrics: IssuerMetrics,
    _deployment: Deployment,
}

const USUAL: Bounds = Bounds {
    ttl: Duration::from_secs(30),
    timeout: Duration::from_secs(60),
    max_in_flight: 64,
    has_admin_api: true,
};

impl World {
    async fn new(bounds: Bounds) -> Arc<Self> {
        Self::stale(bounds, Duration::ZERO).await
    }

    async fn stale(bounds: Bounds, max_stale: Duration) -> Arc<Self> {
        let deployment = Deployment::start().await;
        let mut compiled = deployment.compiled(json!({})).await;
        compiled.settings.max_stale = max_stale;
        let upstream = Arc::new(Upstream {
            sessions: Mutex::default(),
            queued: Mutex::default(),
            asked: AtomicUsize::default(),
            under_way: AtomicUsize::default(),
            most_under_way: AtomicUsize::default(),
            held: watch::channel(false).0,
        });
        let (clock, metrics) = (deployment.clock.clone(), IssuerMetrics::new().unwrap());
        let random = SystemRandom::default();
        let source = UpstreamSessions::new(upstream.clone(), clock.clone(), &random, bounds, metrics.clone());
        let cache = Arc::new(SessionCache::new(1 << 20));
        let sessions = Sessions::new(cache, Arc::new(source), clock.clone(), metrics.clone());
        Arc::new(Self { upstream, sessions, compiled, clock, metrics, _deployment: deployment })
    }

    /// The session of somebody that ends in an hour.
    fn session(&self, number: u128) -> Value {
        self.session_for(number, 3600)
    }

    fn session_for(&self, number: u128, seconds: u64) -> Value {
        json!({
            "id": Uuid::from_u128(number), "active": true,
            "expires_at": (self.clock.now() + Duration::from_secs(seconds)).to_string(),
            "identity": {"id": Uuid::from_u128(1000 + number), "traits": {}},
        })
    }

    /// From now on a token opens the session of somebody.
    fn knows(&self, token: &str, number: u128) {
        self.upstream.sessions.lock().unwrap().insert(token.into(), self.session(number));
    }

    /// From now on a token opens nothing.
    fn ends(&self, token: &str) {
        self.upstream.sessions.lock().unwrap().remove(token);
    }

    /// Answers the next question in this way.
    fn next(&self, answer: Result<Reply, Unanswered>) {
        self.upstream.queued.lock().unwrap().push_back(answer);
    }

    /// How many questions arrived since the last call.
    fn asked(&self) -> usize {
        self.upstream.asked.swap(0, Ordering::SeqCst)
    }

    async fn ask(&self, token: &str) -> Answered {
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
    fn asking(self: &Arc<Self>, token: &str) -> tokio::task::JoinHandle<Answered> {
        let (world, token) = (self.clone(), token.to_owned());
        tokio::spawn(async move { world.ask(&token).await })
    }
}

/// Waits for a condition. After a minute nothing will come any more.
async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it comes within a minute");
}

#[tokio::test]
async fn an_answer_is_kept_for_the_shortest_of_all_times() {
    for (ttl, expires, cache_for, kept) in [
        (30, 3600, None, 30),
        (30, 3600, Some(7), 7),
        (30, 3600, Some(70), 30),
        (30, 3600, Some(0), 0),
        (30, 20, Some(25), 20),
        (0, 3600, None, 0),
    ] {
        let world = World::new(Bounds { ttl: Duration::from_secs(ttl), ..USUAL }).await;
        world.next(Ok(told_for(&world.session_for(1, expires), cache_for)));
        assert_eq!(world.ask("t").await, Answered::Session(1));
        world.asked();
        if kept > 0 {
            world.clock.advance(Duration::from_micros(kept * 1_000_000 - 1));
            assert_eq!(world.ask("t").await, Answered::Session(1));
            assert_eq!(world.asked(), 0, "{ttl} {expires} {cache_for:?}");
            world.clock.advance(Duration::from_micros(1));
        }
        assert_eq!(world.ask("t").await, Answered::NoSession, "it was revoked there");
        assert_eq!(world.asked(), 1, "{ttl} {expires} {cache_for:?}");
    }
}

#[tokio::test]
async fn when_the_upstream_asks_for_a_pause_nobody_is_sent_there_until_it_is_over() {
    for (said, pause) in [(Some(5), 5), (None, 1)] {
        let world = World::new(USUAL).await;
        world.next(Ok(refusal(RefusalKind::TooMany, said)));
        assert_eq!(world.ask("t").await, Answered::TooMany(said.unwrap_or_default()));
        world.knows("t", 1);
        world.asked();
        for token in ["t", "another"] {
            assert_eq!(world.ask(token).await, Answered::TooMany(pause));
        }
        assert_eq!(world.asked(), 0);
        world.clock.advance(Duration::from_secs(pause));
        assert_eq!(world.ask("t").await, Answered::Session(1));
    }
}

#[tokio::test]
async fn what_is_a_little_too_old_is_answered_only_while_nobody_can_say_and_where_it_is_allowed() {
    let world = World::stale(USUAL, Duration::from_secs(60)).await;
    world.knows("t", 1);
    assert_eq!(world.ask("t").await, Answered::Session(1));
    world.clock.advance(Duration::from_secs(60));
    world.next(broken());
    assert_eq!(world.ask("t").await, Answered::Session(1), "the upstream gives no answer");
    assert_eq!(world.metrics.stale_answers.get(), 1);
    world.next(Ok(refusal(RefusalKind::TooMany, Some(1))));
    assert_eq!(world.ask("t").await, Answered::TooMany(1), "that is an answer");
    world.clock.advance(Duration::from_secs(29));
    world.next(broken());
    assert_eq!(world.ask("t").await, Answered::Session(1));
    world.clock.advance(Duration::from_secs(1));
    world.next(broken());
    assert!(matches!(world.ask("t").await, Answered::Nothing(_)), "it is too old");
    world.ends("t");
    assert_eq!(world.ask("t").await, Answered::NoSession, "the upstream says so");
}

#[tokio::test]
async fn another_person_s_session_for_the_same_token_takes_the_place_of_the_first() {
    let world = World::new(USUAL).await;
    world.knows("t", 1);
    assert_eq!(world.ask("t").await, Answered::Session(1));
    world.knows("t", 2);
    world.clock.advance(Duration::from_secs(30));
    for _ in 0..2 {
        assert_eq!(world.ask("t").await, Answered::Session(2));
    }
}

#[tokio::test]
async fn a_herd_with_one_credential_is_one_question() {
    let world = World::new(USUAL).await;
    world.knows("t", 1);
    assert_eq!(world.ask("t").await, Answered::Session(1));
    world.clock.advance(USUAL.ttl);
    world.asked();
    world.upstream.held.send_replace(true);
    let misses = world.metrics.cache_misses.get();
    let herd: Vec<_> = (0..2000).map(|_| world.asking("t")).collect();
    until(|| world.metrics.cache_misses.get() == misses + 2000).await;
    world.upstream.held.send_replace(false);
    for request in herd {
        assert_eq!(request.await.unwrap(), Answered::Session(1));
    }
    assert_eq!((world.asked(), world.metrics.upstream_joined.get()), (1, 1999));
}

#[tokio::test]
async fn never_more_questions_than_allowed_are_under_way() {
    let world = World::new(Bounds { max_in_flight: 5, ..USUAL }).await;
    world.upstream.held.send_replace(true);
    let herd: Vec<_> = (0..2000)
        .map(|number| {
            world.knows(&number.to_string(), number);
            (number, world.asking(&number.to_string()))
        })
        .collect();
    until(|| {
        world.metrics.cache_misses.get() == 2000 && world.upstream.under_way.load(Ordering::SeqCst) == 5
    })
    .await;
    world.upstream.held.send_replace(false);
    for (number, request) in herd {
        assert_eq!(request.await.unwrap(), Answered::Session(number));
    }
    assert_eq!((world.asked(), world.upstream.most_under_way.load(Ordering::SeqCst)), (2000, 5));
}

#[tokio::test]
async fn who_waits_for_an_answer_or_a_turn_for_too_long_is_told_to_come_back() {
    let bounds = Bounds { timeout: Duration::from_millis(50), max_in_flight: 1, ..USUAL };
    let world = World::new(bounds).await;
    world.upstream.held.send_replace(true);
    // The second may get its turn when the first gives up, but not the third, too.
    let clients = ["a", "b", "c"].map(|token| world.asking(token));
    let mut told = String::new();
    for client in clients {
        let Answered::Nothing(reason) = client.await.unwrap() else { panic!("there is no answer") };
        told += &reason;
    }
    assert!(told.contains("did not answer within") && told.contains("too many questions"), "{told}");
}

#[tokio::test]
async fn a_question_that_was_asked_before_a_change_is_not_joined_after_it() {
    let world = World::new(USUAL).await;
    world.upstream.held.send_replace(true);
    world.next(Ok(told(&world.session(1))));
    let early = world.asking("t");
    until(|| world.upstream.under_way.load(Ordering::SeqCst) == 1).await;
    world.sessions.cache().drop_session(Uuid::from_u128(1));
    let late = world.asking("t");
    until(|| world.upstream.under_way.load(Ordering::SeqCst) == 2).await;
    world.upstream.held.send_replace(false);
    assert_eq!(early.await.unwrap(), Answered::Session(1));
    assert_eq!(late.await.unwrap(), Answered::NoSession);
    assert_eq!(world.ask("t").await, Answered::NoSession, "what was answered before the change is not kept");
}
