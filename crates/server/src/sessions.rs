//! From a presented token to the live session behind it.

use std::sync::Arc;

use axum::http::HeaderValue;
use bytes::Bytes;
use sessera_jsonnet::Document;
use sessera_model::{
    Identity, IdentityState, IdentityView, Session, SessionView, Timestamp, TokenHash, Uuid,
};
use sessera_store::SessionKind;

use crate::app::{App, Snapshot};
use crate::error::ApiError;

/// A session that is good now, with everything made once that answers about it need.
#[derive(Debug)]
pub struct LiveSession {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub identity: Identity,
    /// How it is carried.
    pub kind: SessionKind,
    /// The whole answer of whoami.
    json: Bytes,
    /// The same as the value that mappers see.
    document: Arc<Document>,
    identity_id: HeaderValue,
}

impl LiveSession {
    /// Prepares a session for answers.
    fn new(
        session: Session,
        identity: Identity,
        kind: SessionKind,
        now: Timestamp,
        schemas_url: &str,
    ) -> Result<Self, ApiError> {
        let view =
            SessionView { identity: Some((&identity, IdentityView::public(schemas_url))), devices: true };
        let json = Bytes::from(session.to_json(now, view).to_string());
        let document = Document::parse(&json).map_err(ApiError::internal)?;
        let identity_id = HeaderValue::from_str(&identity.id.to_string()).map_err(ApiError::internal)?;
        Ok(Self { session, identity, kind, json, document: Arc::new(document), identity_id })
    }

    /// The session's JSON, as whoami answers it.
    pub const fn json(&self) -> &Bytes {
        &self.json
    }

    /// The session's JSON with the member `tokenized` at its end.
    pub fn json_with_token(&self, token: &str) -> Vec<u8> {
        // A token consists of base64url characters and dots, which need no escaping.
        let open = &self.json[..self.json.len() - 1];
        let mut json = Vec::with_capacity(open.len() + token.len() + 16);
        json.extend_from_slice(open);
        json.extend_from_slice(b",\"tokenized\":\"");
        json.extend_from_slice(token.as_bytes());
        json.extend_from_slice(b"\"}");
        json
    }

    /// The session as mappers see it.
    pub const fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// The identity's id as a header value.
    pub const fn identity_id_header(&self) -> &HeaderValue {
        &self.identity_id
    }
}

/// Where live sessions come from. Today that is this deployment's own store.
#[derive(Debug, Default)]
pub struct Sessions;

impl Sessions {
    /// The live session that `token` opens. 401 when there is none, it was revoked, has expired, or its
    /// identity may not sign in.
    pub async fn live(
        &self,
        app: &App,
        snapshot: &Snapshot,
        token: &str,
    ) -> Result<Arc<LiveSession>, ApiError> {
        self.by_hash(app, snapshot, TokenHash::of(token)).await
    }

    /// The same by the hash of the token.
    pub async fn by_hash(
        &self,
        app: &App,
        snapshot: &Snapshot,
        hash: TokenHash,
    ) -> Result<Arc<LiveSession>, ApiError> {
        let found = app.store.session_by_token(&hash).await?;
        let (stored, identity) = found.ok_or_else(ApiError::unauthorized)?;
        let now = app.clock.now();
        if !stored.session.is_live(now) || identity.state != IdentityState::Active {
            return Err(ApiError::unauthorized());
        }
        LiveSession::new(stored.session, identity, stored.kind, now, &snapshot.schemas_url).map(Arc::new)
    }

    /// The live session of a request, if it presents one that is good.
    pub async fn optional(
        &self,
        app: &App,
        snapshot: &Snapshot,
        token: Option<&str>,
    ) -> Result<Option<Arc<LiveSession>>, ApiError> {
        match token {
            None => Ok(None),
            Some(token) => match self.live(app, snapshot, token).await {
                Ok(live) => Ok(Some(live)),
                Err(error) if error.status() == axum::http::StatusCode::UNAUTHORIZED => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// The session's id as a path gives it. 400 when it is no UUID.
    pub fn parse_id(text: &str) -> Result<Uuid, ApiError> {
        Uuid::parse_str(text).map_err(|_| {
            ApiError::bad_request("The id in the path is not a UUID. Check the address that was called.")
        })
    }
}
