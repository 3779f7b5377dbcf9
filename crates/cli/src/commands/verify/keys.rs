//! Where the keys for verifying come from, which is a file, a URL, or an issuer by discovery.

use std::fmt;

use anyhow::{Context as _, Result, anyhow, bail};
use reqwest::StatusCode;
use serde_json::Value;
use sessera_client::Endpoint;
use sessera_jose::{JwkSet, KeyError};
use url::Url;

use super::fetch::{Fetcher, is_as_safe};
use crate::input;

/// Where an issuer describes itself (OpenID Connect Discovery 1.0, section 4).
const DISCOVERY: &str = ".well-known/openid-configuration";

/// Where keys come from.
#[derive(Clone, Debug)]
pub(super) enum KeySource {
    /// The keys are in a file, or come from standard input.
    File(String),
    /// The keys are at a URL, which is that of a key set or of an issuer.
    Url(Box<Url>),
}

/// The keys, and what was learnt on the way to them.
pub(super) struct Keys {
    pub(super) set: JwkSet,
    /// Whether shared secrets count, which they do in files of the person's own.
    pub(super) with_secrets: bool,
    /// The issuer that the token must name, when its keys were found by discovery.
    pub(super) issuer: Option<String>,
    /// What the person should be warned of.
    pub(super) notes: Vec<String>,
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(source) => f.write_str(input::name(source)),
            Self::Url(url) => url.fmt(f),
        }
    }
}

/// Reads `--jwks`.
pub(super) fn parse_source(text: &str) -> Result<KeySource, String> {
    if text.starts_with("http://") || text.starts_with("https://") {
        let url = Url::parse(text).map_err(|_| {
            "it is no address: write scheme, host and path, as in https://id.example.org/.well-known/jwks.json"
        })?;
        return Ok(KeySource::Url(Box::new(url)));
    }
    Ok(KeySource::File(text.to_owned()))
}

impl KeySource {
    pub(super) async fn load(&self) -> Result<Keys> {
        match self {
            Self::File(source) => {
                let content = input::read(source)?;
                keys(&content, true).with_context(|| format!("{} holds no keys", input::name(source)))
            }
            Self::Url(url) => Finder(Fetcher::new(url)?).find(url).await,
        }
    }
}

/// Reads a key set, or a single key.
fn keys(json: &[u8], with_secrets: bool) -> Result<Keys, KeyError> {
    let (set, left_out) = JwkSet::parse_known(json)?;
    let notes = left_out.iter().map(|error| format!("a key of the set is left out: {error}")).collect();
    Ok(Keys { set, with_secrets, issuer: None, notes })
}

/// Finds keys.
struct Finder(Fetcher);

impl Finder {
    /// Finds the keys at an address, which is that of a key set, of an issuer, or of an issuer's description.
    async fn find(&self, url: &Url) -> Result<Keys> {
        let mut notes = Vec::new();
        if !url.as_str().parse::<Endpoint>().is_ok_and(|endpoint| endpoint.keeps_secrets()) {
            notes.push(format!("{url} is not encrypted: whoever is on the way can change the keys"));
        }
        let answer = self.0.get(url).await?;
        let value = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
        let mut found = if answer.status.is_success() && value.get("keys").is_some() {
            keys(&answer.body, false).with_context(|| format!("{url} is not a key set"))?
        } else if answer.status.is_success() && value.get("jwks_uri").is_some() {
            self.follow(url, &value).await?
        } else {
            self.discover(url).await.with_context(|| match answer.status {
                StatusCode::OK => format!("{url} is neither a key set nor the address of an issuer"),
                status => format!("{url} answers {status}, and is not the address of an issuer either"),
            })?
        };
        found.notes.splice(0..0, notes);
        Ok(found)
    }

    async fn discover(&self, issuer: &Url) -> Result<Keys> {
        let mut base = issuer.clone();
        base.set_query(None);
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", issuer.path()));
        }
        let description = base.join(DISCOVERY)?;
        let body = self.0.body(&description).await?;
        let value = serde_json::from_slice(&body).with_context(|| format!("{description} is not JSON"))?;
        let found = self.follow(&description, &value).await?;
        let says = found.issuer.as_deref().unwrap_or_default();
        // One issuer must not speak for another (OpenID Connect Discovery 1.0, section 4.3).
        let is_the_same = Url::parse(says)
            .is_ok_and(|says| says.as_str().trim_end_matches('/') == issuer.as_str().trim_end_matches('/'));
        if !is_the_same {
            bail!("{description} is the description of another issuer, \"{says}\"");
        }
        Ok(found)
    }

    /// Fetches the keys that an issuer's description names.
    async fn follow(&self, description: &Url, value: &Value) -> Result<Keys> {
        let text = |name: &str| {
            value.get(name).and_then(Value::as_str).ok_or_else(|| anyhow!("{description} has no \"{name}\""))
        };
        let jwks_uri = Url::parse(text("jwks_uri")?)
            .map_err(|_| anyhow!("\"jwks_uri\" of {description} is no address"))?;
        if !is_as_safe(&jwks_uri, description) {
            bail!("{description} names keys at {jwks_uri}, which is less safe than itself");
        }
        let issuer = text("issuer")?.to_owned();
        let body = self.0.body(&jwks_uri).await?;
        let found = keys(&body, false).with_context(|| format!("{jwks_uri} is not a key set"))?;
        Ok(Keys { issuer: Some(issuer), ..found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_told_apart() {
        assert!(matches!(parse_source("https://id.example.org/"), Ok(KeySource::Url(_))));
        assert!(matches!(parse_source("file:///a/b"), Ok(KeySource::File(_))));
        assert!(matches!(parse_source("keys.json"), Ok(KeySource::File(_))));
        assert!(parse_source("http://").is_err());
    }

    #[test]
    fn a_single_key_is_a_set_and_unknown_kinds_are_left_out() {
        let key = r#"{"kty":"oct","k":"YQ","kid":"a"}"#;
        assert_eq!(keys(key.as_bytes(), true).unwrap().set.keys().len(), 1);
        let set = format!(r#"{{"keys":[{key},{{"kty":"AKP","kid":"b"}}]}}"#);
        let found = keys(set.as_bytes(), true).unwrap();
        assert_eq!((found.set.keys().len(), found.notes.len()), (1, 1));
        assert!(keys(b"<html>", true).is_err());
    }
}
