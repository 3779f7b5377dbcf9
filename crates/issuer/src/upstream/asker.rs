//! The seam behind which the upstream's protocol is spoken.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sessera_model::Uuid;

use crate::sessions::Presented;
use crate::upstream_error::Refusal;

/// What an upstream answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The session token opens a session.
    Session {
        /// What it told about the session, as it came.
        body: Bytes,
        /// The cookies that go to whoever presented the session token.
        cookies: Vec<Bytes>,
        /// How long the upstream allows others to keep the answer, where it says that.
        cache_for: Option<Duration>,
    },
    /// The request is refused, in words that are passed on as they came.
    Refused(Refusal),
    /// There is no such session.
    Unknown,
}

/// There is no answer of which anything could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// What the upstream did, in a few words for everybody, such as "answered with the status 502".
    pub what: Cow<'static, str>,
    /// What operators should know besides.
    pub detail: Option<String>,
}

impl Unanswered {
    /// The upstream did this.
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self { what: what.into(), detail: None }
    }
}

/// Asks an upstream. Nothing is tried twice, and nothing is kept. Whoever asks bounds the time.
#[async_trait]
pub trait Asker: Send + Sync {
    /// Whose session a session token opens.
    async fn whoami(&self, presented: Presented<'_>) -> Result<Reply, Unanswered>;

    /// The session with an id, by the admin API.
    async fn session(&self, id: Uuid) -> Result<Reply, Unanswered>;

    /// Ends the session with an id, by the admin API. One that is not there has ended.
    async fn revoke(&self, id: Uuid) -> Result<(), Unanswered>;
}
