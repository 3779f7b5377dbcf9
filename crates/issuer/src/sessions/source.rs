//! The seam behind which sessions are kept.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sessera_model::{CredentialKind, Identity, IdentityState, Timestamp, TokenHash, Uuid};
use sessera_store::{Store, StoredSession};

use super::live_session::LiveSession;
use super::presented::Presented;
use crate::error::IssuerError;

/// What a source is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Under which hash the cache keeps the answer: that of the credential's text.
    pub hash: TokenHash,
    /// The credential as it was presented. Absent where only its hash was kept, as with a one-time code.
    pub presented: Option<Presented<'a>>,
    /// Now.
    pub now: Timestamp,
    /// Where identity schemas can be read.
    pub schemas_url: &'a Arc<str>,
}

/// Where sessions are kept. [`super::Sessions`] asks it about those that are not in memory, and keeps what
/// it answers in the one cache that all sources share.
///
/// A source is asked about a credential at most once a request. It keeps nothing itself.
#[async_trait]
pub trait SessionSource: Send + Sync {
    /// The live session that a credential opens. Nothing when it opens none: it is unknown, was revoked or
    /// has ended, or its owner may not sign in.
    async fn find(&self, question: Question<'_>) -> Result<Option<LiveSession>, IssuerError>;

    /// Which second factors the owner of a session that this source told of has set up.
    async fn second_factors(&self, identity_id: Uuid) -> Result<Vec<CredentialKind>, IssuerError>;

    /// Whether this node hears at once of every change that is made to sessions, so that what is in memory
    /// may be answered.
    fn tells_of_changes(&self) -> bool;

    /// How long ago this node knew for the last time of all changes: while the source cannot be asked,
    /// what is in memory may be that old.
    fn untold_for(&self) -> Duration;
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
    async fn find(&self, question: Question<'_>) -> Result<Option<LiveSession>, IssuerError> {
        let Question { hash, now, schemas_url, .. } = question;
        let good = |(stored, identity): &(StoredSession, Identity)| is_good(stored, identity, now);
        // A copy that has ended may have been extended since.
        let found = match self.store.copy_of_session(&hash).await.filter(good) {
            Some(copy) => Some(copy),
            None => self.store.session_by_token(&hash).await?.filter(good),
        };
        found
            .map(|(stored, identity)| LiveSession::of_stored(stored, &identity, now, schemas_url.clone()))
            .transpose()
    }

    async fn second_factors(&self, identity_id: Uuid) -> Result<Vec<CredentialKind>, IssuerError> {
        let credentials = self.store.credentials(identity_id).await?;
        let kinds = credentials.iter().map(|credential| credential.kind);
        Ok(kinds.filter(|kind| matches!(kind, CredentialKind::Totp | CredentialKind::LookupSecret)).collect())
    }

    fn tells_of_changes(&self) -> bool {
        self.store.line().is_trusted()
    }

    fn untold_for(&self) -> Duration {
        self.store.line().unconfirmed_for()
    }
}

/// Whether a stored session may be answered.
pub(crate) fn is_good(stored: &StoredSession, identity: &Identity, now: Timestamp) -> bool {
    stored.session.is_live(now) && identity.state == IdentityState::Active
}
