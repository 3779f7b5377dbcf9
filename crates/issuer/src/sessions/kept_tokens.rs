//! Tokens that were made of a session and are given again for a while.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};
use sessera_jose::base64url;
use sessera_model::Timestamp;
use sessera_tokenizer::Tokenizer;

use super::by_template::ByTemplate;

/// What stands before a token in the header `Authorization`.
const SCHEME: &str = "Bearer ";

/// How many times as much as their text the claims of a token take once they are read and encoded again.
const READ_CLAIMS: usize = 5;

/// A token that may be given several times.
#[derive(Debug)]
pub struct GivenToken {
    /// The token with its scheme before it.
    text: Bytes,
    claims: OnceLock<Map<String, Value>>,
    encoded: OnceLock<Bytes>,
    made: Timestamp,
    /// Half of the time for which it is good.
    half_life: Duration,
}

impl GivenToken {
    /// A token that was made at `made`.
    pub(crate) fn new(token: &str, made: Timestamp) -> Self {
        // A mapper may write something else than a number there. Such a token is not given again.
        let half_life = end(token).map_or(Duration::ZERO, |end| end.since(made) / 2);
        Self {
            text: [SCHEME, token].concat().into(),
            claims: OnceLock::new(),
            encoded: OnceLock::new(),
            made,
            half_life,
        }
    }

    /// The token as it stands in the header `Authorization`.
    pub fn with_scheme(&self) -> Bytes {
        self.text.clone()
    }

    /// The token alone.
    pub fn alone(&self) -> Bytes {
        self.text.slice(SCHEME.len()..)
    }

    /// Its claims.
    pub fn claims(&self) -> &Map<String, Value> {
        self.claims.get_or_init(|| {
            let payload = self.text.split(|byte| *byte == b'.').nth(1);
            let payload = payload.and_then(|part| base64url::decode(std::str::from_utf8(part).ok()?));
            payload.and_then(|claims| serde_json::from_slice(&claims).ok()).unwrap_or_default()
        })
    }

    /// Its claims in the encoding of those who ask for the token, which is made once. All of them have the same one.
    pub fn claims_encoded(&self, encode: impl FnOnce(&Map<String, Value>) -> Bytes) -> Bytes {
        self.encoded.get_or_init(|| encode(self.claims())).clone()
    }

    /// Whether it may be given again now, where tokens are given for `reuse`.
    fn is_young(&self, now: Timestamp, reuse: Duration) -> bool {
        now >= self.made && now.since(self.made) < reuse.min(self.half_life)
    }

    /// Bytes that it takes in memory at the most.
    fn size(&self) -> usize {
        size_of::<Self>() + self.text.len() * (1 + READ_CLAIMS)
    }
}

/// When a token ends, as its claim `exp` says.
fn end(token: &str) -> Option<Timestamp> {
    #[derive(serde::Deserialize)]
    struct End {
        exp: i64,
    }
    let End { exp } = serde_json::from_slice(&base64url::decode(token.split('.').nth(1)?)?).ok()?;
    Some(Timestamp::from_seconds(exp))
}

/// The tokens that were made of a session.
#[derive(Debug, Default)]
pub(crate) struct KeptTokens(Mutex<ByTemplate<GivenToken>>);

impl KeptTokens {
    /// The token that this very template has made, when it may be given again.
    pub(crate) fn of(
        &self,
        tokenizer: &Arc<Tokenizer>,
        now: Timestamp,
        reuse: Duration,
    ) -> Option<Arc<GivenToken>> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.of(tokenizer).filter(|token| token.is_young(now, reuse)).cloned()
    }

    /// Keeps a token in the place of the one before.
    pub(crate) fn keep(&self, tokenizer: &Arc<Tokenizer>, token: Arc<GivenToken>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(tokenizer, token);
    }

    /// Bytes that they take in memory.
    pub(crate) fn size(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size(GivenToken::size)
    }
}
