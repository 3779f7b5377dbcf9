//! Templates tried out before the first person meets them.

use std::sync::{Arc, LazyLock};

use sessera_jsonnet::Document;
use sessera_model::{StatusIndex, Timestamp, Uuid};
use sessera_store::{Page, SessionFilter, Store, StoreError};
use sessera_tokenizer::{Subject, TokenizeError, Tokenizer};

use crate::acceptable;
use crate::apart::apart;
use crate::compiled::Compiled;
use crate::settings::KeptBy;
use crate::templates::{Broken, Templates};
use crate::tried::{SAMPLE, TriedSession};

/// How many of the newest live sessions a template is tried on. The traits of one person may be incomplete.
const REAL_SESSIONS: u32 = 3;

/// The sample as mappers see it. A test shows that it can be read.
static DOCUMENT: LazyLock<Option<Arc<Document>>> = LazyLock::new(|| Document::shared(SAMPLE.as_bytes()).ok());

/// The sessions that templates are tried on.
#[derive(Clone)]
pub struct Trial {
    issuer: String,
    now: Timestamp,
    real: Vec<TriedSession>,
}

/// What a trial shows of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It makes a token of every session that it was tried on.
    Works,
    /// It makes a token of some of them. The sentence names one of the others.
    WorksForSome(String),
    /// It makes a token of none of them.
    Fails {
        /// Why, as a sentence.
        reason: String,
        /// Whether sessions of this deployment were among them. Without any, those of people to come may have what the
        /// sample lacks.
        proven: bool,
    },
}

impl Trial {
    /// A trial on the sample and on the newest live sessions of a store.
    pub async fn on_sessions_of(
        store: &dyn Store,
        compiled: &Compiled,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let filter = SessionFilter { live: Some((true, now)), ..SessionFilter::default() };
        let sessions = match compiled.settings.kept_by {
            KeptBy::Store => store.sessions(&filter, &Page { after: None, limit: REAL_SESSIONS }).await?,
            // Nobody can ask for sessions that are kept elsewhere without their tokens.
            KeptBy::Upstream { .. } => Vec::new(),
        };
        let real = sessions.into_iter().filter_map(|(session, identity)| {
            TriedSession::of(&session, &identity, now, &compiled.schemas_url).ok()
        });
        Ok(Self { issuer: compiled.settings.issuer.clone(), now, real: real.collect() })
    }

    /// Tries a template. No token is signed.
    pub fn of(&self, name: &str, tokenizer: &Tokenizer) -> Outcome {
        // Nobody's data are in the sample, so what the mapper says about it can be shown.
        let sample =
            self.sample().and_then(|sample| self.fault(tokenizer, &sample, TokenizeError::with_message));
        let tried = 1 + self.real.len();
        let real = self.real.iter().filter_map(|real| {
            let who = format!("a session of the identity {}", real.identity_id());
            Some((
                who,
                self.fault(tokenizer, &real.subject(&self.issuer, Uuid::nil()), TokenizeError::public)?,
            ))
        });
        let faults: Vec<_> =
            sample.map(|fault| ("the sample session".to_owned(), fault)).into_iter().chain(real).collect();
        let Some((who, fault)) = faults.first() else { return Outcome::Works };
        let proven = !self.real.is_empty();
        let (others, may) = match faults.len() == tried {
            true if proven => (" and of none of the newest sessions", "can hardly work"),
            true => ("", "may never work"),
            false => ("", "does not work for everybody"),
        };
        let reason = format!(
            "The template \"{name}\" makes no good token of {who}{others}, so it {may}: {fault}. Try it with \"sessera template test\"."
        );
        if faults.len() == tried { Outcome::Fails { reason, proven } } else { Outcome::WorksForSome(reason) }
    }

    /// Why a template makes no token of a session that anybody would accept. `told` says it of an error.
    fn fault(
        &self,
        tokenizer: &Tokenizer,
        subject: &Subject<'_>,
        told: fn(&TokenizeError) -> String,
    ) -> Option<String> {
        let now = self.now.seconds();
        match tokenizer.claims(subject, now) {
            Ok(claims) => acceptable::fault(&claims.json, now),
            Err(error) => Some(told(&error)),
        }
    }

    fn sample(&self) -> Option<Subject<'_>> {
        Some(Subject {
            issuer: &self.issuer,
            identity_id: Uuid::nil(),
            external_id: Some("sample"),
            session_id: Uuid::nil(),
            token_id: Uuid::nil(),
            session: DOCUMENT.as_ref()?,
            session_ends: i64::MAX,
            status: Some(StatusIndex::from_number(0)),
        })
    }

    /// All templates with what became of them, in the order of their names. Each may take as many steps as its mapper is
    /// allowed, so they are tried apart.
    pub async fn states(&self, templates: &Templates) -> Vec<(String, TemplateState)> {
        let mut states = Vec::new();
        for (name, found) in templates.list() {
            states.push((name.to_owned(), self.state(name, found).await));
        }
        states
    }

    /// What became of one template. Nothing when there is none of this name.
    pub async fn state_of(&self, templates: &Templates, name: &str) -> Option<TemplateState> {
        match templates.get(name) {
            Some(found) => Some(self.state(name, found).await),
            None => None,
        }
    }

    async fn state(&self, name: &str, found: &Result<Arc<Tokenizer>, Broken>) -> TemplateState {
        let tokenizer = match found {
            Ok(tokenizer) => tokenizer.clone(),
            Err(broken) => return TemplateState::Broken(broken.clone()),
        };
        let (trial, name, tried) = (self.clone(), name.to_owned(), tokenizer.clone());
        TemplateState::Compiled(tokenizer, apart(move || trial.of(&name, &tried)).await)
    }
}

/// What became of a template.
#[derive(Clone, Debug)]
pub enum TemplateState {
    /// It can be used, and a trial showed this of it.
    Compiled(Arc<Tokenizer>, Outcome),
    /// It cannot be used.
    Broken(Broken),
}

impl Outcome {
    /// What whoever configures the template should know.
    pub fn sentence(self) -> Option<String> {
        match self {
            Self::Works => None,
            Self::WorksForSome(sentence) | Self::Fails { reason: sentence, .. } => Some(sentence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_can_be_read() {
        assert!(DOCUMENT.is_some());
    }
}
