//! `--format jsonpath=...`

use std::str::FromStr;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A way into a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonPath {
    /// Names and numbers with dots between them, such as `keys.0.kid`. `#` stands for every item or, at the
    /// end, for their number.
    Dotted(Vec<String>),
    /// An expression of RFC 9535, such as `$.keys[0].kid`.
    #[cfg(feature = "jsonpath")]
    Expression(Box<serde_json_path::JsonPath>),
}

impl FromStr for JsonPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            return Self::expression(text);
        }
        if text.is_empty() {
            return Err("the path is empty; write for example jsonpath=keys.0.kid".into());
        }
        Ok(Self::Dotted(split(text)))
    }
}

/// Splits a text at dots. A backslash before a dot makes it a part of the name.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '.' => parts.push(std::mem::take(&mut part)),
            '\\' => part.extend(characters.next()),
            other => part.push(other),
        }
    }
    parts.push(part);
    parts
}

impl JsonPath {
    #[cfg(feature = "jsonpath")]
    fn expression(text: &str) -> Result<Self, String> {
        let path = serde_json_path::JsonPath::parse(text);
        path.map(|path| Self::Expression(Box::new(path)))
            .map_err(|error| format!("this is not a JSONPath (RFC 9535): {error}"))
    }

    #[cfg(not(feature = "jsonpath"))]
    fn expression(_: &str) -> Result<Self, String> {
        Err("this program was built without the feature jsonpath; write for example jsonpath=keys.0.kid"
            .into())
    }

    /// Finds what the path leads to. An expression that leads to one place gives that value, and any other a
    /// list.
    pub(crate) fn find(&self, document: &Value) -> Result<Value> {
        match self {
            Self::Dotted(parts) => dotted(document, parts)
                .with_context(|| format!("the result has nothing at {}", parts.join("."))),
            #[cfg(feature = "jsonpath")]
            Self::Expression(path) => {
                let found = path.query(document).all();
                match found.as_slice() {
                    [] => anyhow::bail!("the result has nothing at {path}"),
                    [only] => Ok((*only).clone()),
                    many => Ok(many.iter().map(|value| (*value).clone()).collect()),
                }
            }
        }
    }
}

fn dotted(value: &Value, parts: &[String]) -> Option<Value> {
    let Some((part, rest)) = parts.split_first() else { return Some(value.clone()) };
    match value {
        Value::Array(items) if part == "#" && rest.is_empty() => Some(items.len().into()),
        Value::Array(items) if part == "#" => {
            Some(items.iter().filter_map(|item| dotted(item, rest)).collect())
        }
        Value::Array(items) => dotted(items.get(part.parse::<usize>().ok()?)?, rest),
        Value::Object(members) => dotted(members.get(part)?, rest),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn find(path: &str) -> Result<Value> {
        let document = json!({"keys": [{"kid": "a", "x.y": 1}, {"kid": "b"}], "set": "s"});
        path.parse::<JsonPath>().map_err(anyhow::Error::msg)?.find(&document)
    }

    #[test]
    fn dots_lead_into_objects_and_lists() {
        for (path, value) in [
            ("set", json!("s")),
            ("keys.1.kid", json!("b")),
            ("keys.#", json!(2)),
            ("keys.#.kid", json!(["a", "b"])),
            ("keys.0.x\\.y", json!(1)),
        ] {
            assert_eq!(find(path).unwrap(), value, "{path}");
        }
        for path in ["", "keys.2", "keys.-1", "keys.x", "set.x", "nothing"] {
            assert!(find(path).is_err(), "{path}");
        }
    }

    #[cfg(feature = "jsonpath")]
    #[test]
    fn expressions_begin_with_a_dollar() {
        assert_eq!(find("$.keys[0].kid").unwrap(), json!("a"));
        assert_eq!(find("$.keys[*].kid").unwrap(), json!(["a", "b"]));
        assert_eq!(find("$.keys[?@.kid == 'b'].kid").unwrap(), json!("b"));
        assert!(find("$.nothing").is_err());
        assert!(find("$.[").is_err());
    }
}
