//! From a live session and the name of a template to a token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use sessera_jose::{KeyError, base64url};
use sessera_model::{Clock, Random, StatusIndex, Timestamp};
use sessera_tokenizer::{Claims, Subject, TokenizeError, Tokenizer};

use crate::compiled::Compiled;
use crate::error::IssuerError;
use crate::managed_keys::Lease;
use crate::metrics::IssuerMetrics;
use crate::places::Places;
use crate::sessions::{LiveSession, SessionCache};

/// A part of making a token that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// When it began.
    pub start: Instant,
    /// How long it took.
    pub took: Duration,
    /// Whether it failed.
    pub failed: bool,
}

/// The parts of making a token, as far as they were reached.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenSteps {
    /// Making the claims, which a mapper may do.
    pub mapper: Option<Step>,
    /// Signing them.
    pub sign: Option<Step>,
}

/// Makes tokens.
#[derive(Clone)]
pub struct TokenIssuer {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    lease: Arc<Lease>,
    metrics: IssuerMetrics,
    /// What gives sessions their places in the status lists that come without one.
    places: Option<Arc<Places>>,
    /// The place of sessions that have none, where tokens are only looked at.
    stand_in: Option<StatusIndex>,
    /// Where the sessions are that keep what mappers made of them.
    cache: Option<Arc<SessionCache>>,
}

impl TokenIssuer {
    /// An issuer that signs with managed keys while it has the `lease`.
    pub fn new(
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        lease: Arc<Lease>,
        metrics: IssuerMetrics,
    ) -> Self {
        Self { clock, random, lease, metrics, places: None, stand_in: None, cache: None }
    }

    /// Has sessions that are kept elsewhere given a place in the status lists when a token has to name it.
    #[must_use]
    pub fn giving_places(self, places: Arc<Places>) -> Self {
        Self { places: Some(places), ..self }
    }

    /// Has the sessions in `cache` keep what mappers made of them, for their next tokens.
    #[must_use]
    pub fn keeping_forms(self, cache: Arc<SessionCache>) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// For tokens that nobody is given: they name the first place in the status lists where a session has none.
    #[must_use]
    pub fn for_trials(self) -> Self {
        Self { places: None, stand_in: Some(StatusIndex::from_number(0)), cache: None, ..self }
    }

    /// The token of a live session by a template. `steps` is told how long its parts took, those of a token
    /// that could not be made too.
    pub async fn token(
        &self,
        compiled: &Compiled,
        template: &str,
        live: &LiveSession,
        steps: &mut TokenSteps,
    ) -> Result<String, IssuerError> {
        let tokenizer = match compiled.templates.get(template) {
            Some(Ok(tokenizer)) => tokenizer,
            Some(Err(broken)) => {
                let (template, broken) = (template.to_owned(), broken.clone());
                return Err(IssuerError::BrokenTemplate { template, broken });
            }
            None => return Err(IssuerError::NoSuchTemplate(template.to_owned())),
        };
        let now = self.clock.now();
        self.lease.check_for(tokenizer, now, &compiled.settings.timing)?;
        if let Some(places) = &self.places
            && tokenizer.status_uri(compiled.settings.base_url(), 0).is_some()
        {
            places.give(live).await?;
        }
        let token = if tokenizer.is_remote() {
            match self.claims(compiled, tokenizer, live, now, steps) {
                Ok(claims) => self.sign_elsewhere(tokenizer, claims, now, steps).await,
                Err(error) => Err(error),
            }
        } else {
            self.made_here(compiled, tokenizer, live, now, steps)
        };
        token.map_err(|error| {
            self.metrics.refused_tokens.with_label_values(&[error.why()]).inc();
            refused(template, &error)
        })
    }

    /// The token where that needs no waiting; nothing where that gives no token, whatever the reason.
    pub fn token_at_once(
        &self,
        compiled: &Compiled,
        template: &str,
        live: &LiveSession,
        steps: &mut TokenSteps,
    ) -> Option<String> {
        let tokenizer = compiled.templates.get(template)?.as_ref().ok();
        let tokenizer = tokenizer.filter(|tokenizer| !tokenizer.is_remote())?;
        let now = self.clock.now();
        self.lease.check_for(tokenizer, now, &compiled.settings.timing).ok()?;
        self.made_here(compiled, tokenizer, live, now, steps).ok()
    }

    /// A token that is signed in this process: by the form that its template made of the session before, where it did.
    fn made_here(
        &self,
        compiled: &Compiled,
        tokenizer: &Arc<Tokenizer>,
        live: &LiveSession,
        now: Timestamp,
        steps: &mut TokenSteps,
    ) -> Result<String, TokenizeError> {
        let issuer = &compiled.settings.issuer;
        if let Some(form) = self.cache.as_ref().and_then(|_| live.mapped.form(tokenizer)) {
            let (start, id) = (Instant::now(), self.random.public_uuid());
            if let Some(token) = tokenizer.fill(&form, issuer, id, now.seconds()) {
                self.metrics.filled_forms.inc_by(u64::from(token.is_ok()));
                self.signed(start, token.is_err(), steps);
                return token;
            }
        }
        let claims = self.claims(compiled, tokenizer, live, now, steps)?;
        if let Some(cache) = self.cache.as_ref().filter(|cache| cache.keeps(live))
            && let Some(form) = tokenizer.form(&claims, issuer, live.session.expires_at.seconds())
        {
            live.mapped.keep(tokenizer, form);
            cache.weigh_again(live);
        }
        let start = Instant::now();
        let token = tokenizer.sign(&claims.json, now.seconds());
        self.signed(start, token.is_err(), steps);
        token
    }

    fn claims(
        &self,
        compiled: &Compiled,
        tokenizer: &Arc<Tokenizer>,
        live: &LiveSession,
        now: Timestamp,
        steps: &mut TokenSteps,
    ) -> Result<Claims, TokenizeError> {
        let (session, was_read) = live.mapped.document(live.json());
        if let Some(cache) = self.cache.as_ref().filter(|_| was_read) {
            cache.weigh_again(live);
        }
        let subject = Subject {
            issuer: &compiled.settings.issuer,
            identity_id: live.session.identity_id,
            external_id: live.external_id.as_deref(),
            session_id: live.session.id,
            token_id: self.random.public_uuid(),
            session: &session,
            session_ends: live.session.expires_at.seconds(),
            status: live.status.get().copied().or(self.stand_in),
        };
        let start = Instant::now();
        let claims = tokenizer.claims(&subject, now.seconds());
        let took = start.elapsed();
        self.metrics.mapper_seconds.observe(took.as_secs_f64());
        steps.mapper = Some(Step { start, took, failed: claims.is_err() });
        let claims = claims?;
        #[expect(clippy::cast_precision_loss, reason = "a limit holds it small")]
        self.metrics.mapper_fuel.observe(claims.fuel as f64);
        Ok(claims)
    }

    /// Signs with a key outside of this process, which takes its time: on a thread that may wait.
    async fn sign_elsewhere(
        &self,
        tokenizer: &Arc<Tokenizer>,
        claims: Claims,
        now: Timestamp,
        steps: &mut TokenSteps,
    ) -> Result<String, TokenizeError> {
        let (start, tokenizer) = (Instant::now(), tokenizer.clone());
        let token = tokio::task::spawn_blocking(move || tokenizer.sign(&claims.json, now.seconds())).await;
        let token = token
            .unwrap_or_else(|error| Err(TokenizeError::Signing(KeyError::Unavailable(error.to_string()))));
        self.signed(start, token.is_err(), steps);
        token
    }

    fn signed(&self, start: Instant, failed: bool, steps: &mut TokenSteps) {
        let took = start.elapsed();
        self.metrics.signing_seconds.observe(took.as_secs_f64());
        steps.sign = Some(Step { start, took, failed });
    }
}

/// The claims of a token that was just made.
pub fn claims_of(token: &str) -> Result<Map<String, Value>, IssuerError> {
    let payload = token.split('.').nth(1).and_then(base64url::decode).unwrap_or_default();
    serde_json::from_slice(&payload).map_err(IssuerError::internal)
}

/// What whoever asked is told; the log is told all of it.
fn refused(template: &str, error: &TokenizeError) -> IssuerError {
    match error {
        TokenizeError::Mapper(failure) => {
            tracing::warn!(%template, error = failure.render(), "the claims mapper failed");
        }
        other => tracing::warn!(%template, error = %other, "no token could be made"),
    }
    match error {
        TokenizeError::Signing(error) => IssuerError::unsigned(error),
        error => IssuerError::Refused { template: template.to_owned(), reason: error.public() },
    }
}
