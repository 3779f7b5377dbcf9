//! Other providers that vouch for people: what is asked of them, and what they say.
//!
//! How they are asked on the network stands outside of this crate ([`Providers`]).

use async_trait::async_trait;
use serde_json::{Map, Value};
use sessera_config::sections::oidc::Provider;
use sessera_model::Timestamp;

use crate::linked::ProviderTokens;

/// Who asks the providers.
#[async_trait]
pub trait Providers: Send + Sync {
    /// Where a browser goes to be asked by a provider.
    async fn way(
        &self,
        provider: &Provider,
        question: Question<'_>,
    ) -> Result<AuthorizationRedirect, ProviderError>;

    /// What a provider says of somebody who came back from it.
    async fn vouched(&self, provider: &Provider, answer: Answer<'_>) -> Result<Vouched, ProviderError>;

    /// What a provider says in a token that a native app got of it. The nonce is among the claims, where the token has
    /// one.
    async fn opened(
        &self,
        provider: &Provider,
        id_token: &str,
        now: Timestamp,
    ) -> Result<OpenedToken, ProviderError>;
}

/// What a provider is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Where browsers come back to.
    pub redirect_uri: &'a str,
    /// What they bring back.
    pub state: &'a str,
    /// What the token from there must name.
    pub nonce: &'a str,
    /// What proves that whoever exchanges the code has asked (RFC 7636).
    pub verifier: &'a str,
    /// Whether somebody who is signed in proves again who they are.
    pub is_refresh: bool,
    /// What the form says besides, by names that providers know.
    pub hints: &'a [(String, String)],
    /// The time of now.
    pub now: Timestamp,
}

/// Where a browser goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRedirect {
    /// The address.
    pub url: String,
    /// Whether the provider was told of the verifier, and asks for it.
    pub is_verified: bool,
}

/// What somebody brings back.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Where they came back to.
    pub redirect_uri: &'a str,
    /// The code that is exchanged for tokens.
    pub code: &'a str,
    /// Everything that they bring back.
    pub parameters: &'a [(String, String)],
    /// What the token must name.
    pub nonce: &'a str,
    /// The verifier, where the provider was told of it.
    pub verifier: Option<&'a str>,
    /// The time of now.
    pub now: Timestamp,
}

/// What a provider says of somebody.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// Its claims by the names of OpenID Connect, with `iss` and `sub`, and all that it said under `raw_claims`.
    pub claims: Map<String, Value>,
    /// The tokens that it gave out.
    pub tokens: ProviderTokens,
}

/// What a provider says in a token of a native app.
#[derive(Clone, Debug)]
pub struct OpenedToken {
    /// Its claims, as in [`Vouched`].
    pub claims: Map<String, Value>,
    /// Whether a token without a nonce is good, because the provider's apps cannot give one.
    pub may_lack_nonce: bool,
}

/// Why a provider vouches for nobody. The texts are for the log and for whoever runs this program, and for those who
/// sign in where it says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider is not there, or not where the configuration says.
    #[error("it cannot be asked: {0}")]
    Misconfigured(String),
    /// The provider did not answer as it should.
    #[error("it did not answer as it should: {0}")]
    Failed(String),
    /// An app brought along what is not taken. The text says what to do, and is for whoever wrote the app.
    #[error("what an app brought along is not taken: {0}")]
    NotTaken(String),
    /// What came back proves nothing. Whoever signs in is told.
    #[error("its answer is not accepted: {0}")]
    Refused(String),
}
