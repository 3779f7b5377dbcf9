//! What is wrong with traits.

use std::collections::HashMap;
use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::{Value, json};
use sessera_model::json_pointer::{escape, unescape};

use crate::messages::{Message, common};

/// How many unexpected members are named at once.
const MAX_NAMES: usize = 10;

/// One thing that is wrong with traits.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Where: a JSON pointer such as `/traits/email`. For a missing member, the pointer it would have.
    pub pointer: String,
    /// The keyword of the schema that says so.
    pub keyword: String,
    /// What to tell the person.
    pub message: Message,
}

impl Violation {
    /// The name of the field at fault, for example `traits.name.first`.
    pub fn field(&self) -> String {
        self.pointer.split('/').skip(1).map(unescape).collect::<Vec<_>>().join(".")
    }

    /// The value is no e-mail address.
    pub(super) fn not_an_email(pointer: &str, value: &str) -> Self {
        Self::format(pointer, Message::with_context(common::NOT_AN_EMAIL, json!({ "value": value })))
    }

    /// The value is no telephone number.
    pub(super) fn not_a_telephone_number(pointer: &str, value: &str) -> Self {
        Self::format(
            pointer,
            Message::with_context(common::NOT_A_TELEPHONE_NUMBER, json!({ "value": value })),
        )
    }

    fn format(pointer: &str, message: Message) -> Self {
        Self { pointer: pointer.to_owned(), keyword: "format".into(), message }
    }

    /// Too many traits are marked as identifiers or addresses.
    pub(super) fn too_many_marked(limit: usize) -> Self {
        Self {
            pointer: "/traits".into(),
            keyword: "maxItems".into(),
            message: Message::invalid(format!(
                "One person may have {limit} identifiers and {limit} addresses at the most."
            )),
        }
    }

    /// The traits are nested too deeply to be judged.
    pub(super) fn too_deep(limit: usize) -> Self {
        Self {
            pointer: "/traits".into(),
            keyword: "depth".into(),
            message: Message::invalid(format!("Values may be nested {limit} levels deep at the most.")),
        }
    }

    /// The traits are nested so that judging them by the schema is too much work.
    pub(super) fn too_costly() -> Self {
        Self {
            pointer: "/traits".into(),
            keyword: "cost".into(),
            message: Message::invalid(
                "The values are nested so that checking them takes too long. Nest them less deeply.",
            ),
        }
    }

    pub(super) fn from_error(error: &ValidationError<'_>) -> Self {
        let mut pointer = error.instance_path().as_str().to_owned();
        if let ValidationErrorKind::Required { property } = error.kind() {
            let name = property.as_str().unwrap_or_default();
            pointer = format!("{pointer}/{}", escape(name));
        }
        Self { pointer, keyword: error.kind().keyword().to_owned(), message: message(error) }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field(), self.message.text())
    }
}

/// The message for an error, as the wire contract has it.
fn message(error: &ValidationError<'_>) -> Message {
    let value = error.instance().as_ref();
    let characters = || value.as_str().map_or(0, |text| text.chars().count());
    let items = || value.as_array().map_or(0, Vec::len);
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            Message::required(property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::Type { kind } => {
            let allowed: Vec<&str> = match kind {
                TypeKind::Single(one) => vec![one.as_str()],
                TypeKind::Multiple(several) => several.iter().map(JsonType::as_str).collect(),
            };
            Message::wrong_type(&allowed, type_of(value))
        }
        ValidationErrorKind::Format { format } => match (format.as_str(), value.as_str()) {
            ("email" | "idn-email", Some(text)) => {
                Message::with_context(common::NOT_AN_EMAIL, json!({ "value": text }))
            }
            ("tel", Some(text)) => {
                Message::with_context(common::NOT_A_TELEPHONE_NUMBER, json!({ "value": text }))
            }
            _ => Message::invalid(format!("The value is not of the format {format}.")),
        },
        ValidationErrorKind::MinLength { limit } => Message::with_context(
            common::TOO_SHORT,
            json!({ "min_length": limit, "actual_length": characters() }),
        ),
        ValidationErrorKind::MaxLength { limit } => Message::with_context(
            common::TOO_LONG,
            json!({ "max_length": limit, "actual_length": characters() }),
        ),
        ValidationErrorKind::Pattern { pattern } => {
            Message::with_context(common::PATTERN_MISMATCH, json!({ "pattern": pattern }))
        }
        ValidationErrorKind::Minimum { limit } => {
            Message::with_context(common::BELOW_MINIMUM, json!({ "minimum": limit, "actual": value }))
        }
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            Message::with_context(common::NOT_ABOVE_MINIMUM, json!({ "minimum": limit, "actual": value }))
        }
        ValidationErrorKind::Maximum { limit } => {
            Message::with_context(common::ABOVE_MAXIMUM, json!({ "maximum": limit, "actual": value }))
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            Message::with_context(common::NOT_BELOW_MAXIMUM, json!({ "maximum": limit, "actual": value }))
        }
        ValidationErrorKind::MultipleOf { multiple_of } => {
            Message::with_context(common::NOT_MULTIPLE, json!({ "base": multiple_of, "actual": value }))
        }
        ValidationErrorKind::MaxItems { limit } => Message::with_context(
            common::TOO_MANY_ITEMS,
            json!({ "max_items": limit, "actual_items": items() }),
        ),
        ValidationErrorKind::MinItems { limit } => Message::with_context(
            common::TOO_FEW_ITEMS,
            json!({ "min_items": limit, "actual_items": items() }),
        ),
        ValidationErrorKind::UniqueItems => {
            let (a, b) = first_repeated(value).unwrap_or_default();
            Message::with_context(common::REPEATED_ITEMS, json!({ "index_a": a, "index_b": b }))
        }
        ValidationErrorKind::Constant { expected_value } => {
            Message::with_context(common::NOT_CONSTANT, json!({ "expected": expected_value.as_ref() }))
        }
        ValidationErrorKind::Enum { options } => {
            Message::invalid(format!("The value must be one of {options}."))
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let names = unexpected.iter().take(MAX_NAMES).map(|name| format!("\"{name}\""));
            let names: Vec<String> = names.collect();
            Message::invalid(format!("There is no property {} in the identity schema.", names.join(", ")))
        }
        other => Message::invalid(format!(
            "The value does not satisfy \"{}\" of the identity schema.",
            other.keyword()
        )),
    }
}

fn type_of(value: &Value) -> &'static str {
    match JsonType::from(value) {
        JsonType::Number if value.as_f64().is_some_and(|number| number.fract() == 0.0) => "integer",
        other => other.as_str(),
    }
}

/// The indexes of the first two items that are written alike.
fn first_repeated(value: &Value) -> Option<(usize, usize)> {
    let mut seen = HashMap::new();
    value.as_array()?.iter().enumerate().find_map(|(at, item)| {
        let earlier = seen.insert(item.to_string(), at)?;
        Some((earlier, at))
    })
}
