//! Tokens that are given again for a while instead of being made for each request.

use std::sync::Arc;
use std::time::Duration;

use sessera_model::{Clock, Timestamp};
use sessera_tokenizer::Tokenizer;

use crate::compiled::Compiled;
use crate::error::IssuerError;
use crate::managed_keys::Lease;
use crate::metrics::IssuerMetrics;
use crate::sessions::{GivenToken, LiveSession, SessionCache};
use crate::tokens::{TokenIssuer, TokenSteps};

/// Which token is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The name of its template.
    pub template: &'a str,
    /// For how long it may be given again. It never is after half of its life.
    pub reuse: Duration,
}

/// Gives tokens of live sessions, the same one for a while.
pub struct ReusedTokens {
    cache: Arc<SessionCache>,
    tokens: Arc<TokenIssuer>,
    lease: Arc<Lease>,
    clock: Arc<dyn Clock>,
    metrics: IssuerMetrics,
}

impl ReusedTokens {
    /// Gives tokens that `tokens` makes of sessions in `cache`. Those of managed keys are given again only while the
    /// `lease` lasts, because without it nobody here knows whether their key is still good.
    pub const fn new(
        cache: Arc<SessionCache>,
        tokens: Arc<TokenIssuer>,
        lease: Arc<Lease>,
        clock: Arc<dyn Clock>,
        metrics: IssuerMetrics,
    ) -> Self {
        Self { cache, tokens, lease, clock, metrics }
    }

    /// The token of a live session, where that needs no waiting: the one of before, or a new one.
    /// Nothing where that gives no token, whatever the reason.
    pub fn at_once(
        &self,
        compiled: &Compiled,
        wanted: Wanted<'_>,
        live: &LiveSession,
        steps: &mut TokenSteps,
    ) -> Option<Arc<GivenToken>> {
        let tokenizer = compiled.templates.get(wanted.template)?.as_ref().ok()?;
        let now = self.clock.now();
        if let Some(token) = self.again(compiled, tokenizer, wanted.reuse, live, now) {
            return Some(token);
        }
        let token = self.tokens.token_at_once(compiled, wanted.template, live, steps)?;
        Some(self.keep(tokenizer, wanted.reuse, live, &token, now))
    }

    /// The token of a live session: the one of before, or a new one.
    pub async fn token(
        &self,
        compiled: &Compiled,
        wanted: Wanted<'_>,
        live: &LiveSession,
        steps: &mut TokenSteps,
    ) -> Result<Arc<GivenToken>, IssuerError> {
        let now = self.clock.now();
        let tokenizer = compiled.templates.get(wanted.template).and_then(|found| found.as_ref().ok());
        let again = tokenizer.and_then(|tokenizer| self.again(compiled, tokenizer, wanted.reuse, live, now));
        if let Some(token) = again {
            return Ok(token);
        }
        let token = self.tokens.token(compiled, wanted.template, live, steps).await?;
        // Whoever made a token has a template.
        let tokenizer = tokenizer.ok_or_else(|| IssuerError::NoSuchTemplate(wanted.template.to_owned()))?;
        Ok(self.keep(tokenizer, wanted.reuse, live, &token, now))
    }

    fn again(
        &self,
        compiled: &Compiled,
        tokenizer: &Arc<Tokenizer>,
        reuse: Duration,
        live: &LiveSession,
        now: Timestamp,
    ) -> Option<Arc<GivenToken>> {
        let token = live.tokens.of(tokenizer, now, reuse)?;
        self.lease.check_for(tokenizer, now, &compiled.settings.timing).ok()?;
        self.metrics.reused_tokens.inc();
        Some(token)
    }

    fn keep(
        &self,
        tokenizer: &Arc<Tokenizer>,
        reuse: Duration,
        live: &LiveSession,
        token: &str,
        now: Timestamp,
    ) -> Arc<GivenToken> {
        let token = Arc::new(GivenToken::new(token, now));
        if !reuse.is_zero() {
            live.tokens.keep(tokenizer, token.clone());
            self.cache.weigh_again(live);
        }
        token
    }
}
