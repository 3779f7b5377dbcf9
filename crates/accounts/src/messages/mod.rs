//! What a flow says to a person, under the numbers of the wire contract.
//!
//! A message is a number and a context; its sentence comes from a catalogue, a JSON file by language
//! that maps numbers to sentences with places such as `{min_length}` for members of the context. The
//! wire always carries the English sentence; pages may take another language's for the same number.

pub mod common;

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use sessera_model::Timestamp;

use crate::language::Language;
use crate::method_list::for_all_methods;

/// Declares messages as constants, and the list of them, so that the list cannot miss one.
macro_rules! message_ids {
    ($($(#[$documentation:meta])* $name:ident = $number:literal,)*) => {
        $($(#[$documentation])* pub const $name: $crate::messages::MessageId =
            $crate::messages::MessageId::new($number);)*

        /// All of them.
        pub const ALL: &[$crate::messages::MessageId] = &[$($name,)*];
    };
}

pub(crate) use message_ids;

/// The number of a message. The first digits tell the flow: 101 login, 104 registration, 105 settings,
/// 106 recovery, 107 labels, 108 verification; from 400 on they are errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(u32);

/// Declares the files with the sentences of each language: those of the flows themselves, then those of
/// each method. A file is a JSON object from numbers to sentences.
macro_rules! files {
    ($($(#[$attribute:meta])* $method:ident,)*) => {
        const fn files(language: Language) -> &'static [&'static str] {
            match language {
                Language::En => &[
                    include_str!("messages.en.json"),
                    $($(#[$attribute])* include_str!(concat!("../methods/", stringify!($method), "/messages.en.json")),)*
                ],
                Language::De => &[
                    include_str!("messages.de.json"),
                    $($(#[$attribute])* include_str!(concat!("../methods/", stringify!($method), "/messages.de.json")),)*
                ],
            }
        }
    };
}

for_all_methods!(files);

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// It only tells something.
    Info,
    /// Something is to be mended.
    Error,
    /// Something is done.
    Success,
}

impl MessageKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Error => "error",
            Self::Success => "success",
        }
    }
}

impl MessageId {
    /// The message with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number on the wire.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// How it is meant.
    pub fn kind(self) -> MessageKind {
        match self {
            common::SETTINGS_SAVED
            | common::RECOVERED
            | common::ADDRESS_VERIFIED
            | common::PHONE_VERIFIED => MessageKind::Success,
            _ if self.0 >= 4_000_000 => MessageKind::Error,
            _ => MessageKind::Info,
        }
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = Self(u32::deserialize(deserializer)?);
        if Catalogue::of(Language::En).knows(id) {
            return Ok(id);
        }
        Err(serde::de::Error::custom(format_args!("there is no message {}", id.0)))
    }
}

/// A message: its number and what its sentence speaks of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// What the sentence speaks of, empty for most.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
    /// What others say in place of a sentence of the catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of_others: Option<Box<OfOthers>>,
}

/// What others say: its number and its words are theirs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OfOthers {
    number: i64,
    text: String,
    is_error: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<Value>,
}

impl From<MessageId> for Message {
    fn from(id: MessageId) -> Self {
        Self { id, context: Map::new(), of_others: None }
    }
}

impl Message {
    /// A message whose sentence speaks of something. `context` is a JSON object.
    pub fn with_context(id: MessageId, context: Value) -> Self {
        let context = if let Value::Object(context) = context { context } else { Map::new() };
        Self { id, context, of_others: None }
    }

    /// Something that others say in words of their own, as plain text and in one language.
    pub fn of_others(number: i64, text: String, kind: MessageKind, context: Option<Value>) -> Self {
        let is_error = kind == MessageKind::Error;
        let of_others = OfOthers { number, text, is_error, context };
        Self { of_others: Some(Box::new(of_others)), ..Self::from(common::INVALID) }
    }

    /// How it is meant.
    pub fn kind(&self) -> MessageKind {
        match &self.of_others {
            Some(said) if said.is_error => MessageKind::Error,
            Some(_) => MessageKind::Info,
            None => self.id.kind(),
        }
    }

    /// How many bytes that has which others say.
    pub fn bytes_of_others(&self) -> usize {
        let context = |said: &OfOthers| said.context.as_ref().map_or(0, |context| context.to_string().len());
        self.of_others.as_ref().map_or(0, |said| said.text.len() + context(said))
    }

    /// Something is wrong that has no message of its own.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::with_context(common::INVALID, json!({ "reason": reason.into() }))
    }

    /// A value is missing.
    pub fn required(property: &str) -> Self {
        Self::with_context(common::REQUIRED, json!({ "property": property }))
    }

    /// A value is of the wrong type.
    pub fn wrong_type(allowed: &[&str], actual: &str) -> Self {
        Self::with_context(common::WRONG_TYPE, json!({ "allowed_types": allowed, "actual_type": actual }))
    }

    /// The label of a field of the identity schema.
    pub fn field_label(name: &str, title: &str) -> Self {
        Self::with_context(common::FIELD_LABEL, json!({ "name": name, "title": title }))
    }

    /// A flow has expired. `id` is the message of its kind.
    pub fn expired(id: MessageId, at: Timestamp) -> Self {
        Self::with_context(id, json!({ "expired_at": at, "expired_at_unix": at.seconds() }))
    }

    /// Too many wrong attempts; `wait` is the time until the next one is looked at.
    pub fn too_many_attempts(wait: Duration) -> Self {
        let minutes = wait.as_secs().div_ceil(60);
        Self::with_context(common::TOO_MANY_ATTEMPTS, json!({ "minutes": minutes }))
    }

    /// The sentence in English.
    pub fn text(&self) -> String {
        Catalogue::of(Language::En).sentence(self)
    }

    /// The message as JSON on the wire.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "id": self.of_others.as_ref().map_or(i64::from(self.id.number()), |said| said.number),
            "text": self.text(),
            "type": self.kind().as_str(),
        });
        if let Some(context) = self.of_others.as_ref().and_then(|said| said.context.clone()) {
            json["context"] = context;
        }
        if !self.context.is_empty() {
            json["context"] = Value::Object(self.context.clone());
        }
        json
    }
}

/// The sentences of one language.
#[derive(Clone, Debug, Default)]
pub struct Catalogue(HashMap<MessageId, String>);

impl Catalogue {
    /// Reads a file: a JSON object from numbers (as strings) to sentences.
    fn read(&mut self, json: &str) -> Result<(), serde_json::Error> {
        let sentences: HashMap<String, String> = serde_json::from_str(json)?;
        let numbered =
            |(number, sentence): (String, String)| Some((MessageId(number.parse().ok()?), sentence));
        self.0.extend(sentences.into_iter().filter_map(numbered));
        Ok(())
    }

    /// The catalogue of a language. Tests make sure that each can be read and knows every message.
    pub fn of(language: Language) -> &'static Self {
        static CATALOGUES: LazyLock<HashMap<Language, Catalogue>> = LazyLock::new(|| {
            let read = |language| {
                let mut catalogue = Catalogue::default();
                for file in files(language) {
                    if let Err(error) = catalogue.read(file) {
                        tracing::error!(%error, ?language, "a file of messages cannot be read");
                    }
                }
                (language, catalogue)
            };
            Language::ALL.into_iter().map(read).collect()
        });
        static NONE: LazyLock<Catalogue> = LazyLock::new(Catalogue::default);
        CATALOGUES.get(&language).unwrap_or(&NONE)
    }

    /// The catalogue with sentences in place of its own, or beside them.
    #[must_use]
    pub fn with(&self, sentences: impl IntoIterator<Item = (MessageId, String)>) -> Self {
        let mut all = self.clone();
        all.0.extend(sentences);
        all
    }

    /// Its messages, each with its sentence as it is before its places are filled in.
    pub fn sentences(&self) -> impl Iterator<Item = (MessageId, &str)> {
        self.0.iter().map(|(id, sentence)| (*id, sentence.as_str()))
    }

    /// Whether the catalogue knows a message.
    pub fn knows(&self, id: MessageId) -> bool {
        self.0.contains_key(&id)
    }

    /// The sentence of a message; its number when the catalogue does not know it.
    pub fn sentence(&self, message: &Message) -> String {
        if let Some(said) = &message.of_others {
            return said.text.clone();
        }
        let Some(sentence) = self.0.get(&message.id) else { return message.id.number().to_string() };
        let mut text = String::with_capacity(sentence.len());
        let mut rest = sentence.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((place, behind)) = after.split_once('}') else { break };
            text.push_str(before);
            text.push_str(&shown(message.context.get(place)));
            rest = behind;
        }
        text.push_str(rest);
        text
    }
}

/// The names of the places in a sentence, such as `min_length`, in order.
pub fn places(sentence: &str) -> Vec<&str> {
    let mut places: Vec<&str> =
        sentence.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0)).collect();
    places.sort_unstable();
    places
}

/// A member of the context as it stands in a sentence.
fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| shown(Some(item.get("text").unwrap_or(item))))
            .collect::<Vec<_>>()
            .join(", "),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(language: Language) -> HashMap<String, String> {
        let read = |file: &&str| -> HashMap<String, String> {
            serde_json::from_str(file).expect("the file is a JSON object of texts")
        };
        files(language).iter().flat_map(read).collect()
    }

    /// The messages that are declared.
    macro_rules! declared {
        ($($(#[$attribute:meta])* $method:ident,)*) => {
            fn declared() -> Vec<MessageId> {
                let methods: &[&[MessageId]] =
                    &[$($(#[$attribute])* crate::methods::$method::messages::ALL,)*];
                common::ALL.iter().chain(methods.iter().copied().flatten()).copied().collect()
            }
        };
    }

    for_all_methods!(declared);

    #[test]
    fn every_language_has_every_message_once_and_nothing_else() {
        let mut declared = declared();
        declared.sort_by_key(|id| id.number());
        for language in Language::ALL {
            let mut numbers: Vec<MessageId> = files(language)
                .iter()
                .flat_map(|file| serde_json::from_str::<Map<String, Value>>(file).expect("is an object"))
                .map(|(number, _)| MessageId(number.parse().expect("is a number")))
                .collect();
            numbers.sort_by_key(|id| id.number());
            assert_eq!(numbers, declared, "{language:?}");
        }
    }

    #[test]
    fn translations_have_the_places_of_the_english_sentences() {
        let english = read(Language::En);
        for language in Language::ALL {
            for (number, sentence) in read(language) {
                assert_eq!(places(&sentence), places(&english[&number]), "{language:?}: {number}");
            }
        }
    }

    #[test]
    fn places_are_filled_from_the_context() {
        let message = Message::with_context(common::TOO_SHORT, json!({"min_length": 8, "actual_length": 5}));
        assert_eq!(message.to_json()["type"], "error");
        assert_eq!(message.to_json()["context"]["min_length"], 8);
        assert!(message.text().contains('8'), "{}", message.text());
        assert_eq!(Message::field_label("traits.email", "E-Mail").text(), "E-Mail");
        assert_eq!(
            Message::wrong_type(&["integer", "null"], "string").text().matches("integer, null").count(),
            1
        );
    }

    #[test]
    fn what_is_stored_reads_back() {
        let message = Message::required("email");
        let stored = serde_json::to_string(&message).expect("has a JSON form");
        assert_eq!(serde_json::from_str::<Message>(&stored).expect("reads back"), message);
        assert!(serde_json::from_str::<Message>(r#"{"id": 1}"#).is_err());
        let message = Message::of_others(-7, "{no} place".into(), MessageKind::Info, Some(json!({})));
        let stored = serde_json::to_string(&message).expect("has a JSON form");
        let read = serde_json::from_str::<Message>(&stored).expect("reads back");
        assert_eq!(read.to_json(), json!({"id": -7, "text": "{no} place", "type": "info", "context": {}}));
    }

    #[test]
    fn a_sentence_may_be_strange() {
        let mut catalogue = Catalogue::default();
        catalogue.read(r#"{"1010001": "{unclosed", "x": "no number"}"#).expect("is JSON");
        assert_eq!(catalogue.sentence(&common::SIGN_IN.into()), "{unclosed");
        assert_eq!(catalogue.sentence(&common::SIGN_UP.into()), "1040001");
    }
}
