//! Signed tokens that come back to this server: are they good, and which session is behind them?
//!
//! Introspection and revocation are asked about them by operators and back ends. As a credential they count
//! in one place only, [`session_of_bearer`]; everywhere else a credential is looked up by its hash, which
//! no signed token has.

use serde_json::{Map, Value};
use sessera_jose::{JwkSet, verify};
use sessera_model::{Identity, IdentityState, StatusIndex, Timestamp, Uuid};
use sessera_store::StoredSession;
use sessera_tokenizer::Template;

use crate::app::{App, Snapshot};
use crate::error::ApiError;
use crate::rotation;
use crate::tokenizers::ServerSources;

/// The claims of a token.
pub(crate) type Claims = Map<String, Value>;

/// A session with its identity.
type Found = (StoredSession, Identity);

/// Whether a credential has the form of a signed token. Those of sessions have no dots.
pub(crate) fn looks_signed(token: &str) -> bool {
    token.contains('.')
}

/// The claims of a token and its session, when both are good now: a key signed it that counts now, its times
/// are good, the session lives, and its identity may sign in.
pub(crate) async fn active(app: &App, token: &str) -> Result<Option<(Claims, Found)>, ApiError> {
    let now = app.clock.now();
    let Some(claims) = claims(app, token, now).await?.filter(|claims| is_in_time(claims, now)) else {
        return Ok(None);
    };
    Ok(session(app, &claims, now).await?.map(|found| (claims, found)))
}

/// The session of a token that is presented as bearer, when the token's template allows it and the token is
/// for this server.
pub(crate) async fn session_of_bearer(
    app: &App,
    snapshot: &Snapshot,
    token: &str,
) -> Result<Option<Found>, ApiError> {
    let now = app.clock.now();
    let bearers = snapshot.tokenizers.list().into_iter().filter_map(|(name, outcome)| {
        outcome.as_ref().ok().filter(|tokenizer| tokenizer.is_bearer()).map(|tokenizer| (name, tokenizer))
    });
    for (name, tokenizer) in bearers {
        let Some(verified) = snapshot.published.verify(Some(name), token, now) else { continue };
        // Templates may share their keys; each names itself in the header.
        if verified.header.get("template").and_then(Value::as_str) != Some(name) {
            continue;
        }
        if tokenizer.is_managed() {
            rotation::require_lease(app, now)?;
        }
        let claims = verified.claims().ok();
        let base_url = snapshot.config.public.base_url.as_str();
        let is_good = |claims: &Claims| {
            let is_for = |name: &str| verify::check_audience(claims, name).is_ok();
            is_in_time(claims, now) && (is_for(base_url) || is_for(base_url.trim_end_matches('/')))
        };
        let Some(claims) = claims.filter(is_good) else { return Ok(None) };
        return session(app, &claims, now).await;
    }
    Ok(None)
}

/// Whether the times of a token are good. One without an end is not of our making.
fn is_in_time(claims: &Claims, now: Timestamp) -> bool {
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    time("exp").is_some_and(|exp| exp > now.seconds()) && time("nbf").is_none_or(|nbf| nbf <= now.seconds())
}

/// The live session behind the claims of a token.
async fn session(app: &App, claims: &Claims, now: Timestamp) -> Result<Option<Found>, ApiError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let found = match (status(app, claims), text("sid").and_then(|sid| Uuid::parse_str(sid).ok())) {
        // It was set after the mapper.
        (Some(index), _) => app.store.session_by_status(index).await?,
        (None, Some(id)) => app.store.session(id).await?,
        (None, None) => None,
    };
    // A mapper may write any sid, and where its template has no status any status: they count only when the
    // session is one of the subject, which no mapper can choose.
    Ok(found.filter(|(stored, identity)| {
        stored.session.is_live(now)
            && identity.state == IdentityState::Active
            && text("sub").is_some_and(|subject| is_subject(identity, subject))
    }))
}

/// The session's place in this server's status lists, where a token names one.
fn status(app: &App, claims: &Claims) -> Option<StatusIndex> {
    let named = claims.get("status")?.get("status_list")?;
    let position = u32::try_from(named.get("idx")?.as_u64()?).ok()?;
    let snapshot = app.snapshot();
    let uri = named.get("uri")?.as_str()?.strip_prefix(snapshot.config.public.base_url.as_str())?;
    let (_, list) = uri.strip_prefix(".well-known/status/")?.split_once('/')?;
    StatusIndex::at(list.parse().ok()?, position)
}

fn is_subject(identity: &Identity, subject: &str) -> bool {
    identity.id.to_string() == subject || identity.external_id.as_deref() == Some(subject)
}

/// The claims of a token that was signed with a key that counts now.
async fn claims(app: &App, token: &str, now: Timestamp) -> Result<Option<Claims>, ApiError> {
    let snapshot = app.snapshot().clone();
    if let Some(verified) = snapshot.published.verify(None, token, now) {
        return Ok(verified.claims().ok());
    }
    // Shared secrets are nowhere published: their sets are read where they are.
    let symmetric = snapshot.tokenizers.list().into_iter().filter_map(|(name, outcome)| {
        outcome.as_ref().ok().filter(|tokenizer| tokenizer.algorithm().is_symmetric()).map(|_| name)
    });
    let symmetric: Vec<&str> = symmetric.collect();
    if symmetric.is_empty() {
        return Ok(None);
    }
    let sets = app.store.key_sets().await?;
    let sources = ServerSources::new(&sets);
    let verified = symmetric.into_iter().find_map(|name| {
        let template = Template::from_json(snapshot.config.templates.get(name)?).ok()?;
        let keys = JwkSet::parse(&template.jwks_url.read(&sources).ok()?).ok()?;
        verify::verify_with_secrets(token, &keys).ok()
    });
    Ok(verified.and_then(|verified| verified.claims().ok()))
}
