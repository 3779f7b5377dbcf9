//! What templates made of a session, one thing of each.
//!
//! It hangs on the session as it is in memory. So whatever makes the session be read again, such as a change of it or of its owner,
//! takes it away, and its bytes count as the session's. Each thing belongs to the compiled template that made it: when templates or keys
//! change, all templates are compiled anew, and none of the new ones has made it.

use std::sync::{Arc, Weak};

use sessera_tokenizer::Tokenizer;

/// What templates made of a session, one thing of each.
#[derive(Debug)]
pub(super) struct ByTemplate<T>(Vec<(Weak<Tokenizer>, Arc<T>)>);

impl<T> Default for ByTemplate<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ByTemplate<T> {
    /// What this very template has made.
    pub(super) fn of(&self, tokenizer: &Arc<Tokenizer>) -> Option<&Arc<T>> {
        // As long as there is a weak reference, no other template is made at its address.
        let is_its = |(maker, _): &&(Weak<Tokenizer>, _)| maker.as_ptr() == Arc::as_ptr(tokenizer);
        self.0.iter().find(is_its).map(|(_, made)| made)
    }

    /// Keeps something in the place of what the template made before. What templates made that are no longer in use goes.
    pub(super) fn keep(&mut self, tokenizer: &Arc<Tokenizer>, made: Arc<T>) {
        self.0.retain(|(maker, _)| maker.strong_count() > 0 && maker.as_ptr() != Arc::as_ptr(tokenizer));
        self.0.push((Arc::downgrade(tokenizer), made));
    }

    /// Bytes that it takes in memory, where each thing takes `size`.
    pub(super) fn size(&self, size: impl Fn(&T) -> usize) -> usize {
        self.0.iter().map(|(_, made)| size(made) + size_of::<(Weak<Tokenizer>, Arc<T>)>()).sum()
    }
}
