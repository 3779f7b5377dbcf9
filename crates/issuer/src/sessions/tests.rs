//! Sessions before a source that does as it is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Map;
use sessera_model::{
    CredentialKind, FixedClock, GoDuration, Identity, Session, StatusIndex, Timestamp, Uuid,
};
use sessera_rotation::Timing;
use sessera_store::{SessionKind, StoreError, StoredSession};

use super::*;
use crate::settings::{Assurance, KeptBy, Settings};
use crate::templates::Templates;

const TOKEN: &str = "token";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A source of one session, which counts what it is asked.
#[derive(Default)]
struct Source {
    knows: AtomicBool,
    answers: AtomicBool,
    tells: AtomicBool,
    untold_for: Mutex<Duration>,
    second_factors: Mutex<Vec<CredentialKind>>,
    questions: AtomicUsize,
}

#[async_trait]
impl SessionSource for Source {
    fn key(&self, sought: Sought<'_>) -> Option<TokenHash> {
        match sought {
            Sought::Presented(presented) => Some(TokenHash::of(presented.as_str())),
            Sought::Hash(hash) => Some(hash),
            Sought::Id(_) | Sought::Status(_) => None,
        }
    }

    async fn find(&self, question: Question<'_>) -> Result<Option<Found>, IssuerError> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        if !self.answers.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("it is away".into()).into());
        }
        if !self.knows.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let (stored, identity) = session();
        let live = LiveSession::of_stored(stored, &identity, question.now, question.schemas_url.clone())?;
        Ok(Some(Found::new(live, &question)))
    }

    async fn second_factors(&self, _: Uuid) -> Result<Vec<CredentialKind>, IssuerError> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        Ok(self.second_factors.lock().unwrap().clone())
    }

    fn tells_of_changes(&self) -> bool {
        self.tells.load(Ordering::SeqCst)
    }

    fn grace(&self, max_stale: Duration) -> Option<Duration> {
        (!max_stale.is_zero() && *self.untold_for.lock().unwrap() <= max_stale).then_some(Duration::ZERO)
    }
}

impl Source {
    /// How often it was asked since the last call.
    fn questions(&self) -> usize {
        self.questions.swap(0, Ordering::SeqCst)
    }
}

fn session() -> (StoredSession, Identity) {
    let identity =
        Identity::new(Uuid::from_u128(2), "default", serde_json::json!({"email": "ada@example.org"}), NOW);
    let session = Session::new(Uuid::from_u128(1), identity.id, NOW, NOW + Duration::from_secs(3600));
    let (kind, token) = (SessionKind::Native, TokenHash::of(TOKEN));
    (StoredSession { session, kind, token, status: StatusIndex::from_number(0) }, identity)
}

fn compiled(max_stale: Duration) -> Compiled {
    let minute = GoDuration::new(Duration::from_secs(60));
    let settings = Settings {
        issuer: "https://id.example.org/".into(),
        templates: Map::new(),
        timing: Timing { lease: minute, skew: minute, max_age: minute },
        status_list_max_age: Duration::from_secs(60),
        max_stale,
        second_factors: vec![CredentialKind::Totp],
        assurance: Assurance::HighestAvailable,
        kept_by: KeptBy::Store,
    };
    Compiled::compile(settings, &[], &Templates::default()).unwrap()
}

fn sessions() -> (Sessions, Arc<Source>) {
    let source = Arc::new(Source::default());
    for flag in [&source.knows, &source.answers, &source.tells] {
        flag.store(true, Ordering::SeqCst);
    }
    let metrics = IssuerMetrics::new().unwrap();
    let cache = Arc::new(SessionCache::new(1 << 20));
    (Sessions::new(cache, source.clone(), Arc::new(FixedClock::at(NOW)), metrics), source)
}

const PRESENTED: Presented<'_> = Presented::Token(TOKEN);

#[tokio::test]
async fn the_source_is_asked_only_about_what_is_not_in_memory() {
    let (sessions, source) = sessions();
    let compiled = compiled(Duration::ZERO);
    for questions in [1, 0] {
        let live = sessions.live(&compiled, PRESENTED).await.unwrap();
        assert_eq!((live.session.id, source.questions()), (Uuid::from_u128(1), questions));
    }
    sessions.cache().drop_session(Uuid::from_u128(1));
    sessions.live(&compiled, PRESENTED).await.unwrap();
    assert_eq!(source.questions(), 1, "it was dropped");
    source.tells.store(false, Ordering::SeqCst);
    assert!(sessions.in_memory(&compiled, PRESENTED).is_none());
    sessions.live_again(&compiled, &sessions.kept(TOKEN)).await.unwrap();
    assert_eq!(source.questions(), 1, "it may have changed unseen");
}

#[tokio::test]
async fn what_the_source_does_not_know_is_no_session_and_is_not_kept() {
    let (sessions, source) = sessions();
    source.knows.store(false, Ordering::SeqCst);
    let compiled = compiled(Duration::ZERO);
    assert!(matches!(sessions.live(&compiled, PRESENTED).await, Err(IssuerError::NoSession)));
    assert!(matches!(sessions.live(&compiled, PRESENTED).await, Err(IssuerError::NoSession)));
    assert_eq!(source.questions(), 2);
    source.knows.store(true, Ordering::SeqCst);
    assert!(sessions.live(&compiled, PRESENTED).await.is_ok());
}

#[tokio::test]
async fn a_source_that_is_away_leaves_what_is_young_enough() {
    let minute = Duration::from_secs(60);
    for (max_stale, untold_for, answered) in [
        (minute, minute, true),
        (minute, minute + Duration::from_secs(1), false),
        (Duration::ZERO, Duration::ZERO, false),
    ] {
        let (sessions, source) = sessions();
        let compiled = compiled(max_stale);
        sessions.live(&compiled, PRESENTED).await.unwrap();
        for flag in [&source.answers, &source.tells] {
            flag.store(false, Ordering::SeqCst);
        }
        *source.untold_for.lock().unwrap() = untold_for;
        let outcome = sessions.live(&compiled, PRESENTED).await;
        match outcome {
            Ok(_) => assert!(answered, "{max_stale:?} {untold_for:?}"),
            Err(error) => {
                assert!(!answered, "{max_stale:?} {untold_for:?}");
                assert!(matches!(error, IssuerError::Store(StoreError::Unavailable(_))), "{error:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_second_factor_is_asked_about_once() {
    let compiled = compiled(Duration::ZERO);
    // A factor that is switched off cannot be given, so it is not asked for.
    for (second_factors, is_asked_for) in
        [(vec![], false), (vec![CredentialKind::Totp], true), (vec![CredentialKind::LookupSecret], false)]
    {
        let (sessions, source) = sessions();
        *source.second_factors.lock().unwrap() = second_factors;
        let live = sessions.live(&compiled, PRESENTED).await.unwrap();
        assert!(!Sessions::is_assured(&compiled, &live), "nobody knows yet");
        source.questions();
        for questions in [1, 0] {
            let outcome = sessions.require_assurance(&compiled, &live).await;
            assert_eq!(matches!(outcome, Err(IssuerError::SecondFactorNeeded)), is_asked_for);
            assert_eq!(source.questions(), questions);
        }
        assert_eq!(Sessions::is_assured(&compiled, &live), !is_asked_for);
    }
}
