//! The record of what happened: `/admin/audit`.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sessera_model::Timestamp;

use crate::client::AdminClient;
use crate::error::ClientError;
use crate::identities::{Part, paged};

/// An entry of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its number.
    pub number: i64,
    /// The hash of it and of all before it.
    pub hash: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub content: Map<String, Value>,
}

/// Which entries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// What they must be like: names and values of the API's parameters.
    pub filters: Vec<(&'static str, String)>,
    /// The number of the entry behind which to begin with the oldest one. The newest one comes first without it.
    pub after: Option<i64>,
}

/// What was found out about a part of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditVerified {
    /// How many entries were looked at.
    pub entries: u64,
    /// The number of the last entry that is as it was written.
    pub number: i64,
    /// Its hash.
    pub hash: String,
    /// What is wrong behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// Whether that is all.
    pub is_end: bool,
}

impl AdminClient {
    /// Entries of the record.
    pub async fn audit(
        &self,
        query: &AuditQuery,
        size: Option<u32>,
        token: Option<&str>,
    ) -> Result<Part<AuditEntry>, ClientError> {
        let mut request = paged(self.request(Method::GET, &["admin", "audit"]), size, token);
        request = request.query(&query.filters);
        if let Some(after) = query.after {
            request = request.query(&[("after", after)]);
        }
        self.part(request).await
    }

    /// Verifies a part of the record: what follows the entry with a number, which was verified before.
    pub async fn verify_audit(&self, after: Option<i64>) -> Result<AuditVerified, ClientError> {
        let request = self.request(Method::GET, &["admin", "audit", "verify"]);
        let request = match after {
            Some(after) => request.query(&[("after", after)]),
            None => request,
        };
        self.json(request).await
    }
}
