//! Whether the session behind a token was revoked, as the status list that the token names says (Token Status
//! List, draft-ietf-oauth-status-list, section 8.3).

use anyhow::{Context as _, Result, anyhow, bail};
use clap::ValueEnum;
use serde_json::{Map, Value};
use sessera_jose::status_list::{self, TYP};
use sessera_jose::verify::{check_times, check_type, verify};
use url::Url;

use super::fetch::{Fetcher, is_as_safe};
use super::keys::{KeySource, Keys};

/// When the status list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    /// The list is read when the keys come from an address
    Auto,
    /// The list is read even when the keys come from a file
    Always,
    /// The list is never read, so nothing beside the keys is fetched
    Never,
}

impl When {
    pub(super) const fn applies(self, keys: &KeySource) -> bool {
        match self {
            Self::Auto => matches!(keys, KeySource::Url(_)),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// The place of a token in the status lists.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatusReference {
    pub(super) uri: String,
    index: u64,
}

impl StatusReference {
    /// The place that the claims name, or `None` when the token has no status.
    pub(super) fn of(claims: &Map<String, Value>) -> Result<Option<Self>> {
        let Some(status) = claims.get("status").and_then(|status| status.get("status_list")) else {
            return Ok(None);
        };
        let uri = status.get("uri").and_then(Value::as_str);
        let index = status.get("idx").and_then(Value::as_u64);
        let (uri, index) =
            uri.zip(index).context("\"status_list\" of the token has no \"idx\" and \"uri\"")?;
        Ok(Some(Self { uri: uri.to_owned(), index }))
    }

    /// Fetches the list and reads the token's status, which is [`status_list::VALID`] or the number of
    /// another one.
    pub(super) async fn read(&self, source: &KeySource, keys: &Keys, now: i64, leeway: i64) -> Result<u8> {
        let url = Url::parse(&self.uri)
            .map_err(|_| anyhow!("\"uri\" of the status, \"{}\", is no address", self.uri))?;
        // Keys in a file have no address to compare with, so the list's address is taken as it is.
        let named_by = if let KeySource::Url(keys) = source { keys } else { &url };
        if !is_as_safe(&url, named_by) {
            bail!("the list at {url} is less safe than the keys");
        }
        let body = Fetcher::new(&url)?.body(&url).await?;
        let token = String::from_utf8(body).with_context(|| format!("{url} is not a status list"))?;
        let check = || self.check(token.trim(), keys, now, leeway);
        check().with_context(|| format!("the list at {url} is not good"))
    }

    fn check(&self, token: &str, keys: &Keys, now: i64, leeway: i64) -> Result<u8> {
        let list = verify(token, &keys.set.public())?;
        check_type(&list.header, Some(TYP))?;
        let claims = list.claims()?;
        if claims.get("sub").and_then(Value::as_str) != Some(&self.uri) {
            bail!("it is the list of another address");
        }
        check_times(&claims, now, leeway)?;
        Ok(status_list::status(&claims, self.index)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place(claims: &Value) -> Result<Option<StatusReference>> {
        StatusReference::of(claims.as_object().unwrap())
    }

    #[test]
    fn a_status_is_found_or_absent_or_wrong() {
        let uri = "https://id.example.org/.well-known/status/api/0";
        let found = place(&json!({"status": {"status_list": {"idx": 7, "uri": uri}}})).unwrap();
        assert_eq!(found, Some(StatusReference { uri: uri.into(), index: 7 }));
        // The claim "status" may belong to the application.
        for none in [json!({}), json!({"status": "gold"}), json!({"status": {"other": 1}})] {
            assert_eq!(place(&none).unwrap(), None, "{none}");
        }
        for wrong in [json!(1), json!({"idx": -1, "uri": uri}), json!({"idx": 1})] {
            assert!(place(&json!({"status": {"status_list": wrong}})).is_err(), "{wrong}");
        }
    }
}
