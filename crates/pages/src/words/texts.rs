//! What pages say, by language. Each has two files: `words.de.json` here for what the pages say
//! themselves, and `messages.de.json` of the accounts' flows for the messages of the wire contract by their
//! numbers. To add a language, add it to [`Language`], and a file to each list; a test tells what they miss.

use sessera_accounts::language::Language;
use sessera_accounts::messages::{Catalogue, Message};
use std::sync::LazyLock;

use super::{Word, Words};

/// All texts of a language.
#[derive(Debug)]
pub struct Texts {
    words: Words<Word>,
    messages: &'static Catalogue,
}

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::En));
static GERMAN: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::De));

impl Texts {
    fn read(language: Language) -> Self {
        Self { words: Words::read(language), messages: Catalogue::of(language) }
    }

    /// The texts of a language.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &ENGLISH,
            Language::De => &GERMAN,
        }
    }

    /// Its code, for the attribute `lang`.
    pub const fn code(&self) -> &'static str {
        self.words.language().tag()
    }

    /// A word.
    pub fn word(&self, word: Word) -> &str {
        self.words.word(word)
    }

    /// A word with a place in it, such as `{account}`, filled in.
    pub fn filled(&self, word: Word, places: &[(&str, &str)]) -> String {
        self.words.filled(word, places)
    }

    /// The sentence of a flow's message.
    pub fn message(&self, message: &Message) -> String {
        if self.messages.knows(message.id) { self.messages.sentence(message) } else { message.text() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::vocabulary::faults;

    #[test]
    fn every_language_says_every_word_with_its_places_and_nothing_else() {
        assert_eq!(faults::<Word>(), [""; 0]);
    }

    #[test]
    fn places_are_filled_once() {
        let text = Texts::of(Language::En).filled(Word::HomeLead, &[("account", "{account}")]);
        assert_eq!(text, "You are signed in as {account}.");
    }
}
