//! The texts of a deployment, over those of Sessera.

use std::collections::{BTreeMap, HashMap};

use sessera_accounts::language::{Language, best_liked, shortened};
use sessera_accounts::messages::{Catalogue, MessageId, places};
use sessera_accounts::schema::source;
use sessera_config::nearest::unknown;
use sessera_config::yaml::{self, Document};
use sessera_config::{Problem, escape};

use super::Reader;
use crate::words::{Texts, Vocabulary as _, Word};

/// How many names that are not known are told of a file. To look for what each may mean takes time.
const MAX_NOTED: usize = 20;

/// The texts of all languages that pages speak.
#[derive(Clone, Debug, Default)]
pub struct Languages {
    /// Those of which the deployment has texts, by their tags in small letters.
    own: HashMap<String, Texts>,
}

/// What a text is for, and what it is in English.
struct Known {
    of: Of,
    english: &'static str,
}

/// What a text is for.
#[derive(Clone, Copy)]
enum Of {
    Word(Word),
    Message(MessageId),
}

/// All texts by their names, which of messages are their numbers.
fn known() -> BTreeMap<String, Known> {
    let english = Texts::of(Language::En);
    let words = Word::ALL
        .iter()
        .map(|word| (word.key().to_owned(), Known { of: Of::Word(*word), english: english.word(*word) }));
    let messages = Catalogue::of(Language::En).sentences();
    let messages =
        messages.map(|(id, english)| (id.number().to_string(), Known { of: Of::Message(id), english }));
    words.chain(messages).collect()
}

impl Languages {
    /// Reads the files of a deployment, each for the language with its tag.
    pub(super) fn compile(files: &BTreeMap<String, String>, read: &mut Reader) -> Self {
        let mut languages = Self::default();
        let mut files: Vec<(String, &String, &String)> =
            files.iter().map(|(tag, url)| (tag.to_ascii_lowercase(), tag, url)).collect();
        // What a language lacks is said as in the one before it: en for fr, and pt for pt-BR.
        files.sort_by_key(|(lower, ..)| (lower != Language::En.tag(), lower.len()));
        let known = if files.is_empty() { BTreeMap::new() } else { known() };
        for (lower, tag, url) in files {
            let at = format!("/pages/texts/{}", escape(tag));
            let Some(bytes) = read.bytes(url, &at) else { continue };
            let name = url.strip_prefix("file://").unwrap_or("the texts");
            let file = File { name, at: &at, known: &known };
            let before = shortened(&lower).find_map(|tag| languages.get(tag));
            let before = before.unwrap_or_else(|| languages.english());
            let made = read.judged(&at, |notes| file.over(before, tag, bytes, notes));
            if let Some(texts) = made {
                languages.own.insert(lower, texts);
            }
        }
        languages
    }

    /// The texts in the language that a client likes best, from the value of its `Accept-Language`.
    pub fn accepted(&self, accept_language: Option<&str>) -> &Texts {
        best_liked(accept_language, |tag| self.get(tag)).unwrap_or_else(|| self.english())
    }

    /// The texts of a language by its tag in small letters.
    fn get(&self, tag: &str) -> Option<&Texts> {
        self.own.get(tag).or_else(|| Language::tagged(tag).map(Texts::of))
    }

    /// The texts for everybody whose language is not there.
    fn english(&self) -> &Texts {
        self.get(Language::En.tag()).unwrap_or_else(|| Texts::of(Language::En))
    }
}

/// A file with texts.
struct File<'a> {
    /// How it is called.
    name: &'a str,
    /// The key that names it.
    at: &'a str,
    known: &'a BTreeMap<String, Known>,
}

impl File<'_> {
    /// Its texts over those of another language. Names that are not known are noted.
    fn over(
        &self,
        before: &Texts,
        tag: &str,
        bytes: Vec<u8>,
        notes: &mut Vec<Problem>,
    ) -> Result<Texts, String> {
        let text = source::text(bytes).map_err(|error| error.to_string())?;
        let document = yaml::parse(&text).map_err(|error| {
            let line = error.line.map_or_else(String::new, |line| format!(":{line}"));
            format!("{}{line}: {}", self.name, error.message)
        })?;
        let texts = document.value.as_object().ok_or_else(|| {
            format!(
                "{} holds no texts: write the name of each and what it says, as in \"login.title: Come in\"",
                self.name
            )
        })?;
        let (mut words, mut messages, mut unknown_names) = (Vec::new(), Vec::new(), Vec::new());
        for (name, said) in texts {
            let Some(known) = self.known.get(name) else {
                let of_all = self.known.keys().map(String::as_str);
                let told = (unknown_names.len() < MAX_NOTED).then(|| unknown("text", name, of_all));
                unknown_names.push(told.map(|told| self.told(&document, name, &told)).unwrap_or_default());
                continue;
            };
            let said = said.as_str().ok_or_else(|| {
                self.told(
                    &document,
                    name,
                    &format!("what \"{name}\" says must be a text: write it in quotes"),
                )
            })?;
            let there = places(known.english);
            if let Some(place) = places(said).into_iter().find(|place| !there.contains(place)) {
                let told = format!("\"{name}\": {}", unknown("place", place, there));
                notes.push(Problem::new(self.at, self.told(&document, name, &told)));
            }
            match known.of {
                Of::Word(word) => words.push((word, said.to_owned())),
                Of::Message(id) => messages.push((id, said.to_owned())),
            }
        }
        let more = unknown_names.len().saturating_sub(MAX_NOTED);
        unknown_names.truncate(MAX_NOTED);
        notes.extend(unknown_names.into_iter().map(|told| Problem::new(self.at, told)));
        if more > 0 {
            let told = format!("{}: {more} more texts are not known", self.name);
            notes.push(Problem::new(self.at, told));
        }
        Ok(before.with(tag, words, messages))
    }

    /// A sentence about a text, with where it stands.
    fn told(&self, document: &Document, name: &str, sentence: &str) -> String {
        let line = document.lines.get(&format!("/{}", escape(name)));
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{line}: {sentence}", self.name)
    }
}
