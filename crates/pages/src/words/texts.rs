//! What pages say, by language. Each has two files: `words.de.json` here for what the pages say
//! themselves, and `messages.de.json` of the accounts' flows for the messages of the wire contract by their
//! numbers. To add a language, add it to [`Language`], and a file to each list; a test tells what they miss.

use sessera_accounts::language::Language;
use sessera_accounts::messages::{Catalogue, Message};
use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Word, parse};

/// The words of a language.
const fn words_of(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("words.en.json"),
        Language::De => include_str!("words.de.json"),
    }
}

/// All texts of a language.
#[derive(Debug)]
pub struct Texts {
    code: &'static str,
    words: HashMap<Word, String>,
    messages: &'static Catalogue,
}

static ALL: LazyLock<Vec<Texts>> = LazyLock::new(|| Language::ALL.into_iter().map(Texts::read).collect());

/// What would be left if there were no language.
static NONE: LazyLock<Texts> =
    LazyLock::new(|| Texts { code: "en", words: HashMap::new(), messages: Catalogue::of(Language::En) });

impl Texts {
    fn read(language: Language) -> Self {
        // A test makes sure that all files can be read.
        let words = parse(words_of(language)).unwrap_or_default();
        Self { code: language.tag(), words, messages: Catalogue::of(language) }
    }

    /// The texts of a language.
    pub fn of(language: Language) -> &'static Self {
        ALL.iter().find(|texts| texts.code == language.tag()).unwrap_or(&NONE)
    }

    /// The texts that stand in for those of all other languages.
    fn english() -> &'static Self {
        Self::of(Language::default())
    }

    /// Its code, for the attribute `lang`.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// A word.
    pub fn word(&self, word: Word) -> &str {
        let known = self.words.get(&word).or_else(|| Self::english().words.get(&word));
        known.map_or_else(|| word.key(), String::as_str)
    }

    /// A word with a place in it, such as `{account}`, filled in.
    pub fn filled(&self, word: Word, places: &[(&str, &str)]) -> String {
        let mut text = String::new();
        let mut rest = self.word(word);
        while let Some((before, after)) = rest.split_once('{') {
            let Some((place, behind)) = after.split_once('}') else { break };
            text.push_str(before);
            let value = places.iter().find(|(name, _)| *name == place);
            text.push_str(value.map_or("", |(_, value)| value));
            rest = behind;
        }
        text.push_str(rest);
        text
    }

    /// The sentence of a flow's message.
    pub fn message(&self, message: &Message) -> String {
        if self.messages.knows(message.id) { self.messages.sentence(message) } else { message.text() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str) -> HashMap<String, String> {
        serde_json::from_str(file).expect("is a JSON object of texts")
    }

    #[test]
    fn every_language_knows_every_word() {
        for texts in Language::ALL.map(Texts::of) {
            let code = texts.code;
            for word in Word::ALL {
                assert!(texts.words.contains_key(word), "words.{code}.json lacks {}", word.key());
            }
        }
    }

    #[test]
    fn no_file_says_what_nobody_asks_for() {
        for language in Language::ALL {
            for key in read(words_of(language)).keys() {
                assert!(Word::ALL.iter().any(|word| word.key() == key), "{language:?}: {key}");
            }
        }
    }

    #[test]
    fn translations_have_the_places_of_the_english_words() {
        let places = |text: &str| -> Vec<String> {
            let inner = |part: &str| Some(part.split_once('}')?.0.to_owned());
            let mut places: Vec<String> = text.split('{').skip(1).filter_map(inner).collect();
            places.sort();
            places
        };
        let english = read(words_of(Language::En));
        for language in Language::ALL {
            for (key, text) in read(words_of(language)) {
                let expected = english.get(&key).map(|text| places(text));
                assert_eq!(Some(places(&text)), expected, "{language:?}: {key}");
            }
        }
    }

    #[test]
    fn places_are_filled_once() {
        let text = Texts::english().filled(Word::HomeLead, &[("account", "{account}")]);
        assert_eq!(text, "You are signed in as {account}.");
    }
}
