//! What can go wrong between an upstream and a session.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

/// Which of an upstream's APIs is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamApi {
    /// The one for everybody, at `session.upstream.url`.
    Public,
    /// The one for operators, at `session.upstream.admin_url`.
    Admin,
}

impl UpstreamApi {
    /// The configuration's key for its address.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Public => "session.upstream.url",
            Self::Admin => "session.upstream.admin_url",
        }
    }
}

/// Why an upstream refuses a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The request is malformed.
    Malformed,
    /// The session token opens no session.
    NoSession,
    /// The session may not be shown, because it has to prove more.
    Forbidden,
    /// There are too many requests.
    TooMany,
}

/// A refusal in the upstream's own words.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What the upstream refuses, which its status and its words tell.
    pub kind: RefusalKind,
    /// Its body. Where it is empty, whoever asked is told in words of this program.
    pub body: Bytes,
    /// The media type of the body, as it came.
    pub content_type: Option<Bytes>,
    /// How the body is encoded, as it came.
    pub content_encoding: Option<Bytes>,
    /// Cookies that come with it.
    pub cookies: Vec<Bytes>,
    /// When to ask again.
    pub retry_after: Option<Duration>,
}

/// Why an upstream told of no session.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It refuses the request, in words that are passed on.
    #[error("the upstream refuses the request")]
    Refused(Arc<Refusal>),
    /// It asked for a pause, which is not over: wait for as long.
    #[error("the upstream asked for a pause")]
    Paused(Duration),
    /// As many questions are under way as may be: try again.
    #[error("too many questions to the upstream are under way")]
    Busy,
    /// One of its APIs gave no answer of which anything could be made. The text says what it did.
    #[error("the upstream {1}")]
    Unanswered(UpstreamApi, Arc<str>),
    /// Its admin API would have to be asked, and its address is not known.
    #[error("the address of the upstream's admin API is not configured")]
    NoAdminApi,
}

impl UpstreamError {
    /// Whether nobody knows the answer right now, so that an older one may do.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Busy | Self::Unanswered(..))
    }

    /// Whether the upstream refuses to show the session.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.kind != RefusalKind::TooMany)
    }

    /// Whether the upstream says that the session token opens no session.
    pub fn is_no_session(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.kind == RefusalKind::NoSession)
    }
}
