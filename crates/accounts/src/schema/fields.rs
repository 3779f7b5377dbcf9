//! The fields of a form that asks for traits.

use std::ptr;

use serde_json::Value;

use super::document::Document;
use crate::messages::Message;
use crate::submission::ValueKind;
use crate::ui::{Group, Input, InputKind, Node};

/// The most fields of a form.
const MAX_FIELDS: usize = 200;

/// The deepest nesting of fields.
const MAX_DEPTH: usize = 16;

/// The most values to choose from in one field.
const MAX_OPTIONS: usize = 500;

/// A field of a form that asks for one trait.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The input, named `traits.name.first`.
    pub input: Input,
    /// What its text stands for.
    pub kind: ValueKind,
    /// What it is called.
    pub title: Option<String>,
}

impl Field {
    /// Under which name its value is submitted, for example `traits.name.first`.
    pub fn name(&self) -> &str {
        &self.input.name
    }

    /// The node of a form.
    pub fn node(&self, group: Group) -> Node {
        let node = self.input.clone().node(group);
        match &self.title {
            Some(title) => node.label(Message::field_label(self.name(), title)),
            None => node,
        }
    }
}

/// The fields for everything that the schema describes, in its order. Lists of objects, and objects
/// without described members, have no form that a browser could show.
pub(super) fn fields(document: &Document) -> Vec<Field> {
    let mut collector = Collector { document, fields: Vec::new(), open: Vec::new() };
    collector.visit(document.traits(), "traits", false);
    collector.fields
}

struct Collector<'a> {
    document: &'a Document,
    fields: Vec<Field>,
    /// The schemas that are being visited: one that describes itself has no end.
    open: Vec<*const Value>,
}

impl Collector<'_> {
    fn visit(&mut self, schema: &Value, name: &str, required: bool) {
        let document = self.document;
        let schema = document.resolve(schema);
        let here = ptr::from_ref(schema);
        if self.open.contains(&here) || self.open.len() >= MAX_DEPTH || self.fields.len() >= MAX_FIELDS {
            return;
        }
        self.open.push(here);
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            let required = schema.get("required").and_then(Value::as_array);
            for (property, described) in properties {
                let required = required.is_some_and(|names| names.iter().any(|name| name == property));
                self.visit(described, &format!("{name}.{property}"), required);
            }
        } else if name != "traits"
            && let Some(field) = field(document, schema, name, required)
            && !self.fields.iter().any(|known| known.name() == name)
        {
            self.fields.push(field);
        }
        for branch in document.branches(schema).chain(document.alternatives(schema)) {
            self.visit(branch, name, required);
        }
        self.open.pop();
    }
}

fn field(document: &Document, schema: &Value, name: &str, required: bool) -> Option<Field> {
    let options: Vec<Value> = schema
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .take(MAX_OPTIONS)
        .cloned()
        .collect();
    let kind = match type_of(schema) {
        Some("string") => ValueKind::Text,
        Some("number") => ValueKind::Number,
        Some("integer") => ValueKind::Integer,
        Some("boolean") => ValueKind::Boolean,
        Some("array") if lists_texts(document, schema) => ValueKind::List,
        None if !options.is_empty() => ValueKind::Text,
        _ => return None,
    };
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let mut input = Input::new(name, input_kind(kind, format));
    input.required = required;
    input.autocomplete = match input.kind {
        InputKind::Email => Some("email"),
        InputKind::Telephone => Some("tel"),
        InputKind::Url => Some("url"),
        _ => None,
    };
    input.pattern = schema.get("pattern").and_then(Value::as_str).map(str::to_owned);
    input.options = options;
    let title = schema.get("title").and_then(Value::as_str).filter(|title| !title.is_empty());
    Some(Field { input, kind, title: title.map(str::to_owned) })
}

/// The one type of a value that is there.
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => {
            let mut names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
            let only = names.next();
            if names.next().is_none() { only } else { None }
        }
        _ => None,
    }
}

fn lists_texts(document: &Document, schema: &Value) -> bool {
    let items = schema.get("items").map(|items| document.resolve(items));
    items.is_some_and(|items| type_of(items).is_some_and(|name| !matches!(name, "object" | "array")))
}

const fn input_kind(kind: ValueKind, format: &str) -> InputKind {
    match (kind, format.as_bytes()) {
        (ValueKind::Number | ValueKind::Integer, _) => InputKind::Number,
        (ValueKind::Boolean, _) => InputKind::Checkbox,
        (ValueKind::Text, b"email") => InputKind::Email,
        (ValueKind::Text, b"tel") => InputKind::Telephone,
        (ValueKind::Text, b"uri") => InputKind::Url,
        (ValueKind::Text, b"date") => InputKind::Date,
        (ValueKind::Text, b"date-time") => InputKind::DateTime,
        (ValueKind::Text | ValueKind::List, _) => InputKind::Text,
    }
}
