//! Values as they are written into a variable of the environment.

use serde_json::{Number, Value};
use sessera_jose::strict_json;

use crate::kind::Kind;

/// The value that a text stands for. `None` where it cannot stand for one of this type.
pub(crate) fn value(text: &str, kind: &Kind) -> Option<Value> {
    match kind {
        Kind::Bool => boolean(text).map(Value::Bool),
        Kind::Integer(..) => text.trim().parse::<i64>().ok().map(Value::from),
        Kind::Ratio => text.trim().parse().ok().and_then(Number::from_f64).map(Value::Number),
        Kind::List(Kind::Object(_) | Kind::List(_) | Kind::Map(_) | Kind::Any | Kind::Template) => json(text),
        Kind::List(_) if is_json_list(text) => json(text),
        Kind::List(inner) => separated(text, inner),
        Kind::Map(_) | Kind::Object(_) | Kind::Template => json(text),
        Kind::Text
        | Kind::Secret(_)
        | Kind::Duration(..)
        | Kind::Bytes(..)
        | Kind::Url
        | Kind::PrivateUrl
        | Kind::Address
        | Kind::Color
        | Kind::Choice(_) => Some(Value::from(text)),
        Kind::Any => Some(of_any_type(text)),
    }
}

/// The value of a key whose type is not known.
pub(crate) fn of_any_type(text: &str) -> Value {
    if let Some(flag) = boolean(text) {
        return Value::Bool(flag);
    }
    let is_structure = text.trim_start().starts_with(['[', '{']);
    json(text).filter(|_| is_structure).unwrap_or_else(|| Value::from(text))
}

fn json(text: &str) -> Option<Value> {
    strict_json::parse(text.as_bytes()).ok()
}

/// Whether a list is written as JSON. A list of texts that begin with a bracket, as addresses of IPv6 do, has no quotes, and a
/// bracket closes before the next one opens.
fn is_json_list(text: &str) -> bool {
    let text = text.trim();
    let is_closed = |item: &str| item.matches('[').count() == item.matches(']').count();
    text.starts_with('[')
        && (text.contains(['"', '\'']) || !text.split(',').all(is_closed) || json(text).is_some())
}

/// Why a text that is written as JSON is none, for a type that may be written so.
pub(crate) fn broken_json(text: &str, kind: &Kind) -> Option<String> {
    let is_json = match kind {
        Kind::List(_) => is_json_list(text),
        Kind::Map(_) | Kind::Object(_) | Kind::Template => text.trim_start().starts_with('{'),
        _ => false,
    };
    strict_json::parse(text.as_bytes()).err().filter(|_| is_json)
}

fn separated(text: &str, inner: &Kind) -> Option<Value> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.map(|item| value(item, inner)).collect::<Option<Vec<_>>>().map(Value::Array)
}

/// A boolean in any spelling that Go's `strconv.ParseBool` takes.
fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn booleans_are_those_of_go() {
        for yes in ["1", "t", "T", "true", "TRUE", "True"] {
            assert_eq!(value(yes, &Kind::Bool), Some(json!(true)), "{yes}");
        }
        for no in ["0", "f", "F", "false", "FALSE", "False"] {
            assert_eq!(value(no, &Kind::Bool), Some(json!(false)), "{no}");
        }
        for neither in ["yes", "on", "tRUE", "2", ""] {
            assert_eq!(value(neither, &Kind::Bool), None, "{neither}");
        }
    }

    #[test]
    fn lists_are_json_or_separated_by_commas() {
        let texts = Kind::List(&Kind::Text);
        assert_eq!(value("a, b,c", &texts), Some(json!(["a", "b", "c"])));
        assert_eq!(value("[\"a,b\"]", &texts), Some(json!(["a,b"])));
        assert_eq!(value("[::1],[::2]:80", &texts), Some(json!(["[::1]", "[::2]:80"])));
        assert_eq!(value("[]", &texts), Some(json!([])));
        for broken in ["[\"a\",\"b\"", "[\"a\",]", "['a']", "[a, b]", "["] {
            assert_eq!(value(broken, &texts), None, "{broken}");
            assert!(broken_json(broken, &texts).is_some(), "{broken}");
        }
        assert_eq!(value("{\"a\":1,\"a\":2}", &Kind::Map(&Kind::Template)), None);
    }

    #[test]
    fn a_part_of_a_whole_is_a_number() {
        assert_eq!(value("0.5", &Kind::Ratio), Some(json!(0.5)));
        for none in ["NaN", "inf", "-inf", "x"] {
            assert_eq!(value(none, &Kind::Ratio), None, "{none}");
        }
    }
}
