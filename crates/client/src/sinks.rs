//! Receivers of events: `/admin/sinks`.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sessera_model::Timestamp;

use crate::audit::AuditEntry;
use crate::client::AdminClient;
use crate::error::ClientError;
use crate::identities::{Part, paged};

/// A receiver of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sink {
    /// Its name.
    pub name: String,
    /// What is sent: `webhook`, `security_event_token` or `back_channel_logout`.
    pub kind: String,
    /// Where events are sent: scheme, host and port.
    pub origin: String,
    /// The events that are sent; all when there are none.
    pub events: Vec<String>,
    /// The number of the entry of the record that it took last.
    pub number: i64,
    /// How many events wait.
    pub waiting: u64,
    /// Since when the oldest one waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// How many events were given up.
    pub given_up: u64,
    /// Why an event that waits was not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// An event on its way to a sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// `waiting` or `given_up`.
    pub state: String,
    /// Since when it is to be delivered.
    pub since: Timestamp,
    /// How often it was sent.
    pub attempts: i64,
    /// When it is sent next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Why it was not taken last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The entry of the record.
    pub entry: AuditEntry,
}

impl AdminClient {
    /// All sinks.
    pub async fn sinks(&self) -> Result<Vec<Sink>, ClientError> {
        self.json(self.request(Method::GET, &["admin", "sinks"])).await
    }

    /// What is to be delivered to a sink, all of it or what is in one state.
    pub async fn deliveries(
        &self,
        sink: &str,
        state: Option<&str>,
        size: Option<u32>,
        token: Option<&str>,
    ) -> Result<Part<Delivery>, ClientError> {
        let request = self.request(Method::GET, &["admin", "sinks", sink, "deliveries"]);
        let mut request = paged(request, size, token);
        if let Some(state) = state {
            request = request.query(&[("state", state)]);
        }
        self.part(request).await
    }

    /// Has events delivered to a sink once more: everything behind an entry of the record, or what was given up, and then what
    /// waits is tried at once.
    pub async fn replay_events(&self, sink: &str, after: Option<i64>) -> Result<(), ClientError> {
        let request = self.request(Method::POST, &["admin", "sinks", sink, "replay"]);
        self.send(request.json(&json!({ "after": after }))).await.map(drop)
    }
}
