//! The seam behind which sessions are kept.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sessera_model::{CredentialKind, Identity, IdentityState, StatusIndex, Timestamp, TokenHash, Uuid};
use sessera_store::{Store, StoredSession};

use super::cache::Reading;
use super::live_session::LiveSession;
use super::presented::{Opens, Presented};
use crate::error::IssuerError;

/// How a source finds a session.
#[derive(Clone, Copy, Debug)]
pub enum Sought<'a> {
    /// By the session token that was presented.
    Presented(Presented<'a>),
    /// By the hash of a session token's text, where only that was kept, as with a one-time code.
    Hash(TokenHash),
    /// By its id, as a signed token names it.
    Id(Uuid),
    /// By its place in the status lists, as a signed token names it.
    Status(StatusIndex),
}

/// What a source is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Which session is sought.
    pub sought: Sought<'a>,
    /// What the cache knew when the question came up.
    pub read: Reading,
    /// The time of now.
    pub now: Timestamp,
    /// Where identity schemas can be read.
    pub schemas_url: &'a Arc<str>,
}

/// A session that a source found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The session.
    pub live: Arc<LiveSession>,
    /// What the cache knew when the source was asked for it, which an earlier question may have done.
    pub read: Reading,
    /// Cookies that go to whoever presented the session token, once, as they were told elsewhere.
    pub cookies: Arc<[Bytes]>,
}

impl Found {
    /// A session that was read for this question.
    pub fn new(live: LiveSession, question: &Question<'_>) -> Self {
        Self { live: Arc::new(live), read: question.read, cookies: Arc::default() }
    }
}

/// Where sessions are kept. [`super::Sessions`] asks it about those that are not in memory, and keeps what
/// it answers in the one cache that all sources share.
///
/// A source is asked about a session token at most once a request, and once more where an earlier question that it was
/// joined to turns out to be outdated. It keeps no sessions itself.
#[async_trait]
pub trait SessionSource: Send + Sync {
    /// Under which hash the cache keeps the answer to a question; nothing where it is not kept.
    fn key(&self, sought: Sought<'_>) -> Option<TokenHash>;

    /// How the session is sought that has a place in the status lists. Nothing when nobody has the place.
    async fn sought_at(&self, index: StatusIndex) -> Result<Option<Sought<'static>>, IssuerError> {
        Ok(Some(Sought::Status(index)))
    }

    /// The live session that is sought. Nothing when there is none: it is unknown, was revoked or has ended,
    /// or its owner may not sign in.
    async fn find(&self, question: Question<'_>) -> Result<Option<Found>, IssuerError>;

    /// A session that was in memory is refused now, which other nodes may not know yet.
    fn refused(&self, _: Uuid) {}

    /// What is to be kept of a cookie so that its session can be found again.
    fn kept(&self, cookie: &str) -> Opens {
        Opens::Session(TokenHash::of(cookie))
    }

    /// Which second factors the owner of a session that this source told of has set up.
    async fn second_factors(&self, identity_id: Uuid) -> Result<Vec<CredentialKind>, IssuerError>;

    /// Whether this node hears at once of every change that is made to sessions, or keeps them no longer than it
    /// may without hearing, so that what is in memory may be answered.
    fn tells_of_changes(&self) -> bool;

    /// How much longer than usual what is in memory may be answered while the source cannot be asked, where the
    /// settings allow `max_stale`. Nothing when it may not be answered.
    fn grace(&self, max_stale: Duration) -> Option<Duration>;
}

/// Sessions of this deployment's own store.
pub struct OwnStore {
    store: Arc<dyn Store>,
}

impl OwnStore {
    /// Sessions of `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl SessionSource for OwnStore {
    fn key(&self, sought: Sought<'_>) -> Option<TokenHash> {
        match sought {
            Sought::Presented(presented) => Some(TokenHash::of(presented.as_str())),
            Sought::Hash(hash) => Some(hash),
            Sought::Id(_) | Sought::Status(_) => None,
        }
    }

    async fn find(&self, question: Question<'_>) -> Result<Option<Found>, IssuerError> {
        let Question { sought, now, schemas_url, .. } = question;
        let good = |(stored, identity): &(StoredSession, Identity)| is_good(stored, identity, now);
        let found = match (sought, self.key(sought)) {
            (Sought::Id(id), _) => self.store.session(id).await?,
            (Sought::Status(index), _) => self.store.session_by_status(index).await?,
            // A copy that has ended may have been extended since.
            (_, Some(hash)) => match self.store.copy_of_session(&hash).await.filter(good) {
                Some(copy) => Some(copy),
                None => self.store.session_by_token(&hash).await?,
            },
            (_, None) => None,
        };
        let live = found
            .filter(good)
            .map(|(stored, identity)| LiveSession::of_stored(stored, &identity, now, schemas_url.clone()));
        Ok(live.transpose()?.map(|live| Found::new(live, &question)))
    }

    async fn second_factors(&self, identity_id: Uuid) -> Result<Vec<CredentialKind>, IssuerError> {
        let credentials = self.store.credentials(identity_id).await?;
        // Which of the methods are second factors is a matter of the configuration.
        let able = credentials.iter().filter(|credential| credential.has_second_factor());
        Ok(able.map(|credential| credential.kind).collect())
    }

    fn tells_of_changes(&self) -> bool {
        self.store.line().is_trusted()
    }

    /// While the line is broken, what is in memory may be as old as the last time at which all changes were known.
    fn grace(&self, max_stale: Duration) -> Option<Duration> {
        let is_allowed = !max_stale.is_zero() && self.store.line().unconfirmed_for() <= max_stale;
        is_allowed.then_some(Duration::ZERO)
    }
}

/// Whether a stored session may be answered.
fn is_good(stored: &StoredSession, identity: &Identity, now: Timestamp) -> bool {
    stored.session.is_live(now) && identity.state == IdentityState::Active
}
