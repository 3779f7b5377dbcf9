//! What can go wrong between a session token and a signed token, in the words of this crate.

use sessera_jose::KeyError;
use sessera_store::StoreError;

use crate::managed_keys::Refusal;
use crate::templates::Broken;
use crate::upstream_error::UpstreamError;

/// Why there is no session or no token. Nothing in it is a secret.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The session token opens no session that is live: sign in again.
    #[error("the session token opens no session that is live")]
    NoSession,
    /// The session's owner has set up a second factor and has to prove it first.
    #[error("the owner of the session has set up a second factor, which has to be proven")]
    SecondFactorNeeded,
    /// There is no template of this name: ask for another one, or add it.
    #[error("there is no tokenizer template \"{0}\"")]
    NoSuchTemplate(String),
    /// The template cannot be used until an operator mends it.
    #[error("the tokenizer template \"{template}\" cannot be used: {broken}")]
    BrokenTemplate {
        /// The template's name.
        template: String,
        /// What is wrong with it.
        broken: Broken,
    },
    /// The template works, but not for this session. The log has the details.
    #[error("the tokenizer template \"{template}\" cannot be used for this session: {reason}")]
    Refused {
        /// The template's name.
        template: String,
        /// What may be told to whoever asked.
        reason: String,
    },
    /// The key lies outside of this process and does not sign right now: try again.
    #[error("the key of the template does not sign right now")]
    KeyUnavailable,
    /// This node does not know for sure which managed keys are good: try again, or ask another node.
    #[error(transparent)]
    NoLease(#[from] Refusal),
    /// The upstream that keeps the sessions tells of none.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The store does not answer, or refuses a change.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of the program or of what it has stored.
    #[error("{0}")]
    Internal(String),
}

impl IssuerError {
    /// Whether whoever keeps the sessions cannot be asked right now.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Store(error) => matches!(error, StoreError::Unavailable(_)),
            Self::Upstream(error) => error.is_unavailable(),
            _ => false,
        }
    }

    /// Whether it is known that the session token opens no session.
    pub fn is_no_session(&self) -> bool {
        match self {
            Self::NoSession => true,
            Self::Upstream(error) => error.is_no_session(),
            _ => false,
        }
    }

    /// Whether it is known that what the session token opened before may be shown no longer.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::NoSession => true,
            Self::Upstream(error) => error.is_refusal(),
            _ => false,
        }
    }

    /// A fault of the program or of what it has stored.
    pub(crate) fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }

    /// What a key's failure to sign means to whoever asked for the signature.
    pub(crate) fn unsigned(error: &KeyError) -> Self {
        match error {
            KeyError::Unavailable(_) => Self::KeyUnavailable,
            other => Self::internal(other),
        }
    }
}
