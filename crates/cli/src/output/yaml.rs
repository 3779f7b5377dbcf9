//! JSON as YAML.

use anyhow::{Context as _, Result};
use saphyr::{Mapping, Scalar, ScalarStyle, Yaml, YamlEmitter};
use serde_json::Value;

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
        Value::String(text) => Yaml::Value(Scalar::String(text.as_str().into())),
        Value::Array(items) => Yaml::Sequence(items.iter().map(node).collect()),
        Value::Object(members) => {
            let name = |name| Yaml::Value(Scalar::String(std::borrow::Cow::Borrowed(name)));
            let members = members.iter().map(|(key, member)| (name(key.as_str()), node(member)));
            Yaml::Mapping(members.collect::<Mapping<'_>>())
        }
    }
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
            "texts": ["", " x ", "true", "no", "~", "null", "12", "1e3", "0x1f", "a: b", "# no", "- x", "é", "\u{7f}",
                      "line\nbreak\n", "tab\t", "\"quoted\"", "'", "10m", "base64://e30=", "@", "%", "[", "!tag", "&a", "*a"],
            "true": {"empty": {}, "list": [], "null": null, "nested": [[1, [2]], {"a": [{"b": 1}]}]},
        });
        assert_eq!(yaml::parse(&to_text(&value).unwrap()).unwrap().value, value);
        for scalar in [json!(null), json!("text"), json!([]), json!({})] {
            assert_eq!(yaml::parse(&to_text(&scalar).unwrap()).unwrap().value, scalar);
        }
    }
}
