//! Sessions of an upstream, as the cache asks about them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use bytes::Bytes;
use sessera_model::{Clock, CredentialKind, Random, Secret, StatusIndex, Timestamp, TokenHash, Uuid};
use sessera_store::{Change, Committer, SessionKind, Store};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::asker::{Asker, Reply, Unanswered};
use super::gate::Gate;
use super::outage::Outage;
use super::shared_questions::{Answer, SharedQuestions};
use super::told;
use crate::error::IssuerError;
use crate::introspection::looks_signed;
use crate::metrics::IssuerMetrics;
use crate::sessions::{Found, LiveSession, Opens, Presented, Question, Reading, SessionSource, Sought};
use crate::upstream_error::{Refusal, RefusalKind, UpstreamApi, UpstreamError};

/// Within what an upstream is asked.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long an answer is kept at the most.
    pub ttl: Duration,
    /// How long one question may take, and how long one may wait for its turn before.
    pub timeout: Duration,
    /// How many questions may be under way at the same time.
    pub max_in_flight: usize,
    /// Whether the admin API can be asked.
    pub has_admin_api: bool,
}

/// Sessions that an upstream keeps.
pub struct UpstreamSessions(Arc<Inner>);

struct Inner {
    asker: Arc<dyn Asker>,
    /// Where the places in the status lists are.
    store: Arc<dyn Store>,
    /// By which other nodes hear of refusals.
    committer: Committer,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    metrics: IssuerMetrics,
    /// Keys the hashes under which answers are kept. It is made up at each start.
    hashing: hmac::Key,
    turns: Semaphore,
    public: Side,
    admin: Side,
    questions: SharedQuestions<Option<SharedOutcome>>,
}

/// What is known of one of the upstream's APIs: it may be away or ask for a pause while the other answers.
#[derive(Default)]
struct Side {
    gate: Gate,
    outage: Mutex<Outage>,
}

/// What all who asked about the same session token are answered.
#[derive(Clone, Debug)]
struct SharedOutcome {
    live: Arc<LiveSession>,
    cookies: Arc<[Bytes]>,
    read: Reading,
}

/// What is asked about, for as long as the question takes.
enum QuestionKey {
    Token(Secret),
    Cookie(Secret),
    Bearer(Secret),
    Session(Uuid),
}

impl QuestionKey {
    /// Which API is asked.
    const fn api(&self) -> UpstreamApi {
        match self {
            Self::Token(_) | Self::Cookie(_) | Self::Bearer(_) => UpstreamApi::Public,
            Self::Session(_) => UpstreamApi::Admin,
        }
    }
}

impl UpstreamSessions {
    /// Sessions of the upstream that `asker` asks, whose places in the status lists are in `store`. Other nodes hear of
    /// refusals by `committer`.
    pub fn new(
        asker: Arc<dyn Asker>,
        store: Arc<dyn Store>,
        committer: Committer,
        clock: Arc<dyn Clock>,
        random: &dyn Random,
        bounds: Bounds,
        metrics: IssuerMetrics,
    ) -> Self {
        let mut key = [0; 32];
        random.fill(&mut key);
        Self(Arc::new(Inner {
            asker,
            store,
            committer,
            clock,
            bounds,
            metrics,
            hashing: hmac::Key::new(hmac::HMAC_SHA256, &key),
            turns: Semaphore::new(bounds.max_in_flight.min(Semaphore::MAX_PERMITS)),
            public: Side::default(),
            admin: Side::default(),
            questions: SharedQuestions::default(),
        }))
    }

    /// Notes that one of the upstream's APIs gave no answer to a request that was passed on, and what it did instead.
    pub fn note_unanswered(&self, api: UpstreamApi, why: Unanswered) -> UpstreamError {
        self.0.unanswered(api, why)
    }

    /// Notes that one of the upstream's APIs answered a request that was passed on.
    pub fn note_answered(&self, api: UpstreamApi) {
        self.0.answered(api);
    }

    /// What the upstream did instead of answering when it was last asked, with the key of each of its APIs that gave no
    /// answer; nothing when both answered.
    pub fn outage(&self) -> Option<String> {
        let of = |api: UpstreamApi| {
            let what = self.0.outage(api).now.clone()?;
            Some(format!("{what} ({})", api.key()))
        };
        let told: Vec<_> = [UpstreamApi::Public, UpstreamApi::Admin].into_iter().filter_map(of).collect();
        (!told.is_empty()).then(|| told.join("; it "))
    }

    /// Whether the session with an id is live, which the admin API is asked.
    pub(super) async fn is_live(&self, id: Uuid) -> Result<bool, UpstreamError> {
        if !self.0.bounds.has_admin_api {
            return Err(UpstreamError::NoAdminApi);
        }
        self.0.is_live(id).await
    }

    /// Ends a session at the upstream. Whoever calls it drops the session from memory.
    pub async fn revoke(&self, id: Uuid) -> Result<(), UpstreamError> {
        if !self.0.bounds.has_admin_api {
            return Err(UpstreamError::NoAdminApi);
        }
        let revoked = timeout(self.0.bounds.timeout, self.0.asker.revoke(id)).await;
        let revoked = revoked.unwrap_or_else(|_| Err(self.0.too_slow()));
        revoked.map_err(|why| self.0.unanswered(UpstreamApi::Admin, why))
    }
}

#[async_trait]
impl SessionSource for UpstreamSessions {
    /// Session tokens of two kinds are never taken for each other: a text may open a session as a token and none as
    /// a cookie.
    fn key(&self, sought: Sought<'_>) -> Option<TokenHash> {
        let (kind, text) = match &sought {
            Sought::Presented(Presented::Token(text)) => (b't', text.as_bytes()),
            Sought::Presented(Presented::Cookie(text)) => (b'c', text.as_bytes()),
            Sought::Presented(Presented::Bearer(text)) => (b'b', text.as_bytes()),
            Sought::Id(id) => (b'i', id.as_bytes().as_slice()),
            Sought::Hash(_) | Sought::Status(_) => return None,
        };
        let mut hash = hmac::Context::with_key(&self.0.hashing);
        hash.update(&[kind]);
        hash.update(text);
        TokenHash::from_bytes(hash.sign().as_ref())
    }

    async fn sought_at(&self, index: StatusIndex) -> Result<Option<Sought<'static>>, IssuerError> {
        Ok(self.0.store.session_elsewhere(index).await?.map(Sought::Id))
    }

    async fn find(&self, question: Question<'_>) -> Result<Option<Found>, IssuerError> {
        let about = match question.sought {
            // No session token of an upstream has such a form, and a token that was signed here is nothing to it.
            Sought::Presented(Presented::Token(text) | Presented::Bearer(text)) if looks_signed(text) => {
                return Ok(None);
            }
            Sought::Presented(Presented::Token(text)) => QuestionKey::Token(text.into()),
            Sought::Presented(Presented::Cookie(text)) => QuestionKey::Cookie(text.into()),
            Sought::Presented(Presented::Bearer(text)) => QuestionKey::Bearer(text.into()),
            Sought::Id(_) if !self.0.bounds.has_admin_api => return Err(UpstreamError::NoAdminApi.into()),
            Sought::Id(id) => QuestionKey::Session(id),
            // No hash opens anything at an upstream, and it knows no places in status lists.
            Sought::Hash(_) | Sought::Status(_) => return Ok(None),
        };
        let Some(key) = self.key(question.sought) else { return Ok(None) };
        let (inner, schemas_url) = (self.0.clone(), question.schemas_url.clone());
        let ask = async move { inner.ask(about, question.read, schemas_url).await };
        let (told, joined) = self.0.questions.answer(key, question.read, ask).await;
        self.0.metrics.upstream_joined.inc_by(u64::from(joined));
        Ok(told?.map(|SharedOutcome { live, cookies, read }| Found { live, read, cookies }))
    }

    fn refused(&self, id: Uuid) {
        let committer = self.0.committer.clone();
        tokio::spawn(async move {
            if let Err(error) = committer.commit(&[Change::Forget(Some(id))]).await {
                tracing::warn!(%error, "other nodes do not know that a session is refused by the upstream; they notice when session.upstream.ttl is over");
            }
        });
    }

    fn kept(&self, cookie: &str) -> Opens {
        Opens::Cookie(cookie.into())
    }

    /// The upstream judges that itself, and refuses a session that has to prove more.
    async fn second_factors(&self, _: Uuid) -> Result<Vec<CredentialKind>, IssuerError> {
        Ok(Vec::new())
    }

    /// Nobody tells of what changes at the upstream, which is why answers are kept for a short time only.
    fn tells_of_changes(&self) -> bool {
        true
    }

    fn grace(&self, max_stale: Duration) -> Option<Duration> {
        (!max_stale.is_zero()).then_some(max_stale)
    }
}

impl Inner {
    /// What all are answered who ask the same.
    async fn ask(
        &self,
        about: QuestionKey,
        read: Reading,
        schemas_url: Arc<str>,
    ) -> Answer<Option<SharedOutcome>> {
        let make = |reply, asked_at| self.told(&about, reply, asked_at, read, schemas_url);
        self.in_turn(&about, make).await
    }

    /// Whether a session is live. The clock of this machine does not judge that.
    async fn is_live(&self, id: Uuid) -> Answer<bool> {
        let judge = |reply, _| match reply {
            Reply::Session { body, .. } => match told::as_shown_to_its_owner(&body) {
                Ok(shown) => {
                    self.answered(UpstreamApi::Admin);
                    Ok(shown.is_some())
                }
                Err(why) => Err(self.unanswered(UpstreamApi::Admin, Unanswered::new(why))),
            },
            Reply::Unknown => {
                self.answered(UpstreamApi::Admin);
                Ok(false)
            }
            Reply::Refused(refusal) => Err(self.refused(UpstreamApi::Admin, refusal)),
        };
        self.in_turn(&QuestionKey::Session(id), judge).await
    }

    /// Asks, when it is this question's turn, and makes something of the reply and the time of the question.
    async fn in_turn<T>(
        &self,
        about: &QuestionKey,
        make: impl FnOnce(Reply, Timestamp) -> Answer<T>,
    ) -> Answer<T> {
        let api = about.api();
        self.no_pause(api)?;
        let waits_since = Instant::now();
        let turn = timeout(self.bounds.timeout, self.turns.acquire()).await;
        // The semaphore is never closed.
        let Ok(Ok(_turn)) = turn else { return Err(self.busy(api, waits_since.elapsed())) };
        // The upstream may have asked for a pause in the meantime.
        self.no_pause(api)?;
        let (asked_at, start) = (self.clock.now(), Instant::now());
        let reply = match timeout(self.bounds.timeout, self.put(about)).await {
            Ok(reply) => reply,
            Err(_) => Err(self.too_slow()),
        };
        let outcome = match &reply {
            Ok(Reply::Session { .. }) => "session",
            Ok(Reply::Refused(refusal)) if refusal.kind == RefusalKind::TooMany => "limited",
            Ok(Reply::Refused(_) | Reply::Unknown) => "refused",
            Err(_) => "failed",
        };
        let made = match reply {
            Ok(reply) => make(reply, asked_at),
            Err(why) => Err(self.unanswered(api, why)),
        };
        let outcome = if matches!(made, Err(UpstreamError::Unanswered(..))) { "failed" } else { outcome };
        self.metrics.upstream_seconds.with_label_values(&[outcome]).observe(start.elapsed().as_secs_f64());
        made
    }

    const fn side(&self, api: UpstreamApi) -> &Side {
        match api {
            UpstreamApi::Public => &self.public,
            UpstreamApi::Admin => &self.admin,
        }
    }

    fn no_pause(&self, api: UpstreamApi) -> Answer<()> {
        let left = self.side(api).gate.closed_for(self.clock.now());
        left.map_or(Ok(()), |left| Err(UpstreamError::Paused(left)))
    }

    async fn put(&self, about: &QuestionKey) -> Result<Reply, Unanswered> {
        match about {
            QuestionKey::Token(text) => self.asker.whoami(Presented::Token(text.expose())).await,
            QuestionKey::Cookie(text) => self.asker.whoami(Presented::Cookie(text.expose())).await,
            QuestionKey::Bearer(text) => self.asker.whoami(Presented::Bearer(text.expose())).await,
            QuestionKey::Session(id) => self.asker.session(*id).await,
        }
    }

    /// What is made of a reply.
    fn told(
        &self,
        about: &QuestionKey,
        reply: Reply,
        asked_at: Timestamp,
        read: Reading,
        schemas_url: Arc<str>,
    ) -> Answer<Option<SharedOutcome>> {
        let api = about.api();
        let (body, cookies, cache_for) = match reply {
            Reply::Session { body, cookies, cache_for } => (body, cookies, cache_for),
            Reply::Unknown => {
                self.answered(api);
                return Ok(None);
            }
            Reply::Refused(refusal) => return Err(self.refused(api, refusal)),
        };
        let keep = cache_for.map_or(self.bounds.ttl, |allowed| allowed.min(self.bounds.ttl));
        let fresh_until = asked_at + keep;
        let (kind, body) = match about {
            QuestionKey::Token(_) | QuestionKey::Bearer(_) => (SessionKind::Native, Some(body)),
            QuestionKey::Cookie(_) => (SessionKind::Browser, Some(body)),
            QuestionKey::Session(_) => {
                let shown = told::as_shown_to_its_owner(&body);
                (SessionKind::Native, shown.map_err(|why| self.unanswered(api, Unanswered::new(why)))?)
            }
        };
        let Some(body) = body else {
            self.answered(api);
            return Ok(None);
        };
        let live = told::live(body, kind, asked_at, fresh_until, schemas_url);
        let live = live.map_err(|why| self.unanswered(api, Unanswered::new(why)))?;
        let Some(live) = live else {
            self.answered(api);
            return Ok(None);
        };
        if matches!(about, QuestionKey::Session(id) if *id != live.session.id) {
            return Err(self.unanswered(api, Unanswered::new("answered with another session")));
        }
        self.answered(api);
        Ok(Some(SharedOutcome { live: Arc::new(live), cookies: cookies.into(), read }))
    }

    /// Notes a refusal, with which the upstream may ask for a pause.
    fn refused(&self, api: UpstreamApi, mut refusal: Refusal) -> UpstreamError {
        self.answered(api);
        if refusal.kind == RefusalKind::TooMany {
            // Whoever asked is told what all others are told.
            let pause = self.side(api).gate.close(self.clock.now(), refusal.retry_after);
            refusal.retry_after = Some(pause);
            if self.may_tell(api, "asks for a pause") {
                let seconds = pause.as_secs();
                tracing::warn!(
                    seconds,
                    asked = api.key(),
                    "the upstream limits questions and asks for a pause; this is told once a minute"
                );
            }
        }
        UpstreamError::Refused(Arc::new(refusal))
    }

    /// Notes that a question found no turn.
    fn busy(&self, api: UpstreamApi, waited: Duration) -> UpstreamError {
        self.metrics.upstream_seconds.with_label_values(&["busy"]).observe(waited.as_secs_f64());
        if self.may_tell(api, "is busy") {
            let max_in_flight = self.bounds.max_in_flight;
            tracing::warn!(
                max_in_flight,
                asked = api.key(),
                "more questions wait for the upstream than session.upstream.max_in_flight lets through; this is told once a minute"
            );
        }
        UpstreamError::Busy
    }

    fn may_tell(&self, api: UpstreamApi, what: &str) -> bool {
        self.outage(api).log.may_tell(what, self.clock.now())
    }

    fn too_slow(&self) -> Unanswered {
        Unanswered::new(format!("did not answer within {} s", self.bounds.timeout.as_secs_f64()))
    }

    /// Notes that the upstream gave no answer.
    fn unanswered(&self, api: UpstreamApi, Unanswered { what, detail }: Unanswered) -> UpstreamError {
        let why: Arc<str> = what.into();
        if self.outage(api).begin(&why, self.clock.now()) {
            tracing::warn!(detail = detail.as_deref(), asked = api.key(), "the upstream {why}");
        }
        UpstreamError::Unanswered(api, why)
    }

    /// Notes that the upstream answered.
    fn answered(&self, api: UpstreamApi) {
        if self.outage(api).end() {
            tracing::info!(asked = api.key(), "the upstream answers again");
        }
    }

    fn outage(&self, api: UpstreamApi) -> MutexGuard<'_, Outage> {
        // No code panics while it holds this lock.
        self.side(api).outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
