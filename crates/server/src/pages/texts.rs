//! What pages say, by language. Each has two files: `words.de.json` here for what the pages say
//! themselves, and `flows/messages.de.json` for the messages of the wire contract by their numbers. To
//! add a language, add it to [`Language`], and both files to [`files`]; a test tells what they miss.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::words::{self, Word};
use crate::courier::Language;
use crate::flows::messages::{Catalogue, Message};

/// The words and the messages of a language.
const fn files(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::En => (include_str!("words.en.json"), include_str!("../flows/messages.en.json")),
        Language::De => (include_str!("words.de.json"), include_str!("../flows/messages.de.json")),
    }
}

/// All texts of a language.
#[derive(Debug)]
pub(crate) struct Texts {
    code: &'static str,
    words: HashMap<Word, String>,
    messages: Catalogue,
}

static ALL: LazyLock<Vec<Texts>> = LazyLock::new(|| Language::ALL.into_iter().map(Texts::read).collect());

/// What would be left if there were no language.
static NONE: LazyLock<Texts> =
    LazyLock::new(|| Texts { code: "en", words: HashMap::new(), messages: Catalogue::default() });

impl Texts {
    fn read(language: Language) -> Self {
        let (words, messages) = files(language);
        // A test makes sure that all files can be read.
        Self {
            code: language.tag(),
            words: words::parse(words).unwrap_or_default(),
            messages: Catalogue::parse(messages).unwrap_or_default(),
        }
    }

    /// The texts of a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        ALL.iter().find(|texts| texts.code == language.tag()).unwrap_or(&NONE)
    }

    /// The texts that stand in for those of all other languages.
    fn english() -> &'static Self {
        Self::of(Language::default())
    }

    /// Its code, for the attribute `lang`.
    pub(crate) const fn code(&self) -> &'static str {
        self.code
    }

    /// A word.
    pub(crate) fn word(&self, word: Word) -> &str {
        let known = self.words.get(&word).or_else(|| Self::english().words.get(&word));
        known.map_or_else(|| word.key(), String::as_str)
    }

    /// A word with a place in it, such as `{account}`, filled in.
    pub(crate) fn filled(&self, word: Word, places: &[(&str, &str)]) -> String {
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
    pub(crate) fn message(&self, message: &Message) -> String {
        if self.messages.knows(message.id) { self.messages.sentence(message) } else { message.text() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::messages::MessageId;

    fn read(file: &str) -> HashMap<String, String> {
        serde_json::from_str(file).expect("is a JSON object of texts")
    }

    #[test]
    fn every_language_knows_every_word_and_every_message() {
        for texts in Language::ALL.map(Texts::of) {
            let code = texts.code;
            for word in Word::ALL {
                assert!(texts.words.contains_key(word), "words.{code}.json lacks {}", word.key());
            }
            for id in MessageId::ALL {
                let number = id.number();
                assert!(texts.messages.knows(*id), "messages.{code}.json lacks {number} ({id:?})");
            }
        }
    }

    #[test]
    fn no_file_says_what_nobody_asks_for() {
        for language in Language::ALL {
            let (words, messages) = files(language);
            for key in read(words).keys() {
                assert!(Word::ALL.iter().any(|word| word.key() == key), "{language:?}: {key}");
            }
            for number in read(messages).keys() {
                let id = number.parse().ok().and_then(MessageId::from_number);
                assert!(id.is_some(), "{language:?}: {number}");
            }
        }
    }

    #[test]
    fn translations_have_the_places_of_the_english_texts() {
        let places = |text: &str| -> Vec<String> {
            let inner = |part: &str| Some(part.split_once('}')?.0.to_owned());
            let mut places: Vec<String> = text.split('{').skip(1).filter_map(inner).collect();
            places.sort();
            places
        };
        let (words, messages) = files(Language::En);
        for language in Language::ALL {
            let translated = files(language);
            for (file, english) in [(translated.0, words), (translated.1, messages)] {
                let english = read(english);
                for (key, text) in read(file) {
                    let expected = english.get(&key).map(|text| places(text));
                    assert_eq!(Some(places(&text)), expected, "{language:?}: {key}");
                }
            }
        }
    }

    #[test]
    fn places_are_filled_once() {
        let text = Texts::english().filled(Word::HomeLead, &[("account", "{account}")]);
        assert_eq!(text, "You are signed in as {account}.");
    }
}
