//! What pages say, by language. Each has two files: `words.de.json` here for what the pages say
//! themselves, and `messages.de.json` of the accounts' flows for the messages of the wire contract by their
//! numbers. To add a language, add it to [`Language`], and a file to each list; a test tells what they miss.
//! A deployment has texts of its own over them; see [`Languages`](crate::branding::Languages).

use std::borrow::Cow;
use std::sync::LazyLock;

use sessera_accounts::language::Language;
use sessera_accounts::messages::{Catalogue, Message, MessageId};

use super::{Vocabulary as _, Word, Words};

/// All texts of a language.
#[derive(Clone, Debug)]
pub struct Texts {
    tag: Cow<'static, str>,
    words: Words<Word>,
    messages: Cow<'static, Catalogue>,
}

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::En));
static GERMAN: LazyLock<Texts> = LazyLock::new(|| Texts::read(Language::De));

/// Languages that are written from right to left, and scripts of others.
const RIGHT_TO_LEFT: [&str; 12] = ["ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "syr", "ug", "ur", "yi"];
const SCRIPTS_RIGHT_TO_LEFT: [&str; 4] = ["arab", "hebr", "syrc", "thaa"];

impl Texts {
    fn read(language: Language) -> Self {
        let (words, messages) = (Words::read(language), Cow::Borrowed(Catalogue::of(language)));
        Self { tag: Cow::Borrowed(language.tag()), words, messages }
    }

    /// The texts of a language.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &ENGLISH,
            Language::De => &GERMAN,
        }
    }

    /// These texts with others for some of them, in the language with a tag.
    #[must_use]
    pub(crate) fn with(
        &self,
        tag: &str,
        words: Vec<(Word, String)>,
        messages: Vec<(MessageId, String)>,
    ) -> Self {
        Self {
            tag: Cow::Owned(tag.to_owned()),
            words: self.words.with(words),
            messages: Cow::Owned(self.messages.with(messages)),
        }
    }

    /// The tag of its language, for the attribute `lang`.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// In which direction its language is written, for the attribute `dir`.
    pub fn direction(&self) -> &'static str {
        let tag = self.tag.to_ascii_lowercase();
        let mut parts = tag.split('-');
        let language = parts.next().unwrap_or_default();
        // The script of a language is named where it is not the usual one.
        let is_rtl =
            match parts.find(|part| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_alphabetic())) {
                Some(script) => SCRIPTS_RIGHT_TO_LEFT.contains(&script),
                None => RIGHT_TO_LEFT.contains(&language),
            };
        if is_rtl { "rtl" } else { "ltr" }
    }

    /// All of them by their names, as they are before their places are filled in. Messages follow behind the words, and
    /// their names are their numbers.
    pub fn all(&self) -> Vec<(String, &str)> {
        let words = Word::ALL.iter().map(|word| (word.key().to_owned(), self.word(*word)));
        let mut messages: Vec<_> = self.messages.sentences().collect();
        messages.sort_unstable_by_key(|(id, _)| id.number());
        words.chain(messages.into_iter().map(|(id, sentence)| (id.number().to_string(), sentence))).collect()
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

    #[test]
    fn a_language_is_written_in_its_direction() {
        let direction = |tag: &str| Texts::of(Language::En).with(tag, Vec::new(), Vec::new()).direction();
        for tag in ["ar", "he-IL", "FA", "az-Arab", "ku-arab-IQ"] {
            assert_eq!(direction(tag), "rtl", "{tag}");
        }
        for tag in ["en", "es-AR", "az", "ur-Latn", "zh-Hant"] {
            assert_eq!(direction(tag), "ltr", "{tag}");
        }
    }
}
