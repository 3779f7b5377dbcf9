//! What the tokens of a session are made of: the session as mappers see it, and the forms that they made of it.
//!
//! Both hang on the session as it is in memory, as [`KeptTokens`](super::kept_tokens::KeptTokens) do and for the same reason:
//! whatever makes the session be read again takes them away. A form takes about as much memory as the document, which has
//! done its work when there is a form, so it goes then and is read again where another template needs it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use sessera_jsonnet::Document;
use sessera_tokenizer::{ClaimsForm, Tokenizer};

/// What the tokens of a session are made of.
#[derive(Debug)]
pub(crate) struct Mapped(Mutex<Parts>);

#[derive(Debug)]
struct Parts {
    document: Option<Arc<Document>>,
    /// The forms with the compiled templates that made them.
    forms: Vec<(Weak<Tokenizer>, Arc<ClaimsForm>)>,
}

impl Mapped {
    pub(crate) fn new(document: Document) -> Self {
        Self(Mutex::new(Parts { document: Some(Arc::new(document)), forms: Vec::new() }))
    }

    /// The form that this very template has made.
    pub(crate) fn form(&self, tokenizer: &Arc<Tokenizer>) -> Option<Arc<ClaimsForm>> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // As long as there is a weak reference, no other template is made at its address.
        let is_its = |(maker, _): &&(Weak<Tokenizer>, _)| maker.as_ptr() == Arc::as_ptr(tokenizer);
        parts.forms.iter().find(is_its).map(|(_, form)| form.clone())
    }

    /// Keeps a form in the place of the one before, and lets the document go. Forms of templates that are no longer in use go.
    pub(crate) fn keep(&self, tokenizer: &Arc<Tokenizer>, form: ClaimsForm) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.forms.retain(|(maker, _)| maker.strong_count() > 0 && maker.as_ptr() != Arc::as_ptr(tokenizer));
        parts.forms.push((Arc::downgrade(tokenizer), Arc::new(form)));
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
        let form = |(_, form): &(Weak<Tokenizer>, Arc<ClaimsForm>)| {
            form.size() + size_of::<(Weak<Tokenizer>, Arc<ClaimsForm>)>()
        };
        parts.document.as_ref().map_or(0, |document| document.size())
            + parts.forms.iter().map(form).sum::<usize>()
    }
}
