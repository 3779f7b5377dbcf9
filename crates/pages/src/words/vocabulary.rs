//! What pages say, as a list of words and a file for each language.

use std::collections::HashMap;
use std::hash::Hash;

use sessera_accounts::language::Language;
use sessera_accounts::messages::places;

/// A list of words, which the macro `words!` declares.
pub trait Vocabulary: Copy + Eq + Hash + 'static {
    /// All words of the list.
    const ALL: &'static [Self];

    /// The key of a word in the files of the languages.
    fn key(self) -> &'static str;

    /// The file of a language: a JSON object from keys to texts.
    fn file(language: Language) -> &'static str;
}

/// Declares a [`Vocabulary`] from one table, so that the list of all words cannot miss one.
#[macro_export]
macro_rules! words {
    ($(#[$about:meta])* $visibility:vis enum $list:ident; $($(#[$documentation:meta])* $name:ident = $key:literal,)*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        $visibility enum $list {
            $($(#[$documentation])* $name,)*
        }

        impl $crate::words::Vocabulary for $list {
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            fn key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)*
                }
            }

            fn file(language: $crate::Language) -> &'static str {
                match language {
                    $crate::Language::En => include_str!("words.en.json"),
                    $crate::Language::De => include_str!("words.de.json"),
                }
            }
        }
    };
}

/// The words of a language. What its file lacks is said in English.
#[derive(Clone, Debug)]
pub struct Words<W> {
    texts: HashMap<W, String>,
}

impl<W: Vocabulary> Words<W> {
    /// Reads the words of a language.
    pub fn read(language: Language) -> Self {
        let mut texts = parse::<W>(Language::default());
        texts.extend(parse::<W>(language));
        Self { texts }
    }

    /// The words with other texts for some of them.
    #[must_use]
    pub fn with(&self, texts: impl IntoIterator<Item = (W, String)>) -> Self {
        let mut all = self.clone();
        all.texts.extend(texts);
        all
    }

    /// A word.
    pub fn word(&self, word: W) -> &str {
        self.texts.get(&word).map_or_else(|| word.key(), String::as_str)
    }

    /// A word with a place in it, such as `{account}`, filled in.
    pub fn filled(&self, word: W, places: &[(&str, &str)]) -> String {
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
}

/// The texts of a file. Unknown keys are passed over; [`faults`] tells of them, and of a file that cannot be read.
fn parse<W: Vocabulary>(language: Language) -> HashMap<W, String> {
    let mut texts: HashMap<String, String> = serde_json::from_str(W::file(language)).unwrap_or_default();
    W::ALL.iter().filter_map(|word| Some((*word, texts.remove(word.key())?))).collect()
}

/// What is wrong with the files of a vocabulary, for its tests: words that a language lacks, texts for which nobody asks,
/// and translations with other places than the English text.
pub fn faults<W: Vocabulary>() -> Vec<String> {
    let english = parse::<W>(Language::default());
    let of_language = |language: Language| {
        let known: HashMap<String, String> = serde_json::from_str(W::file(language)).unwrap_or_default();
        let lacks = W::ALL.iter().filter(|word| !known.contains_key(word.key()));
        let lacks = lacks.map(|word| format!("lacks {}", word.key()));
        let unknown = known.keys().filter(|key| W::ALL.iter().all(|word| word.key() != *key));
        let unknown = unknown.map(|key| format!("says {key}, for which nobody asks"));
        let differs = |word: &&W| {
            let text = known.get(word.key());
            text.is_some_and(|text| english.get(*word).map(|text| places(text)) != Some(places(text)))
        };
        let differ = W::ALL.iter().filter(differs).map(|word| format!("has other places in {}", word.key()));
        let all: Vec<String> = lacks.chain(unknown).chain(differ).collect();
        all.into_iter().map(move |fault| format!("{}: {fault}", language.tag()))
    };
    Language::ALL.into_iter().flat_map(of_language).collect()
}
