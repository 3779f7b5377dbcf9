//! Which names of members the patterns of a schema describe.

use std::collections::HashMap;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::document::Document;

/// The patterns of all `patternProperties`, compiled.
pub(super) struct Patterns(HashMap<String, Validator>);

impl Patterns {
    /// Compiles the patterns of a document. The error says what is wrong with one.
    pub(super) fn compile(document: &Document) -> Result<Self, String> {
        let mut patterns = HashMap::new();
        collect(document.root(), &mut patterns)?;
        Ok(Self(patterns))
    }

    /// Whether a name fits a pattern.
    pub(super) fn fits(&self, pattern: &str, name: &str) -> bool {
        self.0.get(pattern).is_some_and(|known| known.is_valid(&Value::from(name)))
    }
}

fn collect(node: &Value, patterns: &mut HashMap<String, Validator>) -> Result<(), String> {
    match node {
        Value::Object(members) => {
            for pattern in members.get("patternProperties").and_then(Value::as_object).into_iter().flatten() {
                let schema = json!({ "pattern": pattern.0 });
                let compiled = super::options().build(&schema).map_err(|error| error.to_string())?;
                patterns.insert(pattern.0.clone(), compiled);
            }
            members.values().try_for_each(|member| collect(member, patterns))
        }
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, patterns)),
        _ => Ok(()),
    }
}
