//! Managed key sets: `/admin/rotation`.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sessera_jose::Algorithm;
use sessera_model::{GoDuration, Timestamp};

use crate::client::AdminClient;
use crate::error::ClientError;

/// A managed set without key material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedKeySet {
    /// Its name.
    pub set: String,
    /// The algorithm of its keys.
    pub alg: String,
    /// How long a key signs.
    pub period: GoDuration,
    /// The server's time.
    pub now: Timestamp,
    /// Its keys in the order in which they were made.
    pub keys: Vec<ManagedKey>,
    /// The states that its keys will enter, ordered by time.
    pub timeline: Vec<Entry>,
}

/// A key of a managed set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedKey {
    /// Its id.
    pub kid: String,
    /// `prepared`, `active`, `retiring`, `retired` or `revoked`.
    pub state: String,
    /// When it was published first.
    pub published_at: Timestamp,
    /// When it begins, or began, to sign.
    pub activates_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The longest life of a token that it may have signed.
    pub max_ttl: GoDuration,
    /// Whether its private half still exists.
    pub has_private: bool,
}

/// A state that a key will enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The id of the key.
    pub kid: String,
    /// When the key enters the state.
    pub at: Timestamp,
    /// The state that it enters.
    pub state: String,
}

/// The next key of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// The set.
    pub set: String,
    /// The key that signs next.
    pub kid: String,
    /// The time from which it signs.
    pub activates_at: Timestamp,
}

/// A key that was taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedKey {
    /// The set.
    pub set: String,
    /// The key that is out.
    pub kid: String,
    /// The key that signs now.
    pub signer: String,
    /// Until when verifiers may still accept tokens of the key that is out.
    pub accepted_until: Timestamp,
}

impl AdminClient {
    /// The keys of a managed set with their states.
    pub async fn managed_set(&self, set: &str) -> Result<ManagedKeySet, ClientError> {
        self.json(self.request(Method::GET, &["admin", "rotation", set])).await
    }

    /// Makes a managed set.
    pub async fn create_managed_set(
        &self,
        set: &str,
        algorithm: Algorithm,
        period: GoDuration,
    ) -> Result<ManagedKeySet, ClientError> {
        let body = json!({ "alg": algorithm.as_str(), "period": period });
        self.json(self.request(Method::POST, &["admin", "rotation", set]).json(&body)).await
    }

    /// Turns an existing set into a managed one.
    pub async fn adopt_key_set(&self, set: &str, period: GoDuration) -> Result<ManagedKeySet, ClientError> {
        let body = json!({ "period": period, "adopt": true });
        self.json(self.request(Method::POST, &["admin", "rotation", set]).json(&body)).await
    }

    /// Lets the next key sign as soon as all verifiers can know it.
    pub async fn rotate_key_set(&self, set: &str) -> Result<Rotated, ClientError> {
        self.json(self.request(Method::POST, &["admin", "rotation", set, "rotate"])).await
    }

    /// Takes a compromised key out at once.
    pub async fn revoke_key(&self, set: &str, kid: &str) -> Result<RevokedKey, ClientError> {
        self.json(self.request(Method::POST, &["admin", "rotation", set, "keys", kid, "revoke"])).await
    }
}
