//! What a person submits: JSON or a form with dotted names, as one tree.
//!
//! A form carries texts only. The fields of the identity schema say what they stand for, so that
//! `traits.age=42` becomes a number; a text that does not fit stays a text, and the schema refuses it
//! with its own message.
//!
//! Whoever submits chooses how much there is. The bounds stand here, and what is within them takes work in proportion
//! to its size.

use serde_json::{Map, Number, Value};
use sessera_model::json::oversized_integer;

use crate::messages::Message;

/// How many fields a form may have.
const MAX_FIELDS: usize = 500;

/// How many values JSON may have, those of objects and lists within among them.
const MAX_VALUES: usize = 1000;

/// How many names a dotted name may have.
const MAX_DEPTH: usize = 16;

/// How large traits may be that a person chooses, in bytes of JSON.
pub const MAX_TRAITS_BYTES: usize = 8 * 1024;

/// How large a `transient_payload` may be, in bytes of JSON.
pub const MAX_PAYLOAD_BYTES: usize = 4 * 1024;

/// What the text of a field stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Itself.
    Text,
    /// A number with a fraction or without.
    Number,
    /// A number without a fraction.
    Integer,
    /// A truth value.
    Boolean,
    /// A list of texts.
    List,
}

/// What was submitted, an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Submission(Map<String, Value>);

impl Submission {
    /// Reads a body. `content_type` is its media type with or without parameters, and `kind_of` tells
    /// what a field stands for by its dotted name.
    ///
    /// The error is a message for the person, because a flow answers it in its form.
    pub fn decode(
        content_type: Option<&str>,
        body: &[u8],
        kind_of: impl Fn(&str) -> ValueKind,
    ) -> Result<Self, Message> {
        let submission = match media_type(content_type).as_str() {
            "application/json" => Self::from_json(body)?,
            "application/x-www-form-urlencoded" => Self::from_form(body, kind_of)?,
            "" if body.is_empty() => Self::default(),
            _ => {
                return Err(Message::invalid(
                    "Send the form as application/json or application/x-www-form-urlencoded.",
                ));
            }
        };
        if submission.0.values().any(holds_nul) {
            return Err(Message::invalid("A field holds a NUL character. Remove it and try again."));
        }
        for (field, most) in [("traits", MAX_TRAITS_BYTES), ("transient_payload", MAX_PAYLOAD_BYTES)] {
            if submission.get(field).is_some_and(|value| size(value) > most) {
                let message =
                    format!("{field} may have {} KiB of JSON at the most. Shorten it.", most / 1024);
                return Err(Message::invalid(message));
            }
        }
        Ok(submission)
    }

    fn from_json(body: &[u8]) -> Result<Self, Message> {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Err(Message::invalid("The body is not valid JSON."));
        };
        if count(&value) > MAX_VALUES {
            let message =
                format!("The body has too many values: {MAX_VALUES} at the most, those within among them.");
            return Err(Message::invalid(message));
        }
        if let Some(number) = oversized_integer(body) {
            let message = format!(
                "The number {number} has more digits than can be kept. Send it as a string, in quotes."
            );
            return Err(Message::invalid(message));
        }
        let Value::Object(fields) = value else {
            return Err(Message::invalid("The body must be a JSON object."));
        };
        // Clients may send the names of the form's nodes as they are, in JSON too.
        let is_dotted = |(name, _): &(String, Value)| name.starts_with("traits.");
        let (dotted, plain): (Vec<_>, Vec<_>) = fields.into_iter().partition(is_dotted);
        let mut fields = Map::from_iter(plain);
        for (name, value) in dotted {
            insert(&mut fields, &name, value)?;
        }
        Ok(Self(fields))
    }

    fn from_form(body: &[u8], kind_of: impl Fn(&str) -> ValueKind) -> Result<Self, Message> {
        let mut fields = Map::new();
        let mut count = 0;
        for (name, text) in url::form_urlencoded::parse(body) {
            count += 1;
            if count > MAX_FIELDS {
                return Err(Message::invalid(format!(
                    "The form has too many fields: {MAX_FIELDS} at the most."
                )));
            }
            match typed(&text, kind_of(&name)) {
                Some(Value::Array(items)) => append(&mut fields, &name, items)?,
                Some(value) => insert(&mut fields, &name, value)?,
                None => {}
            }
        }
        Ok(Self(fields))
    }

    /// A member, whatever its type.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text; `None` when it is absent or empty. Another type is an error to be shown at the field.
    pub fn text(&self, name: &str) -> Result<Option<&str>, Message> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(other) => Err(Message::wrong_type(&["string"], type_name(other))),
        }
    }

    /// Whether there is anything at all under a name.
    pub fn is_filled(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value != "")
    }

    /// Whether a button or box was chosen.
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text == "true" || text == "on" || text == "1",
            _ => false,
        }
    }

    /// Which method was chosen.
    pub fn method(&self) -> Option<&str> {
        self.get("method")?.as_str().filter(|method| !method.is_empty())
    }

    /// The token against forged requests.
    pub fn csrf_token(&self) -> Option<&str> {
        self.get("csrf_token")?.as_str()
    }

    /// The traits; an empty object when there are none. Another type stays, for the schema to refuse.
    pub fn traits(&self) -> Value {
        self.get("traits").cloned().unwrap_or_else(|| Value::Object(Map::new()))
    }
}

/// The values of a tree by dotted names, in order: `{"name":{"first":"A"}}` under `traits` is
/// `traits.name.first`. Lists are values.
pub fn flatten(prefix: &str, value: &Value) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    let mut open = vec![(prefix.to_owned(), value)];
    while let Some((name, value)) = open.pop() {
        match value {
            Value::Object(members) => {
                open.extend(members.iter().rev().map(|(member, value)| (format!("{name}.{member}"), value)));
            }
            value => flat.push((name, value.clone())),
        }
    }
    flat
}

/// The JSON type of a value, as messages name it.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The media type alone, in small letters; empty when there is none.
fn media_type(content_type: Option<&str>) -> String {
    let content_type = content_type.unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// How many values there are, the ones within among them.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

/// About how many bytes of JSON a value is.
/// About the bytes of a value as JSON.
pub(crate) fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| size(item) + 1).sum::<usize>(),
        Value::Object(members) => {
            2 + members.iter().map(|(name, value)| name.len() + 4 + size(value)).sum::<usize>()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

/// The value of a form's text. An empty text stands for nothing: browsers send every field.
fn typed(text: &str, kind: ValueKind) -> Option<Value> {
    if text.is_empty() {
        return None;
    }
    let value = match kind {
        ValueKind::Text => Value::from(text),
        ValueKind::Integer => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        // A whole number that is too long stays a text, which no schema takes for a number.
        ValueKind::Number if oversized_integer(text.as_bytes()).is_some() => Value::from(text),
        ValueKind::Number => match (text.parse::<i64>(), text.parse::<f64>().ok().and_then(Number::from_f64))
        {
            (Ok(whole), _) => Value::from(whole),
            (_, Some(number)) => Value::Number(number),
            _ => Value::from(text),
        },
        ValueKind::Boolean => match text {
            "true" | "on" | "1" => Value::Bool(true),
            "false" | "off" | "0" => Value::Bool(false),
            _ => Value::from(text),
        },
        ValueKind::List => Value::Array(vec![Value::from(text)]),
    };
    Some(value)
}

/// Walks to the object that holds the last name, making objects on the way.
fn parent<'a, 'n>(
    fields: &'a mut Map<String, Value>,
    name: &'n str,
) -> Result<(&'a mut Map<String, Value>, &'n str), Message> {
    let mut names = name.split('.');
    let last = names.next_back().unwrap_or(name);
    let mut object = fields;
    for (depth, step) in names.enumerate() {
        if depth >= MAX_DEPTH {
            return Err(Message::invalid("A field's name has too many parts."));
        }
        let inner = object.entry(step).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = inner else {
            return Err(Message::invalid("Two fields contradict each other: one is part of the other."));
        };
        object = inner;
    }
    Ok((object, last))
}

fn insert(fields: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), Message> {
    let (object, last) = parent(fields, name)?;
    object.insert(last.to_owned(), value);
    Ok(())
}

fn append(fields: &mut Map<String, Value>, name: &str, items: Vec<Value>) -> Result<(), Message> {
    let (object, last) = parent(fields, name)?;
    match object.entry(last).or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(list) => list.extend(items),
        other => *other = Value::Array(items),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kinds(name: &str) -> ValueKind {
        match name {
            "traits.age" => ValueKind::Integer,
            "traits.height" => ValueKind::Number,
            "traits.newsletter" => ValueKind::Boolean,
            "traits.groups" => ValueKind::List,
            _ => ValueKind::Text,
        }
    }

    fn decode(media_type: &str, body: &[u8]) -> Result<Submission, Message> {
        Submission::decode(Some(media_type), body, kinds)
    }

    fn form(body: &str) -> Result<Submission, Message> {
        decode("application/x-www-form-urlencoded", body.as_bytes())
    }

    #[test]
    fn a_number_keeps_its_digits_or_is_refused() {
        let kept = |submission: Result<Submission, Message>| submission.map(|found| found.traits());
        let most = decode("application/json", br#"{"traits": {"n": 18446744073709551615, "m": 0.1}}"#);
        assert_eq!(kept(most), Ok(json!({"n": u64::MAX, "m": 0.1})));
        let refused = decode("application/json", br#"{"traits": {"n": 18446744073709551616}}"#);
        assert!(refused.is_err_and(|message| message.text().contains("18446744073709551616")));
        assert_eq!(
            kept(form("traits.height=18446744073709551616&traits.age=99999999999999999999")),
            Ok(json!({"height": "18446744073709551616", "age": "99999999999999999999"}))
        );
    }

    #[test]
    fn a_form_becomes_a_tree_with_types() {
        let submission = form(
            "method=password&traits.email=a%40b.c&traits.name.first=Ada&traits.age=42&traits.height=1.5\
             &traits.newsletter=false&traits.newsletter=on&traits.groups=a&traits.groups=b&traits.name.last=",
        )
        .expect("decodes");
        assert_eq!(submission.method(), Some("password"));
        assert_eq!(
            submission.traits(),
            json!({"email": "a@b.c", "name": {"first": "Ada"}, "age": 42, "height": 1.5,
                   "newsletter": true, "groups": ["a", "b"]})
        );
    }

    #[test]
    fn what_does_not_fit_stays_a_text() {
        let submission = form("traits.age=x&traits.height=NaN&traits.newsletter=perhaps").expect("decodes");
        assert_eq!(submission.traits(), json!({"age": "x", "height": "NaN", "newsletter": "perhaps"}));
    }

    #[test]
    fn json_may_carry_dotted_names_too() {
        let submission =
            decode("application/json; charset=utf-8", br#"{"traits.name.first":"A","traits":{"email":"e"}}"#)
                .expect("decodes");
        assert_eq!(submission.traits(), json!({"email": "e", "name": {"first": "A"}}));
    }

    #[test]
    fn texts_and_flags_are_read_strictly() {
        let submission =
            decode("application/json", br#"{"identifier":5,"a":"","b":true,"c":"true","d":null}"#)
                .expect("decodes");
        assert_eq!(
            submission.text("identifier").map_err(|message| message.id.number()),
            Err(4_000_026),
            "a number is no text"
        );
        assert_eq!(submission.text("a"), Ok(None));
        assert_eq!(submission.text("d"), Ok(None));
        assert!(submission.flag("b") && submission.flag("c") && !submission.flag("d"));
        assert_eq!(submission.traits(), json!({}));
    }

    #[test]
    fn bad_bodies_are_refused_with_a_message() {
        let many = "a=b&".repeat(MAX_FIELDS + 1);
        let members: Map<String, Value> =
            (0..MAX_VALUES).map(|n| (format!("traits.{n}"), json!(1))).collect();
        let members = Value::Object(members).to_string();
        let large = json!({"traits": {"a": "x".repeat(MAX_TRAITS_BYTES)}}).to_string();
        let payload = json!({"transient_payload": ["x".repeat(MAX_PAYLOAD_BYTES)]}).to_string();
        let names = json!({"traits": {"x".repeat(MAX_TRAITS_BYTES): 1}}).to_string();
        let filled = format!("traits.a={}", "x".repeat(MAX_TRAITS_BYTES));
        let deep = format!("{}x=1", "a.".repeat(1000));
        for (media_type, body) in [
            ("application/json", "{"),
            ("application/json", "[1]"),
            ("application/json", "\"\\u0000\""),
            ("application/json", r#"{"traits":{"a":["\u0000"]}}"#),
            ("application/json", r#"{"traits":1,"traits.a":2}"#),
            ("text/plain", "x"),
            ("multipart/form-data", "x"),
            ("application/x-www-form-urlencoded", "a=%00"),
            ("application/x-www-form-urlencoded", "a=1&a.b=2"),
            ("application/x-www-form-urlencoded", many.as_str()),
            ("application/x-www-form-urlencoded", deep.as_str()),
            ("application/x-www-form-urlencoded", filled.as_str()),
            ("application/json", members.as_str()),
            ("application/json", large.as_str()),
            ("application/json", payload.as_str()),
            ("application/json", names.as_str()),
        ] {
            let error = decode(media_type, body.as_bytes()).expect_err(body);
            assert_eq!(error.id.number(), 4_000_001, "{body}");
        }
        let nested = "[".repeat(100_000);
        assert!(decode("application/json", nested.as_bytes()).is_err());
        assert!(decode("application/json", b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn trees_flatten_in_order() {
        assert_eq!(
            flatten("traits", &json!({"email": "e", "name": {"first": "A", "last": "B"}, "groups": ["x"]})),
            [
                ("traits.email".to_owned(), json!("e")),
                ("traits.name.first".to_owned(), json!("A")),
                ("traits.name.last".to_owned(), json!("B")),
                ("traits.groups".to_owned(), json!(["x"])),
            ]
        );
    }
}
