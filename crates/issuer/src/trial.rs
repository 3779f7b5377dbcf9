//! Templates tried out before the first person meets them.

use std::sync::{Arc, LazyLock};

use sessera_jsonnet::Document;
use sessera_model::{IdentityView, SessionView, StatusIndex, Timestamp, Uuid};
use sessera_store::{Page, SessionFilter, Store, StoreError};
use sessera_tokenizer::{Subject, Tokenizer};

use crate::compiled::Compiled;
use crate::settings::KeptBy;

/// A session as `GET /sessions/whoami` answers it, for trying mappers out.
pub const SAMPLE: &str = include_str!("sample.session.json");

/// How many of the newest live sessions a template is tried on. The traits of one person may be incomplete.
const REAL_SESSIONS: u32 = 3;

/// The sample as mappers see it. A test shows that it can be read.
static DOCUMENT: LazyLock<Option<Arc<Document>>> = LazyLock::new(|| Document::shared(SAMPLE.as_bytes()).ok());

/// The sessions that templates are tried on.
pub struct Trial {
    issuer: String,
    now: Timestamp,
    real: Vec<Real>,
}

/// A session of this deployment.
struct Real {
    identity_id: Uuid,
    external_id: Option<String>,
    session_id: Uuid,
    ends: i64,
    document: Arc<Document>,
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
            let identity_view = IdentityView::public(&compiled.schemas_url);
            let view = SessionView { identity: Some((&identity, identity_view)), devices: true };
            Some(Real {
                document: Document::shared(session.to_json(now, view).to_string().as_bytes()).ok()?,
                identity_id: identity.id,
                session_id: session.id,
                ends: session.expires_at.seconds(),
                external_id: identity.external_id,
            })
        });
        Ok(Self { issuer: compiled.settings.issuer.clone(), now, real: real.collect() })
    }

    /// Tries a template. No token is signed.
    pub fn of(&self, name: &str, tokenizer: &Tokenizer) -> Outcome {
        let sample = self.sample().and_then(|sample| self.fault(tokenizer, &sample));
        let tried = 1 + self.real.len();
        let real = self.real.iter().filter_map(|real| {
            let who = format!("a session of the identity {}", real.identity_id);
            Some((who, self.fault(tokenizer, &self.subject(real))?))
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
            "The template \"{name}\" makes no token of {who}{others}, so it {may}: {fault}. Try it with \"sessera template test\"."
        );
        if faults.len() == tried { Outcome::Fails { reason, proven } } else { Outcome::WorksForSome(reason) }
    }

    /// Why a template makes no claims of a session.
    fn fault(&self, tokenizer: &Tokenizer, subject: &Subject<'_>) -> Option<String> {
        tokenizer.claims(subject, self.now.seconds()).err().map(|error| error.public())
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

    fn subject<'a>(&'a self, real: &'a Real) -> Subject<'a> {
        Subject {
            issuer: &self.issuer,
            identity_id: real.identity_id,
            external_id: real.external_id.as_deref(),
            session_id: real.session_id,
            token_id: Uuid::nil(),
            session: &real.document,
            session_ends: real.ends,
            status: Some(StatusIndex::from_number(0)),
        }
    }
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
