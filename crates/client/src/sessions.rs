//! Sessions: `/admin/sessions`.

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::client::AdminClient;
use crate::error::ClientError;
use crate::identities::{Identity, Part, paged};

/// A session.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// Whether the session is live.
    pub active: bool,
    /// When it ends (RFC 3339).
    #[serde(default)]
    pub expires_at: Option<String>,
    /// When its owner signed in (RFC 3339).
    #[serde(default)]
    pub authenticated_at: Option<String>,
    /// `aal1` or `aal2`.
    #[serde(default)]
    pub authenticator_assurance_level: Option<String>,
    /// The identity that it belongs to, when that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Everything else, as the server sent it.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Which sessions a list shows, and how many of them.
#[derive(Clone, Debug, Default)]
pub struct SessionQuery {
    /// How many sessions the part has at the most.
    pub page_size: Option<u32>,
    /// The token that came with the part before.
    pub page_token: Option<String>,
    /// Whether only live sessions are listed, or only the others.
    pub active: Option<bool>,
    /// The identity whose sessions alone are listed.
    pub identity: Option<Uuid>,
}

/// How many ids a request may name.
pub const MAX_IDS: usize = 500;

/// How sessions end.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// The sessions are no longer accepted, and can be looked at for a while.
    Disable,
    /// Nothing is left of the sessions.
    Delete,
}

/// Which sessions end.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// The sessions of everybody.
    Everybodys,
    /// These sessions, at most [`MAX_IDS`].
    Sessions(&'a [Uuid]),
}

#[derive(Deserialize)]
struct Ended {
    processed: u64,
    more: bool,
}

impl AdminClient {
    /// A part of all sessions, or of an identity's, with the newest first. The identity comes with each
    /// session when all are asked for.
    pub async fn sessions(&self, query: &SessionQuery) -> Result<Part<Session>, ClientError> {
        let mut request = match query.identity {
            Some(id) => self.request(Method::GET, &["admin", "identities", &id.to_string(), "sessions"]),
            None => self.request(Method::GET, &["admin", "sessions"]).query(&[("expand", "identity")]),
        };
        request = paged(request, query.page_size, query.page_token.as_deref());
        if let Some(active) = query.active {
            request = request.query(&[("active", active)]);
        }
        self.part(request).await
    }

    /// A session with its identity and devices.
    pub async fn session(&self, id: Uuid) -> Result<Session, ClientError> {
        let request = self.request(Method::GET, &["admin", "sessions", &id.to_string()]);
        self.json(request.query(&[("expand", "identity"), ("expand", "devices")])).await
    }

    /// Disables a session, which is then no longer accepted and can be looked at for a while.
    pub async fn disable_session(&self, id: Uuid) -> Result<(), ClientError> {
        self.send(self.request(Method::DELETE, &["admin", "sessions", &id.to_string()])).await.map(drop)
    }

    /// Deletes all sessions of an identity.
    pub async fn delete_sessions_of(&self, identity: Uuid) -> Result<(), ClientError> {
        let identity = identity.to_string();
        self.send(self.request(Method::DELETE, &["admin", "identities", &identity, "sessions"]))
            .await
            .map(drop)
    }

    /// Ends many sessions and says how many. Those that are not there are not counted.
    pub async fn end_sessions(&self, ending: Ending, whose: Whose<'_>) -> Result<u64, ClientError> {
        let mut body = match whose {
            Whose::Everybodys => json!({ "identities": ["*"] }),
            Whose::Sessions(ids) => json!({ "sessions": ids }),
        };
        body["action"] = json!(ending);
        let mut processed = 0;
        loop {
            let request = self.request(Method::POST, &["admin", "sessions"]);
            let ended: Ended = self.json(request.json(&body)).await?;
            processed += ended.processed;
            if !ended.more {
                return Ok(processed);
            }
        }
    }

    /// Makes a session end later, as far as the configuration allows.
    pub async fn extend_session(&self, id: Uuid) -> Result<Session, ClientError> {
        self.json(self.request(Method::PATCH, &["admin", "sessions", &id.to_string(), "extend"])).await
    }
}
