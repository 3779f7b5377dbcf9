//! One-time codes: a page on another site gets a token by one, and never the session itself.
//!
//! A code is good once, for a minute, for the origin that it was made for and for whoever knows the secret
//! behind the challenge (PKCE, RFC 7636). So neither a history nor a log nor another page can make use of it.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use sessera_jose::base64url;
use sessera_model::{Clock, Random, TokenHash, Uuid, is_same_secret};
use sessera_store::{Change, Committer, Flow, FlowKind, Store, StoreError};

use crate::error::IssuerError;
use crate::sessions::Opens;

/// How long a code is good.
const LIFESPAN: Duration = Duration::from_secs(60);

/// The fewest characters of a page's secret (RFC 7636, section 4.1).
const SHORTEST_VERIFIER: usize = 43;

/// What a code is good for, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub struct Grant {
    /// Opens the session.
    #[serde(flatten)]
    pub opens: Opens,
    /// Who may exchange it: an origin as browsers write it.
    pub origin: String,
    /// The SHA-256 of the page's secret, as base64url.
    pub challenge: String,
    /// The tokenizer template.
    pub template: String,
}

/// Why a code is not exchanged. The attempt has used it up.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The code is unknown, was used or has ended, or the secret is not the one behind the challenge.
    #[error("the code cannot be exchanged")]
    Invalid,
    /// The code was made for a page of another origin.
    #[error("the code was made for a page of another origin")]
    OtherOrigin,
    /// No token can be made of the session, for another reason.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
}

impl From<StoreError> for ExchangeError {
    fn from(error: StoreError) -> Self {
        Self::Issuer(error.into())
    }
}

/// Makes codes and takes them back.
#[derive(Clone)]
pub struct ExchangeCodes {
    store: Arc<dyn Store>,
    committer: Committer,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl ExchangeCodes {
    /// Codes that are kept in `store`.
    pub fn new(
        store: Arc<dyn Store>,
        committer: Committer,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self { store, committer, clock, random }
    }

    /// Whether a text is a challenge: the SHA-256 of something, as base64url without padding.
    pub fn is_challenge(text: &str) -> bool {
        base64url::decode(text).is_some_and(|hash| hash.len() == 32)
    }

    /// A new code that is good for `grant`.
    pub async fn create(&self, grant: &Grant) -> Result<String, IssuerError> {
        let code = self.random.base64url(32);
        let record = Flow {
            id: record_id(&code),
            kind: FlowKind::Exchange,
            body: serde_json::to_string(grant).map_err(IssuerError::internal)?,
            expires_at: self.clock.now() + LIFESPAN,
            version: 1,
        };
        self.committer.commit(&[Change::InsertFlow(record)]).await?;
        Ok(code)
    }

    /// What a code is good for, when the page of `origin` presents it with the secret behind its challenge.
    /// The code is used up, whatever follows.
    pub async fn redeem(
        &self,
        code: &str,
        verifier: &str,
        origin: Option<&[u8]>,
    ) -> Result<Grant, ExchangeError> {
        let grant = self.used_up(code).await?.ok_or(ExchangeError::Invalid)?;
        let challenge = base64url::encode(digest(&SHA256, verifier.as_bytes()).as_ref());
        let is_behind = is_same_secret(challenge.as_bytes(), grant.challenge.as_bytes());
        if verifier.len() < SHORTEST_VERIFIER || !is_behind {
            return Err(ExchangeError::Invalid);
        }
        if origin == Some(grant.origin.as_bytes()) { Ok(grant) } else { Err(ExchangeError::OtherOrigin) }
    }

    async fn used_up(&self, code: &str) -> Result<Option<Grant>, IssuerError> {
        let record = self.store.flow(record_id(code)).await?;
        let Some(record) = record.filter(|record| record.kind == FlowKind::Exchange) else { return Ok(None) };
        match self.committer.commit(&[Change::ConsumeFlow { id: record.id, version: record.version }]).await {
            Ok(()) => {}
            // Another request was faster.
            Err(StoreError::Conflict(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if self.clock.now() >= record.expires_at {
            return Ok(None);
        }
        serde_json::from_str(&record.body).map(Some).map_err(IssuerError::internal)
    }
}

/// Where a code is kept: under a part of its hash, so that the store does not tell the code.
fn record_id(code: &str) -> Uuid {
    let mut id = [0; 16];
    id.copy_from_slice(&TokenHash::of(code).as_bytes()[..16]);
    Uuid::from_bytes(id)
}
