//! Templates tried out before the first person meets them.

use std::sync::{Arc, LazyLock};

use sessera_jsonnet::Document;
use sessera_model::{StatusIndex, Timestamp, Uuid};
use sessera_tokenizer::{Subject, Tokenizer};

/// A session as `GET /sessions/whoami` answers it, for trying mappers out.
pub const SAMPLE: &str = include_str!("sample.session.json");

/// The sample as mappers see it. A test shows that it can be read.
static DOCUMENT: LazyLock<Option<Arc<Document>>> = LazyLock::new(|| Document::shared(SAMPLE.as_bytes()).ok());

/// Why a template makes no claims of the sample session, as a sentence for whoever configures it. It may work for the
/// sessions of others, whose traits the sample lacks.
pub fn fault(name: &str, tokenizer: &Tokenizer, issuer: &str, now: Timestamp) -> Option<String> {
    let subject = Subject {
        issuer,
        identity_id: Uuid::nil(),
        external_id: Some("sample"),
        session_id: Uuid::nil(),
        token_id: Uuid::nil(),
        session: DOCUMENT.as_ref()?,
        session_ends: i64::MAX,
        status: Some(StatusIndex::from_number(0)),
    };
    let error = tokenizer.claims(&subject, now.seconds()).err()?;
    Some(format!(
        "The template \"{name}\" makes no token of the sample session, so it may never work: {}. Try it with \"sessera template test\".",
        error.public()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_can_be_read() {
        assert!(DOCUMENT.is_some());
    }
}
