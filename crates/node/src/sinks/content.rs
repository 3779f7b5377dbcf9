//! What an entry of the record says, and what is sent of it.

use serde_json::{Value, json};
use sessera_model::{Secret, Timestamp};
use sessera_store::AuditEntry;

/// What an entry says.
#[derive(Clone, Debug)]
pub(super) struct Content {
    /// What names it for ever, here and in no other record.
    pub(super) id: String,
    pub(super) number: i64,
    pub(super) at: Timestamp,
    pub(super) action: String,
    members: Value,
}

impl Content {
    pub(super) fn of(entry: &AuditEntry) -> Self {
        // The record holds what this program wrote.
        let members: Value = serde_json::from_str(&entry.content).unwrap_or_default();
        let [a, b, c, d, ..] = entry.hash.0;
        let short = u32::from_be_bytes([a, b, c, d]);
        Self {
            id: format!("event_{}_{short:08x}", entry.number),
            number: entry.number,
            at: entry.at,
            action: members["action"].as_str().unwrap_or_default().to_owned(),
            members,
        }
    }

    /// Something that it is about, by its name.
    pub(super) fn about(&self, name: &str) -> Option<&str> {
        self.members["about"][name].as_str()
    }

    /// The kind of whoever did it.
    pub(super) fn actor(&self) -> &str {
        self.members["actor"]["kind"].as_str().unwrap_or_default()
    }

    /// What it is about: somebody, or else something by itself. What is about the same is told one after the other.
    pub(super) fn subject(&self) -> String {
        self.about("identity_id").or(self.about("session_id")).unwrap_or(&self.action).to_owned()
    }

    /// What happened, and who did it. Where the request came from is nobody else's business.
    pub(super) fn data(&self) -> Value {
        let mut data = json!({
            "number": self.number,
            "outcome": self.members["outcome"],
            "actor": self.members["actor"],
            "about": self.members["about"],
        });
        if let Some(count) = self.members.get("count") {
            data["count"] = count.clone();
        }
        data
    }
}

/// What is sent to a sink.
pub(super) struct Message {
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) body: String,
}

impl Message {
    pub(super) fn new(content_type: &str, body: String) -> Self {
        Self { headers: vec![("content-type".to_owned(), content_type.into())], body }
    }

    pub(super) fn with(mut self, name: &str, value: Secret) -> Self {
        self.headers.push((name.to_owned(), value));
        self
    }
}
