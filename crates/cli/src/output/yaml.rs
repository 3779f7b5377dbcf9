//! JSON as YAML.

use anyhow::{Context as _, Result};
use saphyr::{Mapping, Scalar, ScalarStyle, Yaml, YamlEmitter};
use serde_json::Value;

use super::terminal::{escaped, is_plain};

/// Writes a document as YAML.
pub(crate) fn to_text(document: &Value) -> Result<String> {
    let mut text = String::new();
    YamlEmitter::new(&mut text).dump(&node(document)).context("the result cannot be written as YAML")?;
    // The marker at the start is for files with several documents.
    let text = text.strip_prefix("---\n").unwrap_or(&text);
    Ok(format!("{}\n", text.trim_end()))
}

fn node(value: &Value) -> Yaml<'_> {
    match value {
        Value::Null => Yaml::Value(Scalar::Null),
        Value::Bool(truth) => Yaml::Value(Scalar::Boolean(*truth)),
        // The number stays as it stands in JSON, because every JSON number is a YAML number.
        Value::Number(number) => Yaml::Representation(number.to_string().into(), ScalarStyle::Plain, None),
        Value::String(text) => string(text),
        Value::Array(items) => Yaml::Sequence(items.iter().map(node).collect()),
        Value::Object(members) => {
            let members = members.iter().map(|(key, member)| (string(key), node(member)));
            Yaml::Mapping(members.collect::<Mapping<'_>>())
        }
    }
}

/// A text, as JSON writes it where a terminal would obey it otherwise. Every string of JSON is one of YAML.
fn string(text: &str) -> Yaml<'_> {
    if text.chars().all(is_plain) {
        return Yaml::Value(Scalar::String(text.into()));
    }
    let quoted = escaped(&Value::from(text).to_string());
    Yaml::Representation(quoted.into(), ScalarStyle::Plain, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sessera_config::yaml;

    #[test]
    fn what_was_written_reads_back() {
        let value = json!({
            "numbers": [0, -1, 1.5, i64::MAX],
            "texts": ["", " x ", "true", "no", "~", "null", "12", "1e3", "0x1f", "a: b", "# no", "- x", "é", "\u{7f}", "\u{9b}31m\u{202e}x", "\r\u{1b}[2J", "a\u{feff}",
                      "line\nbreak\n", "tab\t", "\"quoted\"", "'", "10m", "base64://e30=", "@", "%", "[", "!tag", "&a", "*a"],
            "true": {"empty": {}, "list": [], "null": null, "nested\u{9b}": [[1, [2]], {"a": [{"b": 1}]}]},
        });
        assert_eq!(yaml::parse(&to_text(&value).unwrap()).unwrap().value, value);
        assert!(to_text(&value).unwrap().chars().all(is_plain));
        for scalar in [json!(null), json!("text"), json!([]), json!({})] {
            assert_eq!(yaml::parse(&to_text(&scalar).unwrap()).unwrap().value, scalar);
        }
    }
}
