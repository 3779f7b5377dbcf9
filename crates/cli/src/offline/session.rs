//! Sessions from files.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use sessera_issuer::trial::SAMPLE;
use sessera_jsonnet::Document;
use sessera_model::{StatusIndex, Timestamp};
use sessera_tokenizer::Subject;
use uuid::Uuid;

use crate::input;

/// A session that was read from a file.
#[derive(Debug)]
pub(crate) struct SessionFile {
    session_id: Uuid,
    identity_id: Uuid,
    external_id: Option<String>,
    document: Arc<Document>,
    /// When it ends, in seconds since the epoch. It never ends when the file does not say.
    ends: i64,
}

impl SessionFile {
    /// The session that comes with the program.
    pub(crate) fn sample() -> Result<Self> {
        Self::parse(SAMPLE.as_bytes())
    }

    /// Reads a session in the form of `GET /sessions/whoami`. `-` is standard input.
    pub(crate) fn read(source: &str) -> Result<Self> {
        Self::parse(&input::read(source)?)
            .with_context(|| format!("{} is not a session", input::name(source)))
    }

    fn parse(json: &[u8]) -> Result<Self> {
        let mut session: Value = serde_json::from_slice(json)?;
        if let Some(members) = session.as_object_mut() {
            // An answer to tokenize_as has the token beside the session, and mappers never see it.
            members.shift_remove("tokenized");
        }
        let id = |pointer: &str| -> Result<Uuid> {
            let Some(text) = session.pointer(pointer).and_then(Value::as_str) else {
                bail!(
                    "{pointer} is missing; expected is what GET /sessions/whoami answers: {{\"id\": \"UUID\", \"identity\": {{\"id\": \"UUID\", \"traits\": ...}}, ...}}"
                );
            };
            text.parse().with_context(|| format!("{pointer} is not a UUID"))
        };
        Ok(Self {
            session_id: id("/id")?,
            identity_id: id("/identity/id")?,
            external_id: session.pointer("/identity/external_id").and_then(Value::as_str).map(str::to_owned),
            document: Document::shared(session.to_string().as_bytes())?,
            ends: session
                .get("expires_at")
                .and_then(Value::as_str)
                .and_then(Timestamp::parse)
                .map_or(i64::MAX, Timestamp::seconds),
        })
    }

    /// What a token of this session is about.
    pub(crate) fn subject<'a>(&'a self, issuer: &'a str, token_id: Uuid) -> Subject<'a> {
        Subject {
            issuer,
            identity_id: self.identity_id,
            external_id: self.external_id.as_deref(),
            session_id: self.session_id,
            token_id,
            session: &self.document,
            session_ends: self.ends,
            // Without a server there are no status lists.
            status: Some(StatusIndex::from_number(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_a_session() {
        let session = SessionFile::sample().unwrap();
        assert!(session.document.canonical().contains("authenticator_assurance_level"));
    }

    #[test]
    fn an_answer_with_a_token_is_a_session_without_it() {
        let json = SAMPLE.replacen('{', r#"{"tokenized":"a.b.c","#, 1);
        let session = SessionFile::parse(json.as_bytes()).unwrap();
        assert_eq!(session.document.canonical(), SessionFile::sample().unwrap().document.canonical());
    }

    #[test]
    fn what_is_no_session_says_what_is_missing() {
        for (json, what) in [
            ("{", "EOF"),
            ("[]", "/id is missing"),
            (r#"{"id":"x"}"#, "/id is not a UUID"),
            (r#"{"id":"00000000-0000-4000-8000-000000000001"}"#, "/identity/id is missing"),
        ] {
            let error = format!("{:#}", SessionFile::parse(json.as_bytes()).unwrap_err());
            assert!(error.contains(what), "{error}");
        }
    }
}
