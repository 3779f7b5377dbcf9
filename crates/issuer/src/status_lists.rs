//! Status lists: by them others see, without asking about each token, that a session was revoked (Token Status
//! List, draft-ietf-oauth-status-list).
//!
//! A list is a token of its own, signed with the keys of the template whose tokens name it. Time is cut into
//! periods of half the configured age: a list is made in a period, may be kept for as long as one, and ends
//! with the next one. So nobody believes a list that is older than the configured age, however they got it.
//! Its claims follow from the period and the sessions alone: nodes that see the same sessions make the
//! same claims, only signatures of some algorithms differ each time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sessera_jose::base64url;
use sessera_jose::status_list::{self, TYP};
use sessera_model::{Clock, Timestamp};
use sessera_store::Store;
use sessera_tokenizer::Tokenizer;
use tokio::sync::Mutex;

use crate::compiled::Compiled;
use crate::error::IssuerError;
use crate::managed_keys::Lease;
use crate::statements;

/// The lists that were made last. Whoever asks for one that is not here waits while it is made, so that it is
/// made once.
pub struct StatusLists {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    lease: Arc<Lease>,
    made: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By their number.
    contents: HashMap<u64, Content>,
    /// By their address.
    tokens: HashMap<String, Arc<ListToken>>,
}

/// The sessions of a list, for the tokens of all templates.
#[derive(Clone, Debug)]
struct Content {
    /// When the store was asked, in seconds since the epoch.
    made_at: i64,
    lst: Arc<str>,
}

/// A list as it is served.
#[derive(Debug)]
pub struct ListToken {
    /// The signed token.
    pub token: String,
    /// An entity tag of its content. It does not depend on the signature, which may differ each time.
    pub tag: String,
    /// How long it may be kept.
    pub max_age: Duration,
    kid: String,
    period: Period,
}

/// A period in which the same list is good, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Period {
    start: i64,
    length: i64,
}

impl Period {
    /// The period at a time. A list never outlives the tokens of its template: their keys are published only
    /// for so long, and there is nothing to say about tokens that have ended.
    fn at(now: i64, max_age: Duration, tokenizer: &Tokenizer) -> Self {
        let length = i64::try_from(max_age.min(tokenizer.ttl()).as_secs() / 2).unwrap_or(i64::MAX).max(1);
        Self { start: now - now.rem_euclid(length), length }
    }

    const fn end_of_lists(self) -> i64 {
        self.start.saturating_add(self.length.saturating_mul(2))
    }
}

impl StatusLists {
    /// Lists of the sessions in `store`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, lease: Arc<Lease>) -> Self {
        Self { store, clock, lease, made: Mutex::default() }
    }

    /// The list of a template with a number, as it is good now. Nothing when the template has no lists, or no
    /// session is in a list of that number.
    pub async fn get(
        &self,
        compiled: &Compiled,
        template: &str,
        list: u64,
    ) -> Result<Option<Arc<ListToken>>, IssuerError> {
        let Some(Ok(tokenizer)) = compiled.templates.get(template) else { return Ok(None) };
        let settings = &compiled.settings;
        let Some(uri) = tokenizer.status_uri(settings.base_url(), list) else { return Ok(None) };
        let now = self.clock.now();
        self.lease.check_for(tokenizer, now, &settings.timing)?;
        let period = Period::at(now.seconds(), settings.status_list_max_age, tokenizer);
        let kid = tokenizer.signer(now.seconds()).kid();
        let mut state = self.made.lock().await;
        if let Some(known) = state.tokens.get(&uri).filter(|known| known.period == period && known.kid == kid)
        {
            return Ok(Some(known.clone()));
        }
        let Some(content) = state.content(&*self.store, list, now, period).await? else { return Ok(None) };
        let made = Arc::new(sign(tokenizer, &uri, &content, period, now.seconds()).await?);
        // Addresses of templates that are gone are not kept.
        state.tokens.retain(|_, known| known.period.end_of_lists() > now.seconds());
        state.tokens.insert(uri, made.clone());
        Ok(Some(made))
    }
}

impl State {
    /// The sessions of a list, read in this period.
    async fn content(
        &mut self,
        store: &dyn Store,
        list: u64,
        now: Timestamp,
        period: Period,
    ) -> Result<Option<Content>, IssuerError> {
        if let Some(known) = self.contents.get(&list).filter(|known| known.made_at >= period.start) {
            return Ok(Some(known.clone()));
        }
        let Some(bits) = store.status_list(list, now).await? else { return Ok(None) };
        let lst = tokio::task::spawn_blocking(move || status_list::encode(&bits)).await;
        let content = Content { made_at: now.seconds(), lst: lst.map_err(IssuerError::internal)?.into() };
        self.contents.insert(list, content.clone());
        Ok(Some(content))
    }
}

async fn sign(
    tokenizer: &Arc<Tokenizer>,
    uri: &str,
    content: &Content,
    period: Period,
    now: i64,
) -> Result<ListToken, IssuerError> {
    let claims = json!({
        "exp": period.end_of_lists(),
        "iat": period.start,
        "status_list": { "bits": 1, "lst": &*content.lst },
        "sub": uri,
        "ttl": period.length,
    });
    let claims = claims.to_string();
    let token = statements::sign(tokenizer, TYP, claims.clone(), now).await?;
    let signer = tokenizer.signer(now);
    let signed = format!("{}.{claims}", signer.kid());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, signed.as_bytes());
    let tag = format!("W/\"{}\"", base64url::encode(&digest.as_ref()[..16]));
    let max_age = Duration::from_secs(period.length.unsigned_abs());
    Ok(ListToken { token, tag, max_age, kid: signer.kid().to_owned(), period })
}
