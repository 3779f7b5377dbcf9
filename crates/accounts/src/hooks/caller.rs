//! Who calls web hooks. How that is done stands outside of this crate.

use std::fmt;

use async_trait::async_trait;
use sessera_config::reach::Addresses;
use sessera_config::sections::request::Method;
use sessera_model::Secret;
use url::Url;

/// Calls web hooks.
#[async_trait]
pub trait HookCaller: Send + Sync {
    /// Sends a request and waits for its answer, for a bounded time and within bounds of its size.
    async fn call(&self, request: &HookRequest) -> Result<Reply, Unanswered>;
}

/// What is sent to a web hook.
#[derive(Clone)]
pub struct HookRequest {
    /// The address of the web hook.
    pub url: Url,
    /// Which addresses the host may have.
    pub addresses: Addresses,
    /// The method of HTTP.
    pub method: Method,
    /// The headers.
    pub headers: Vec<(String, Secret)>,
    /// The body; empty where there is none.
    pub body: Vec<u8>,
    /// Whether somebody waits for the answer.
    pub is_awaited: bool,
}

impl fmt::Debug for HookRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// What a web hook answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is well, and the body may say more.
    Told(Vec<u8>),
    /// It is well, and there is nothing more to read in it.
    Well,
    /// It is not well, and the body may say why.
    Refused(Refusal),
    /// It is not allowed, and the body may say why.
    Forbidden(Refusal),
    /// It cannot say just now; the text says what it answered. It may be asked again.
    Troubled(String),
    /// It answers what no web hook answers, such as a redirection; the text says what.
    Strange(String),
}

/// An answer that it is not well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it answered, for the log.
    pub said: String,
    /// The body.
    pub body: Vec<u8>,
}

/// Why a web hook does not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It takes too long.
    #[error("it did not answer in time")]
    TimedOut,
    /// Nobody is there, which may be otherwise in a moment.
    #[error("{0}")]
    Away(String),
    /// It was not called, or its answer cannot be taken.
    #[error("{0}")]
    Impossible(String),
}
