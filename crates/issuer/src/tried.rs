//! A session on which a template is tried, without a token that opens it.

use std::sync::Arc;

use serde_json::Value;
use sessera_jsonnet::Document;
use sessera_model::{Identity, IdentityView, Session, SessionView, StatusIndex, Timestamp, Uuid};
use sessera_tokenizer::Subject;

/// A session as `GET /sessions/whoami` answers it, for trying mappers out.
pub const SAMPLE: &str = include_str!("sample.session.json");

/// A session on which a template is tried.
#[derive(Clone, Debug)]
pub struct TriedSession {
    session_id: Uuid,
    identity_id: Uuid,
    external_id: Option<String>,
    document: Arc<Document>,
    /// When it ends, in seconds since the epoch.
    ends: i64,
}

/// A text is no session.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// It is not JSON.
    #[error("it is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A member is missing.
    #[error(
        "{0} is missing; expected is what GET /sessions/whoami answers: {{\"id\": \"UUID\", \"identity\": {{\"id\": \"UUID\", \"traits\": ...}}, ...}}"
    )]
    Missing(&'static str),
    /// A member is no id.
    #[error("{0} is not a UUID")]
    NoId(&'static str),
    /// Mappers cannot be given it.
    #[error("mappers cannot be given it: {0}")]
    Document(String),
}

impl TriedSession {
    /// The session that comes with the program.
    pub fn sample() -> Result<Self, NoSession> {
        Self::parse(SAMPLE.as_bytes())
    }

    /// A session of this deployment, as its mappers see it.
    pub fn of(
        session: &Session,
        identity: &Identity,
        now: Timestamp,
        schemas_url: &str,
    ) -> Result<Self, NoSession> {
        let view =
            SessionView { identity: Some((identity, IdentityView::public(schemas_url))), devices: true };
        Ok(Self {
            session_id: session.id,
            identity_id: identity.id,
            external_id: identity.external_id.clone(),
            document: document(&session.to_json(now, view))?,
            ends: session.expires_at.seconds(),
        })
    }

    /// Reads a session in the form of `GET /sessions/whoami`. It never ends when it does not say when.
    pub fn parse(json: &[u8]) -> Result<Self, NoSession> {
        let mut session: Value = serde_json::from_slice(json)?;
        if let Some(members) = session.as_object_mut() {
            // An answer to tokenize_as has the token beside the session, and mappers never see it.
            members.shift_remove("tokenized");
        }
        let id = |pointer: &'static str| {
            let text = session.pointer(pointer).and_then(Value::as_str).ok_or(NoSession::Missing(pointer))?;
            text.parse::<Uuid>().map_err(|_| NoSession::NoId(pointer))
        };
        Ok(Self {
            session_id: id("/id")?,
            identity_id: id("/identity/id")?,
            external_id: session.pointer("/identity/external_id").and_then(Value::as_str).map(str::to_owned),
            document: document(&session)?,
            ends: session
                .get("expires_at")
                .and_then(Value::as_str)
                .and_then(Timestamp::parse)
                .map_or(i64::MAX, Timestamp::seconds),
        })
    }

    /// Whose session it is.
    pub const fn identity_id(&self) -> Uuid {
        self.identity_id
    }

    /// What a token of this session is about. Its place in the status lists is the first one, whichever it really has.
    pub fn subject<'a>(&'a self, issuer: &'a str, token_id: Uuid) -> Subject<'a> {
        Subject {
            issuer,
            identity_id: self.identity_id,
            external_id: self.external_id.as_deref(),
            session_id: self.session_id,
            token_id,
            session: &self.document,
            session_ends: self.ends,
            status: Some(StatusIndex::from_number(0)),
        }
    }
}

fn document(session: &Value) -> Result<Arc<Document>, NoSession> {
    Document::shared(session.to_string().as_bytes()).map_err(|error| NoSession::Document(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_a_session() {
        let session = TriedSession::sample().unwrap();
        assert!(session.document.canonical().contains("authenticator_assurance_level"));
    }

    #[test]
    fn an_answer_with_a_token_is_a_session_without_it() {
        let json = SAMPLE.replacen('{', r#"{"tokenized":"a.b.c","#, 1);
        let session = TriedSession::parse(json.as_bytes()).unwrap();
        assert_eq!(session.document.canonical(), TriedSession::sample().unwrap().document.canonical());
    }

    #[test]
    fn what_is_no_session_says_what_is_missing() {
        for (json, what) in [
            ("{", "EOF"),
            ("[]", "/id is missing"),
            (r#"{"id":"x"}"#, "/id is not a UUID"),
            (r#"{"id":"00000000-0000-4000-8000-000000000001"}"#, "/identity/id is missing"),
        ] {
            let error = TriedSession::parse(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
