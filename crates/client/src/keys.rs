//! Key sets: `/admin/keys`.

use reqwest::header::{ETAG, HeaderValue, IF_MATCH};
use reqwest::{Method, Response};
use serde::Serialize;
use serde_json::Value;
use sessera_jose::{Algorithm, Jwk, JwkSet};

use crate::client::AdminClient;
use crate::error::ClientError;

/// A key set with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedSet {
    /// Its name.
    pub name: String,
    /// Its keys in their owner's order. In lists they have no private members.
    pub keys: JwkSet,
    /// How many keys it has, including those that have no public form.
    pub count: usize,
}

/// A version of a key set. A change that was made from what the set was names its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetVersion(HeaderValue);

impl SetVersion {
    /// The version of a set that is not there yet.
    pub const fn absent() -> Self {
        Self(HeaderValue::from_static("\"0\""))
    }
}

/// The key that is to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Its id. It is the thumbprint when none is given.
    pub kid: Option<String>,
    /// `sig` or `enc`.
    pub key_use: String,
    /// The bits of an RSA key. The server's default counts when it is absent.
    pub bits: Option<usize>,
}

#[derive(Serialize)]
struct NewKeyBody<'a> {
    alg: &'static str,
    kid: &'a str,
    #[serde(rename = "use")]
    key_use: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits: Option<usize>,
}

impl AdminClient {
    /// Makes a key and adds it at the end of a set, which is created if needed. Returns the new key with its
    /// private members.
    pub async fn create_key(&self, set: &str, key: &NewKey) -> Result<Jwk, ClientError> {
        let body = NewKeyBody {
            alg: key.algorithm.as_str(),
            kid: key.kid.as_deref().unwrap_or_default(),
            key_use: &key.key_use,
            bits: key.bits,
        };
        let request = self.request(Method::POST, &["admin", "keys", set]).json(&body);
        let response = self.send(request).await?;
        let made = self.key_set_of(response).await?;
        made.keys().last().cloned().ok_or_else(|| self.not_understood("the new key is missing"))
    }

    /// A set with its private members.
    pub async fn key_set(&self, set: &str) -> Result<JwkSet, ClientError> {
        let response = self.send(self.request(Method::GET, &["admin", "keys", set])).await?;
        self.key_set_of(response).await
    }

    /// All sets with their public keys.
    pub async fn key_sets(&self) -> Result<Vec<NamedSet>, ClientError> {
        let sets: Vec<Value> = self.json(self.request(Method::GET, &["admin", "keys"])).await?;
        sets.into_iter().map(|set| self.named(set)).collect()
    }

    fn named(&self, value: Value) -> Result<NamedSet, ClientError> {
        let name = value["set"].as_str().unwrap_or_default().to_owned();
        let count = value["key_count"].as_u64().and_then(|count| usize::try_from(count).ok());
        let keys = JwkSet::from_value(value).map_err(|error| self.not_understood(&error.to_string()))?;
        Ok(NamedSet { name, count: count.unwrap_or(keys.keys().len()), keys })
    }

    /// A set with its private members, and its version.
    pub async fn versioned_key_set(&self, set: &str) -> Result<(JwkSet, SetVersion), ClientError> {
        let response = self.send(self.request(Method::GET, &["admin", "keys", set])).await?;
        let version = response.headers().get(ETAG).cloned();
        let version = version.ok_or_else(|| self.not_understood("the key set has no version"))?;
        Ok((self.key_set_of(response).await?, SetVersion(version)))
    }

    /// Replaces the keys of a set by these, in this order, provided it still has the version that was read.
    pub async fn replace_key_set(
        &self,
        set: &str,
        keys: &JwkSet,
        read: &SetVersion,
    ) -> Result<(), ClientError> {
        let request = self.request(Method::PUT, &["admin", "keys", set]).header(IF_MATCH, read.0.clone());
        self.send(request.json(&keys.to_private_json())).await.map(drop)
    }

    /// Deletes a set with all its keys.
    pub async fn delete_key_set(&self, set: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["admin", "keys", set])).await.map(drop)
    }

    /// Deletes one key of a set.
    pub async fn delete_key(&self, set: &str, kid: &str) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["admin", "keys", set, kid])).await.map(drop)
    }

    async fn key_set_of(&self, response: Response) -> Result<JwkSet, ClientError> {
        let value: Value = self.read(response).await?;
        JwkSet::from_value(value).map_err(|error| self.not_understood(&error.to_string()))
    }
}
