//! A session that may be answered now, with everything that its answers need, made once.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::Deserialize;
use sessera_jsonnet::Document;
use sessera_model::{
    CredentialKind, Identity, IdentityView, Session, SessionView, StatusIndex, Timestamp, TokenHash, Uuid,
};
use sessera_store::{SessionKind, StoredSession};

use super::kept_tokens::KeptTokens;
use super::last_use::LastUse;
use super::mapped::Mapped;
use crate::error::IssuerError;

/// A session that may be answered now, with everything that its answers need, made once.
#[derive(Debug)]
pub struct LiveSession {
    /// The session.
    pub session: Session,
    /// How it is carried.
    pub kind: SessionKind,
    /// Its place in the status lists. One that is kept elsewhere gets it when a token has to name it.
    pub status: OnceLock<StatusIndex>,
    /// When whoever keeps it told that it is live.
    pub known_at: Timestamp,
    /// Until when it may be answered from memory without asking where it is kept.
    pub fresh_until: Timestamp,
    /// The id of its identity in another system.
    pub external_id: Option<Box<str>>,
    /// Which second factors its identity has set up, once somebody asked.
    pub second_factors: OnceLock<Vec<CredentialKind>>,
    /// The id of its identity's schema, once somebody asked.
    schema_id: OnceLock<Box<str>>,
    /// Under which hash the cache keeps it.
    pub(super) kept_under: OnceLock<TokenHash>,
    /// Tokens that were made of it and are given again.
    pub(crate) tokens: KeptTokens,
    /// When it was last used.
    pub(super) last_use: LastUse,
    /// Where the schemas were when the answer was made.
    schemas_url: Arc<str>,
    /// The whole answer of whoami.
    json: Bytes,
    /// What is made of that answer for tokens.
    pub(crate) mapped: Mapped,
    /// The identity's id as text.
    identity_id: Bytes,
}

/// An id as text. It is a part of the answer in which it stands, where it does, because whoever sends both then touches the
/// memory of one.
fn text_in(json: &Bytes, id: Uuid) -> Bytes {
    let text = id.to_string();
    match json.windows(text.len()).position(|part| part == text.as_bytes()) {
        Some(start) => json.slice(start..start + text.len()),
        None => Bytes::from(text),
    }
}

impl LiveSession {
    /// Prepares a session of the store for answers.
    pub fn of_stored(
        stored: StoredSession,
        identity: &Identity,
        now: Timestamp,
        schemas_url: Arc<str>,
    ) -> Result<Self, IssuerError> {
        let StoredSession { session, kind, status, token: _ } = stored;
        let view =
            SessionView { identity: Some((identity, IdentityView::public(&schemas_url))), devices: true };
        let json = Bytes::from(session.to_json(now, view).to_string().into_boxed_str().into_boxed_bytes());
        let document = Document::parse(&json).map_err(IssuerError::internal)?;
        let identity_id = text_in(&json, identity.id);
        let external_id = identity.external_id.as_deref().map(Box::from);
        let (second_factors, last_use) = (OnceLock::new(), LastUse::of(&session));
        Ok(Self {
            session,
            kind,
            status: OnceLock::from(status),
            known_at: now,
            // Whoever changes it tells of that.
            fresh_until: Timestamp::MAX,
            external_id,
            second_factors,
            schema_id: OnceLock::new(),
            kept_under: OnceLock::new(),
            tokens: KeptTokens::default(),
            last_use,
            schemas_url,
            json,
            mapped: Mapped::new(document),
            identity_id,
        })
    }

    /// Prepares a session that is kept elsewhere for answers. `json` is what was told about it there at `known_at`, an object.
    /// Nothing when that cannot be read.
    pub fn of_elsewhere(
        session: Session,
        kind: SessionKind,
        external_id: Option<&str>,
        json: Bytes,
        known_at: Timestamp,
        fresh_until: Timestamp,
        schemas_url: Arc<str>,
    ) -> Option<Self> {
        let mapped = Mapped::new(Document::parse(&json).ok()?);
        Some(Self {
            kind,
            status: OnceLock::new(),
            known_at,
            fresh_until,
            external_id: external_id.map(Box::from),
            second_factors: OnceLock::new(),
            schema_id: OnceLock::new(),
            kept_under: OnceLock::new(),
            tokens: KeptTokens::default(),
            last_use: LastUse::noted_elsewhere(),
            schemas_url,
            mapped,
            identity_id: text_in(&json, session.identity_id),
            json,
            session,
        })
    }

    /// The session's JSON, as whoami answers it.
    pub const fn json(&self) -> &Bytes {
        &self.json
    }

    /// The session's JSON with the member `tokenized` at its end.
    pub fn json_with_token(&self, token: &str) -> Vec<u8> {
        // What was told elsewhere may end in white space.
        let end = self.json.iter().rposition(|byte| *byte == b'}').unwrap_or_default();
        let (open, close) = self.json.split_at(end);
        // A token consists of base64url characters and dots, which need no escaping.
        let mut json = Vec::with_capacity(self.json.len() + token.len() + 16);
        json.extend_from_slice(open);
        json.extend_from_slice(b",\"tokenized\":\"");
        json.extend_from_slice(token.as_bytes());
        json.push(b'"');
        json.extend_from_slice(close);
        json
    }

    /// The identity's id as text, whose bytes are shared.
    pub const fn identity_id_text(&self) -> &Bytes {
        &self.identity_id
    }

    /// The id of its identity's schema; empty where whoever keeps the session does not tell.
    pub fn schema_id(&self) -> &str {
        #[derive(Deserialize)]
        struct Members {
            identity: Identity,
        }
        #[derive(Deserialize)]
        struct Identity {
            schema_id: Box<str>,
        }
        self.schema_id.get_or_init(|| {
            let told = serde_json::from_slice(&self.json).ok();
            told.map(|Members { identity: Identity { schema_id } }| schema_id).unwrap_or_default()
        })
    }

    /// Where the schemas were when the answer was made.
    pub fn schemas_url(&self) -> &str {
        &self.schemas_url
    }

    /// Bytes that it takes in memory.
    pub fn size(&self) -> usize {
        /// What an allocation costs beside its content.
        const ALLOCATION: usize = 16;
        let texts = self.session.methods.iter().map(|method| method.method.capacity()).chain(
            self.session.devices.iter().map(|device| {
                device.ip_address.capacity() + device.user_agent.capacity() + device.location.capacity()
            }),
        );
        let session: usize = texts.map(|bytes| bytes + 3 * ALLOCATION).sum::<usize>()
            + std::mem::size_of_val(self.session.methods.as_slice())
            + std::mem::size_of_val(self.session.devices.as_slice());
        size_of::<Self>()
            + session
            + self.tokens.size()
            + self.external_id.as_ref().map_or(0, |id| id.len() + ALLOCATION)
            + self.json.len()
            + self.mapped.size()
            + self.identity_id.len()
            + 12 * ALLOCATION
    }
}
