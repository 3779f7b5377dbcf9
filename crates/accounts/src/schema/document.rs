//! Which schema documents are accepted, and how references in them are followed.
//!
//! References lead to places of the same document only. A place that refers to itself without
//! stepping into a member of the instance would be judged for ever, so such documents are refused.

use std::collections::HashMap;
use std::ptr;

use serde_json::{Map, Value};

/// How many schemas may be applied to one value on top of each other.
const MAX_CHAIN: usize = 16;

/// Keywords whose lists of schemas apply to the value itself.
const BRANCH_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// Keywords whose schemas apply to the value itself when it has a member of their name.
const DEPENDENTS: [&str; 2] = ["dependencies", "dependentSchemas"];

/// Keywords whose schema applies to the value itself.
const BRANCHES: [&str; 4] = ["if", "then", "else", "not"];

/// Keywords whose value is data, not a schema.
const DATA: [&str; 4] = ["enum", "const", "default", "examples"];

/// A schema document that was accepted.
pub struct Document(Value);

impl Document {
    /// Reads a document. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        if !root.pointer("/properties/traits").is_some_and(Value::is_object) {
            return Err("it does not describe properties.traits, an object".into());
        }
        if let Some(dialect) = root.get("$schema") {
            let dialect = dialect.as_str().unwrap_or_default();
            if !dialect.contains("json-schema.org/draft-07/") {
                return Err(format!(
                    "its $schema is \"{dialect}\"; write it as draft 7: http://json-schema.org/draft-07/schema#"
                ));
            }
        }
        let document = Self(root);
        document.check_references(&document.0, true)?;
        let mut heights = HashMap::new();
        document.check_chains(&document.0, &mut heights)?;
        Ok(document)
    }

    /// The document.
    pub const fn root(&self) -> &Value {
        &self.0
    }

    /// The schema of the traits, references followed.
    pub fn traits(&self) -> &Value {
        self.0.pointer("/properties/traits").map_or(&Value::Null, |node| self.resolve(node))
    }

    /// Follows `$ref`, whose siblings have no meaning in draft 7.
    pub fn resolve<'a>(&'a self, node: &'a Value) -> &'a Value {
        let mut node = node;
        for _ in 0..MAX_CHAIN {
            match self.target(node) {
                Some(target) => node = target,
                None => break,
            }
        }
        node
    }

    /// Schemas that apply to the same value as `node` (which is resolved) in any case, and say more about it.
    pub fn branches<'a>(&self, node: &'a Value) -> impl Iterator<Item = &'a Value> {
        node.get("allOf").and_then(Value::as_array).into_iter().flatten()
    }

    /// Schemas that may apply to the same value as `node` (which is resolved). What excludes (`not`) says nothing
    /// about it.
    pub fn alternatives<'a>(&self, node: &'a Value) -> impl Iterator<Item = &'a Value> {
        let lists = ["anyOf", "oneOf"].iter().filter_map(|keyword| node.get(keyword)?.as_array()).flatten();
        lists.chain(["if", "then", "else"].iter().filter_map(|keyword| node.get(keyword)))
    }

    /// Schemas that apply to the same object as `node` (which is resolved) because of a member that it has.
    pub fn dependents<'a>(
        &self,
        node: &'a Value,
        members: &Map<String, Value>,
    ) -> impl Iterator<Item = &'a Value> {
        let schemas = DEPENDENTS.iter().filter_map(|keyword| node.get(keyword)?.as_object()).flatten();
        schemas.filter(|(name, _)| members.contains_key(name.as_str())).map(|(_, schema)| schema)
    }

    fn target(&self, node: &Value) -> Option<&Value> {
        self.0.pointer(node.get("$ref")?.as_str()?.strip_prefix('#')?)
    }

    /// Refuses references to other documents or to nothing, and new base addresses.
    fn check_references(&self, node: &Value, is_root: bool) -> Result<(), String> {
        match node {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    if !(reference == "#" || reference.starts_with("#/")) {
                        return Err(format!(
                            "its $ref \"{reference}\" leads out of the document; copy what it needs into definitions and refer to \"#/definitions/NAME\""
                        ));
                    }
                    if self.target(node).is_none() {
                        return Err(format!("its $ref \"{reference}\" leads to nothing"));
                    }
                }
                if !is_root && matches!(members.get("$id"), Some(Value::String(_))) {
                    return Err("it has an $id below the top; remove it".into());
                }
                members
                    .iter()
                    .filter(|(name, _)| !DATA.contains(&name.as_str()))
                    .try_for_each(|(_, member)| self.check_references(member, false))
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.check_references(item, false)),
            _ => Ok(()),
        }
    }

    /// Checks the chains that begin at every place of the document.
    fn check_chains(&self, node: &Value, heights: &mut HashMap<*const Value, usize>) -> Result<(), String> {
        match node {
            Value::Object(members) => {
                self.height(node, 0, heights)?;
                members.values().try_for_each(|member| self.check_chains(member, heights))
            }
            Value::Array(items) => items.iter().try_for_each(|item| self.check_chains(item, heights)),
            _ => Ok(()),
        }
    }

    /// How many schemas lie on top of each other above `node`. Who refers to itself never ends.
    fn height(
        &self,
        node: &Value,
        below: usize,
        heights: &mut HashMap<*const Value, usize>,
    ) -> Result<usize, String> {
        let known = heights.get(&ptr::from_ref(node)).copied();
        if below + known.unwrap_or(0) > MAX_CHAIN {
            return Err(format!(
                "a schema in it applies itself again, or more than {MAX_CHAIN} lie on top of each other; untie its $ref, allOf, anyOf and oneOf"
            ));
        }
        if let Some(known) = known {
            return Ok(known);
        }
        let mut height = 0;
        for above in self.applied_to_the_same(node) {
            height = height.max(1 + self.height(above, below + 1, heights)?);
        }
        heights.insert(ptr::from_ref(node), height);
        Ok(height)
    }

    /// The schemas that apply to the same value as `node`, or may.
    pub(super) fn applied_to_the_same<'a>(&'a self, node: &'a Value) -> Vec<&'a Value> {
        if let Some(target) = self.target(node) {
            return vec![target];
        }
        let lists = BRANCH_LISTS.iter().filter_map(|keyword| node.get(keyword)?.as_array()).flatten();
        let single = BRANCHES.iter().filter_map(|keyword| node.get(keyword));
        let dependents = DEPENDENTS.iter().filter_map(|keyword| node.get(keyword)?.as_object());
        lists.chain(single).chain(dependents.flat_map(Map::values)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(traits: &str) -> Result<Document, String> {
        Document::parse(&format!(
            r#"{{"definitions": {{"a": {{"type": "string"}}}}, "properties": {{"traits": {traits}}}}}"#
        ))
    }

    #[test]
    fn references_within_the_document_are_followed() {
        let document =
            parse(r##"{"type": "object", "properties": {"x": {"$ref": "#/definitions/a"}}}"##).unwrap();
        let x = document.traits().pointer("/properties/x").unwrap();
        assert_eq!(document.resolve(x)["type"], "string");
    }

    #[test]
    fn references_that_leave_the_document_are_refused() {
        for reference in
            ["https://example.org/x.json", "x.json", "#plain", "#/definitions/b", "file:///etc/passwd"]
        {
            assert!(parse(&format!(r#"{{"properties": {{"x": {{"$ref": "{reference}"}}}}}}"#)).is_err());
        }
        assert!(parse(r#"{"properties": {"x": {"$id": "y", "type": "string"}}}"#).is_err());
        assert!(
            parse(r#"{"properties": {"$id": {"type": "string"}, "x": {"const": {"$ref": "y"}}}}"#).is_ok()
        );
    }

    #[test]
    fn what_applies_itself_again_is_refused() {
        for traits in [
            r##"{"$ref": "#/properties/traits"}"##,
            r##"{"allOf": [{"anyOf": [{"$ref": "#/properties/traits"}]}]}"##,
            r##"{"not": {"$ref": "#/properties/traits"}}"##,
            r##"{"dependencies": {"x": {"$ref": "#/properties/traits"}}}"##,
        ] {
            assert!(parse(traits).is_err(), "{traits}");
        }
        // Recursion through a member ends with the instance.
        assert!(parse(r##"{"properties": {"child": {"$ref": "#/properties/traits"}}}"##).is_ok());
        let mut deep = r#"{"type": "object"}"#.to_owned();
        for _ in 0..20 {
            deep = format!(r#"{{"allOf": [{deep}]}}"#);
        }
        assert!(parse(&deep).is_err());
    }

    #[test]
    fn what_is_no_identity_schema_is_refused() {
        for text in ["", "[]", "{}", r#"{"properties": {"traits": true}}"#, "{\"properties\": {"] {
            assert!(Document::parse(text).is_err(), "{text}");
        }
        let newer =
            r#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"traits": {}}}"#;
        assert!(Document::parse(newer).err().unwrap().contains("draft 7"));
    }
}
