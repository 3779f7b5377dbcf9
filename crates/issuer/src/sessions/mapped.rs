//! What the tokens of a session are made of: the session as mappers see it, and the forms that they made of it.
//!
//! A form takes about as much memory as the document, which has done its work when there is a form, so it goes then. Where another
//! template needs it, it is read again, and stays beside the forms until the next one is kept.

use std::sync::{Arc, Mutex, PoisonError};

use sessera_jsonnet::Document;
use sessera_tokenizer::{ClaimsForm, Tokenizer};

use super::by_template::ByTemplate;

/// What the tokens of a session are made of.
#[derive(Debug)]
pub(crate) struct Mapped(Mutex<Parts>);

#[derive(Debug)]
struct Parts {
    document: Option<Arc<Document>>,
    forms: ByTemplate<ClaimsForm>,
}

impl Mapped {
    pub(crate) fn new(document: Document) -> Self {
        Self(Mutex::new(Parts { document: Some(Arc::new(document)), forms: ByTemplate::default() }))
    }

    /// The form that this very template has made.
    pub(crate) fn form(&self, tokenizer: &Arc<Tokenizer>) -> Option<Arc<ClaimsForm>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).forms.of(tokenizer).cloned()
    }

    /// Keeps a form in the place of the one before, and lets the document go.
    pub(crate) fn keep(&self, tokenizer: &Arc<Tokenizer>, form: ClaimsForm) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.forms.keep(tokenizer, Arc::new(form));
        parts.document = None;
    }

    /// The session as mappers see it, which is read of its JSON where it is no longer here, and whether it was.
    pub(crate) fn document(&self, json: &[u8]) -> (Arc<Document>, bool) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = &parts.document {
            return (document.clone(), false);
        }
        // It was read before, when the session was prepared.
        let document = Arc::new(Document::parse(json).unwrap_or_else(|error| unreachable!("{error}")));
        parts.document = Some(document.clone());
        (document, true)
    }

    /// Bytes that they take in memory.
    pub(crate) fn size(&self) -> usize {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.document.as_ref().map_or(0, |document| document.size()) + parts.forms.size(ClaimsForm::size)
    }
}
