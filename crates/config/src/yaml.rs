//! YAML (JSON is YAML) with the line of every value.

use std::collections::HashMap;

use saphyr::{LoadableYamlNode as _, MarkedYamlOwned, ScalarOwned, YamlDataOwned};
use serde_json::{Map, Number, Value};

use crate::keys::escape;

/// The largest file in bytes.
const MAX_FILE: usize = 4 * 1024 * 1024;

/// How deep a file may nest.
const MAX_DEPTH: usize = 64;

/// A file as JSON, with the line of every value by its JSON Pointer.
#[derive(Debug, Default)]
pub struct Document {
    /// The content.
    pub value: Value,
    /// Lines from 1.
    pub lines: HashMap<String, usize>,
}

/// Why a text is no usable YAML, with the line where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// Line from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

/// Parses a text. Of keys that come twice, YAML accepts none.
pub fn parse(text: &str) -> Result<Document, YamlError> {
    let fail = |line, message: &str| YamlError { line, message: message.to_owned() };
    if text.len() > MAX_FILE {
        return Err(fail(None, "the file is larger than 4 MiB"));
    }
    if nesting(text) > MAX_DEPTH {
        return Err(fail(None, "the file nests deeper than 64 levels"));
    }
    let documents = MarkedYamlOwned::load_from_str(text).map_err(|error| YamlError {
        line: Some(error.marker().line()),
        message: format!("the file is no YAML: {}", error.info()),
    })?;
    let mut document = Document::default();
    match documents.as_slice() {
        [] => {}
        [only] => document.value = convert(only, "", 0, &mut document.lines)?,
        _ => return Err(fail(None, "the file holds several YAML documents; one is expected")),
    }
    Ok(document)
}

/// How deep brackets or indentation nest, at the most: the parser itself must not go deeper.
fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            // Brackets inside texts balance out over a line in any file that is meant.
            b'\n' if depth > MAX_DEPTH => {}
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    let dashes = text
        .lines()
        .map(|line| line.trim_start().split("- ").take_while(|part| part.is_empty()).count())
        .max()
        .unwrap_or(0);
    let indents = text.lines().map(|line| line.len() - line.trim_start().len()).max().unwrap_or(0) / 2;
    deepest.max(dashes).max(indents.min(MAX_DEPTH))
}

fn convert(
    node: &MarkedYamlOwned,
    pointer: &str,
    depth: usize,
    lines: &mut HashMap<String, usize>,
) -> Result<Value, YamlError> {
    let line = node.span.start.line();
    let fail = |message: &str| Err(YamlError { line: Some(line), message: message.to_owned() });
    if depth > MAX_DEPTH {
        return fail("the file nests deeper than 64 levels");
    }
    lines.insert(pointer.to_owned(), line);
    match &node.data {
        YamlDataOwned::Value(scalar) => Ok(match scalar {
            ScalarOwned::Null => Value::Null,
            ScalarOwned::Boolean(value) => Value::Bool(*value),
            ScalarOwned::Integer(value) => Value::from(*value),
            ScalarOwned::FloatingPoint(value) => {
                Number::from_f64(value.into_inner()).map_or(Value::Null, Value::Number)
            }
            ScalarOwned::String(text) => Value::from(text.as_str()),
        }),
        YamlDataOwned::Representation(text, _, _) => Ok(Value::from(text.as_str())),
        YamlDataOwned::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(at, item)| convert(item, &format!("{pointer}/{at}"), depth + 1, lines))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        YamlDataOwned::Mapping(members) => {
            let mut object = Map::new();
            for (key, member) in members {
                let Some(name) = key_text(key) else { return fail("a key must be a text") };
                let at = format!("{pointer}/{}", escape(&name));
                object.insert(name, convert(member, &at, depth + 1, lines)?);
                // What a person looks for is the line of the key, not the first one behind it.
                lines.insert(at, key.span.start.line());
            }
            Ok(Value::Object(object))
        }
        YamlDataOwned::Tagged(_, inner) => convert(inner, pointer, depth + 1, lines),
        YamlDataOwned::Alias(_) | YamlDataOwned::BadValue => fail("the value cannot be read"),
    }
}

fn key_text(node: &MarkedYamlOwned) -> Option<String> {
    match &node.data {
        YamlDataOwned::Value(ScalarOwned::String(text)) => Some(text.clone()),
        YamlDataOwned::Value(ScalarOwned::Integer(number)) => Some(number.to_string()),
        YamlDataOwned::Value(ScalarOwned::Boolean(value)) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_keep_their_lines() {
        let document = parse("a: 1\nb:\n  c: [x, true]\n  'd/e': null\n").unwrap();
        assert_eq!(document.value, json!({"a": 1, "b": {"c": ["x", true], "d/e": null}}));
        assert_eq!(document.lines["/b/c/1"], 3);
        assert_eq!(document.lines["/b/d~1e"], 4);
    }

    #[test]
    fn json_is_yaml_and_nothing_is_nothing() {
        assert_eq!(parse("{\"a\": [1, 2.5]}").unwrap().value, json!({"a": [1, 2.5]}));
        assert_eq!(parse("").unwrap().value, Value::Null);
    }

    #[test]
    fn what_is_no_yaml_is_refused() {
        let twice = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(twice.line, Some(3), "{twice:?}");
        for text in ["a: [", "a: 1\n b: 2", "--- 1\n--- 2", "{", "\ta: b: c"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse(&"- ".repeat(100_000)).is_err());
        assert!(parse(&"a".repeat(MAX_FILE + 1)).is_err());
    }
}
