//! Signed tokens that come back: are they good, and which session is behind them?
//!
//! Introspection and revocation are asked about them by operators and back ends. As a session token they count
//! in one place only, [`Introspection::session_of_bearer`]; everywhere else a session token is looked up by its
//! hash, which no signed token has.

use std::sync::Arc;

use serde_json::{Map, Value};
use sessera_jose::import;
use sessera_jose::verify::{self, Verified};
use sessera_model::{Clock, StatusIndex, Timestamp, Uuid};
use sessera_store::Store;
use sessera_tokenizer::Template;

use crate::compiled::Compiled;
use crate::error::IssuerError;
use crate::managed_keys::Lease;
use crate::sessions::{LiveSession, Named, Sessions};
use crate::templates::LocalSources;

/// The claims of a token.
pub type Claims = Map<String, Value>;

/// Whether what is presented has the form of a signed token. Other session tokens have no dots.
pub fn looks_signed(token: &str) -> bool {
    token.contains('.')
}

/// Finds out whether tokens are good.
pub struct Introspection {
    /// Where key sets are.
    store: Arc<dyn Store>,
    sessions: Arc<Sessions>,
    clock: Arc<dyn Clock>,
    lease: Arc<Lease>,
}

impl Introspection {
    /// Introspection of tokens of `sessions` that were signed with keys of `store`.
    pub fn new(
        store: Arc<dyn Store>,
        sessions: Arc<Sessions>,
        clock: Arc<dyn Clock>,
        lease: Arc<Lease>,
    ) -> Self {
        Self { store, sessions, clock, lease }
    }

    /// The claims of a token and its session, when both are good now: a key signed it that counts now, its
    /// times are good, the session lives, and its identity may sign in.
    pub async fn active(
        &self,
        compiled: &Compiled,
        token: &str,
    ) -> Result<Option<(Claims, Arc<LiveSession>)>, IssuerError> {
        let now = self.clock.now();
        let claims = self.claims(compiled, token, now).await?;
        let Some(claims) = claims.filter(|claims| is_in_time(claims, now)) else { return Ok(None) };
        Ok(self.session(compiled, &claims).await?.map(|live| (claims, live)))
    }

    /// The session of a token that is presented as bearer. [`IssuerError::NoSession`] unless the token's template
    /// allows that, the token is for this server, and both are good now.
    pub async fn session_of_bearer(
        &self,
        compiled: &Compiled,
        token: &str,
    ) -> Result<Arc<LiveSession>, IssuerError> {
        let now = self.clock.now();
        let claims = self.claims_of_bearer(compiled, token, now)?.ok_or(IssuerError::NoSession)?;
        self.session(compiled, &claims).await?.ok_or(IssuerError::NoSession)
    }

    /// The claims of a bearer token that is good now; nothing when it is not.
    fn claims_of_bearer(
        &self,
        compiled: &Compiled,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Claims>, IssuerError> {
        for (name, outcome) in compiled.templates.list() {
            let Ok(tokenizer) = outcome else { continue };
            if !tokenizer.is_bearer() {
                continue;
            }
            let verified = compiled.published.verify(Some(name), token, now);
            let Some(verified) = verified.filter(|verified| is_of_session(compiled, verified)) else {
                continue;
            };
            // Templates may share their keys; each names itself in the header.
            if verified.header.get("template").and_then(Value::as_str) != Some(name) {
                continue;
            }
            self.lease.check_for(tokenizer, now, &compiled.settings.timing)?;
            let base_url = compiled.settings.base_url();
            let is_good = |claims: &Claims| {
                let is_for = |name: &str| verify::check_audience(claims, name).is_ok();
                is_in_time(claims, now) && (is_for(base_url) || is_for(&format!("{base_url}/")))
            };
            return Ok(verified.claims().ok().filter(is_good));
        }
        Ok(None)
    }

    /// The live session behind the claims of a token.
    async fn session(
        &self,
        compiled: &Compiled,
        claims: &Claims,
    ) -> Result<Option<Arc<LiveSession>>, IssuerError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let id = text("sid").and_then(|sid| Uuid::parse_str(sid).ok());
        let named = match (status(compiled, claims), id) {
            // It was set after the mapper.
            (Some(index), _) => Named::Status(index),
            (None, Some(id)) => Named::Id(id),
            (None, None) => return Ok(None),
        };
        let live = self.sessions.named(compiled, named).await?;
        // A mapper may write any sid, and where its template has no status any status: they count only when the
        // session is one of the subject, which no mapper can choose.
        Ok(live.filter(|live| text("sub").is_some_and(|subject| is_subject(live, subject))))
    }

    /// The claims of a token that was signed with a key that counts now.
    async fn claims(
        &self,
        compiled: &Compiled,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<Claims>, IssuerError> {
        let claims = |verified: Verified| {
            if is_of_session(compiled, &verified) { verified.claims().ok() } else { None }
        };
        if let Some(verified) = compiled.published.verify(None, token, now) {
            return Ok(claims(verified));
        }
        // Shared secrets are nowhere published: their sets are read where they are.
        let symmetric = compiled.templates.list().into_iter().filter_map(|(name, outcome)| {
            outcome.as_ref().ok().filter(|tokenizer| tokenizer.algorithm().is_symmetric()).map(|_| name)
        });
        let symmetric: Vec<&str> = symmetric.collect();
        if symmetric.is_empty() {
            return Ok(None);
        }
        let sets = self.store.key_sets().await?;
        let sources = LocalSources::new(&sets);
        let verified = symmetric.into_iter().find_map(|name| {
            let template = Template::from_json(compiled.settings.templates.get(name)?).ok()?;
            let keys = template.jwks_url.read(&sources).ok()?;
            let keys = import::set(&keys, template.algorithm).ok()?;
            verify::verify_with_secrets(token, &keys).ok()
        });
        Ok(verified.and_then(claims))
    }
}

/// Whether a token is one of a session by what its header says it is. A status list is signed with the same keys.
fn is_of_session(compiled: &Compiled, verified: &Verified) -> bool {
    let templates = compiled.templates.list();
    let is_own = |typ: &str| {
        templates.iter().any(|(_, outcome)| outcome.as_ref().is_ok_and(|tokenizer| tokenizer.typ() == typ))
    };
    verify::check_type_or(&verified.header, is_own).is_ok()
}

/// Whether the times of a token are good. One without an end is not of our making.
fn is_in_time(claims: &Claims, now: Timestamp) -> bool {
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    time("exp").is_some_and(|exp| exp > now.seconds()) && time("nbf").is_none_or(|nbf| nbf <= now.seconds())
}

/// The session's place in our status lists, where a token names one.
fn status(compiled: &Compiled, claims: &Claims) -> Option<StatusIndex> {
    let named = claims.get("status")?.get("status_list")?;
    let position = u32::try_from(named.get("idx")?.as_u64()?).ok()?;
    let uri = named.get("uri")?.as_str()?.strip_prefix(compiled.settings.base_url())?;
    let (_, list) = uri.strip_prefix("/.well-known/status/")?.split_once('/')?;
    StatusIndex::at(list.parse().ok()?, position)
}

fn is_subject(live: &LiveSession, subject: &str) -> bool {
    live.session.identity_id.to_string() == subject || live.external_id.as_deref() == Some(subject)
}
