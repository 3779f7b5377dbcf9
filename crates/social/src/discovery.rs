//! What providers say of themselves (OpenID Connect Discovery 1.0), and their keys, kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use sessera_accounts::providers::ProviderError;
use sessera_jose::{JwkSet, PublicJwkSet};
use sessera_model::Timestamp;
use url::Url;

use crate::web::{self, Ask, Body, Web};

/// How long what a provider says of itself is kept, and its keys.
const KEPT: Duration = Duration::from_hours(1);

/// How long a provider that is not there is not asked again.
const PAUSE: Duration = Duration::from_secs(5);

/// How long keys are kept at the least, though a token names another one.
const KEYS_PAUSE: Duration = Duration::from_secs(30);

/// How many providers are kept. Those of Microsoft have as many as there are tenants.
const MOST: usize = 256;

/// What a provider says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    /// What its tokens call it.
    pub(crate) issuer: String,
    /// Where browsers are asked.
    pub(crate) ask: Option<String>,
    /// Where codes are exchanged.
    pub(crate) token: Option<String>,
    /// Where it tells more about the person who signs in (its userinfo endpoint).
    pub(crate) user: Option<String>,
    /// Where its keys are.
    keys: Option<String>,
    /// Whether it takes a verifier (RFC 7636) by SHA-256.
    pub(crate) takes_verifier: bool,
    /// Whether it takes the secret in a header.
    pub(crate) takes_header: bool,
    /// Whether it says who it is to those who come back (RFC 9207).
    pub(crate) names_itself: bool,
}

/// Keys, and when they were read.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) set: Arc<PublicJwkSet>,
    at: Timestamp,
}

type Kept<T> = Mutex<HashMap<String, T>>;

/// The providers that are kept.
#[derive(Default)]
pub(crate) struct Directory {
    providers: Kept<(Timestamp, Result<Arc<Metadata>, String>)>,
    keys: Kept<Keys>,
}

/// Keeps something. When there is too much, everything is forgotten, which costs a question each.
fn keep<T>(kept: &Kept<T>, name: &str, what: T) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() >= MOST {
        kept.clear();
    }
    kept.insert(name.to_owned(), what);
}

fn kept<T: Clone>(kept: &Kept<T>, name: &str) -> Option<T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

impl Directory {
    /// What a provider says of itself.
    pub(crate) async fn metadata(
        &self,
        web: &dyn Web,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Arc<Metadata>, ProviderError> {
        if let Some((at, known)) = kept(&self.providers, issuer) {
            let lasts = if known.is_ok() { KEPT } else { PAUSE };
            if now < at + lasts {
                return known.map_err(ProviderError::Misconfigured);
            }
        }
        let read = read(web, issuer).await.map(Arc::new);
        keep(&self.providers, issuer, (now, read.clone()));
        read.map_err(ProviderError::Misconfigured)
    }

    /// The keys of a provider.
    pub(crate) async fn keys(
        &self,
        web: &dyn Web,
        metadata: &Metadata,
        now: Timestamp,
    ) -> Result<Keys, ProviderError> {
        let url = metadata.keys.as_deref();
        let url = url.ok_or_else(|| ProviderError::Failed("it says nothing of its keys".into()))?;
        match kept(&self.keys, url).filter(|keys| now < keys.at + KEPT) {
            Some(keys) => Ok(keys),
            None => self.read_keys(web, url, now).await,
        }
    }

    /// The keys of a provider after those that a token does not fit. `None` when those are new.
    pub(crate) async fn newer_keys(
        &self,
        web: &dyn Web,
        metadata: &Metadata,
        known: &Keys,
        now: Timestamp,
    ) -> Result<Option<Keys>, ProviderError> {
        match metadata.keys.as_deref().filter(|_| now >= known.at + KEYS_PAUSE) {
            Some(url) => self.read_keys(web, url, now).await.map(Some),
            None => Ok(None),
        }
    }

    async fn read_keys(&self, web: &dyn Web, url: &str, now: Timestamp) -> Result<Keys, ProviderError> {
        let read = web::json(web, Ask { url, headers: &[], body: Body::None }).await?;
        let (set, _) = JwkSet::parse_known(read.to_string().as_bytes())
            .map_err(|error| ProviderError::Failed(format!("its keys cannot be read: {error}")))?;
        let keys = Keys { set: Arc::new(set.public()), at: now };
        keep(&self.keys, url, keys.clone());
        Ok(keys)
    }
}

/// Asks a provider what it says of itself.
async fn read(web: &dyn Web, issuer: &str) -> Result<Metadata, String> {
    let place = issuer.trim_end_matches('/');
    let url = format!("{place}/.well-known/openid-configuration");
    let said = web::json(web, Ask { url: &url, headers: &[], body: Body::None }).await;
    let said = said.map_err(|error| error.to_string())?;
    let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    let named = text("issuer").unwrap_or_default();
    // An address that is written with a slash at its end is the same as without.
    if named.trim_end_matches('/') != place {
        let named: String = named.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(format!("it calls itself \"{named}\" and not \"{issuer}\""));
    }
    let is_secure = place.starts_with("https://");
    let end = |name: &str| match text(name) {
        None => Ok(None),
        Some(end) => {
            let url = Url::parse(&end).map_err(|_| format!("its {name} is no address"))?;
            let is_good = url.scheme() == "https" || (url.scheme() == "http" && !is_secure);
            if is_good { Ok(Some(end)) } else { Err(format!("its {name} is no address of https")) }
        }
    };
    let lists = |name: &str, word: &str| {
        said.get(name).and_then(Value::as_array).is_some_and(|words| words.iter().any(|known| known == word))
    };
    let methods = "token_endpoint_auth_methods_supported";
    Ok(Metadata {
        ask: end("authorization_endpoint")?,
        token: end("token_endpoint")?,
        user: end("userinfo_endpoint")?,
        keys: end("jwks_uri")?,
        takes_verifier: lists("code_challenge_methods_supported", "S256"),
        takes_header: said.get(methods).is_none() || lists(methods, "client_secret_basic"),
        names_itself: said["authorization_response_iss_parameter_supported"] == true,
        issuer: named,
    })
}
