//! Identity schemas: what the traits of an identity must look like, and what they mean.
//!
//! A schema is a JSON Schema (draft 7) with `properties.traits`. The keyword `ory.sh/kratos` marks the
//! traits that are identifiers, addresses to verify and addresses to recover by. Nothing outside the
//! document is ever fetched, and patterns are matched in linear time.
//!
//! | module | holds |
//! |---|---|
//! | [`source`] | where schemas are read from |
//! | [`document`] | which documents are accepted, and how references in them are followed |
//! | `cost` | how much work it is to judge traits |
//! | [`extract`] | identifiers and addresses, taken from traits |
//! | `patterns` | which members the patterns of a schema describe |
//! | [`fields`] | the fields of a form |
//! | `marks` | what the keyword `ory.sh/kratos` may say |
//! | [`normalise`] | the one form in which identifiers and addresses are compared |
//! | [`violation`] | what is wrong with traits, under the numbers of the wire contract |

mod cost;
pub mod document;
pub mod extract;
pub mod fields;
mod marks;
pub mod normalise;
mod patterns;
pub mod source;
pub mod violation;

use std::collections::HashSet;
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, ValidationOptions, Validator};
use serde_json::{Value, json};

use crate::submission::ValueKind;
use document::Document;
use patterns::Patterns;

pub use extract::{Address, Extracted};
pub use fields::Field;
pub use violation::Violation;

/// The schema that is there when none is configured.
const BUILT_IN: &str = include_str!("default.schema.json");

/// The id of that schema.
const BUILT_IN_ID: &str = "default";

/// The most violations that are reported at once.
const MAX_VIOLATIONS: usize = 50;

/// The deepest nesting of traits.
const MAX_TRAITS_DEPTH: usize = 32;

/// The largest compiled pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("identity schema \"{id}\": {problem}")]
pub struct SchemaError {
    /// The id of the schema.
    pub id: String,
    /// What is wrong with it, and what to do about it.
    pub problem: String,
}

/// All identity schemas, compiled.
#[derive(Debug, Clone)]
pub struct IdentitySchemas {
    schemas: Vec<Arc<IdentitySchema>>,
    default: Arc<IdentitySchema>,
}

impl IdentitySchemas {
    /// Reads and compiles schemas, given as (id, URL). Without any, the built-in one is there. The error has everything
    /// that is wrong with each of them.
    pub fn compile<'a>(
        sources: impl IntoIterator<Item = (&'a str, &'a str)>,
        default_id: &str,
    ) -> Result<Self, Vec<SchemaError>> {
        let mut ids = HashSet::new();
        let (mut schemas, mut wrong) = (Vec::new(), Vec::new());
        for (id, url) in sources {
            let fail = |problem: String| SchemaError { id: id.to_owned(), problem };
            let read = || source::read(url).map_err(|error| fail(error.to_string()));
            let compiled = if ids.insert(id) {
                read().and_then(|text| IdentitySchema::compile(id, &text))
            } else {
                Err(fail("the id is used twice; give every schema its own".into()))
            };
            match compiled {
                Ok(schema) => schemas.push(Arc::new(schema)),
                Err(error) => wrong.push(error),
            }
        }
        if ids.is_empty() {
            ids.insert(BUILT_IN_ID);
            let built_in = IdentitySchema::compile(BUILT_IN_ID, BUILT_IN).map_err(|error| vec![error])?;
            schemas.push(Arc::new(built_in));
        }
        if !ids.contains(default_id) {
            wrong.push(SchemaError {
                id: default_id.to_owned(),
                problem: "it is named by identity.default_schema_id but not in identity.schemas".into(),
            });
        }
        match schemas.iter().find(|schema| schema.id == default_id).map(Arc::clone) {
            Some(default) if wrong.is_empty() => Ok(Self { schemas, default }),
            _ => Err(wrong),
        }
    }

    /// The built-in schema alone.
    pub fn built_in() -> Result<Self, Vec<SchemaError>> {
        Self::compile([], BUILT_IN_ID)
    }

    /// The schema with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<IdentitySchema>> {
        self.schemas.iter().find(|schema| schema.id == id)
    }

    /// The schema of those who sign up.
    pub const fn default(&self) -> &Arc<IdentitySchema> {
        &self.default
    }

    /// All schemas in the order of the configuration.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<IdentitySchema>> {
        self.schemas.iter()
    }
}

/// One identity schema, compiled.
pub struct IdentitySchema {
    id: String,
    document: Document,
    validator: Validator,
    patterns: Patterns,
    fields: Vec<Field>,
}

impl IdentitySchema {
    /// Compiles a schema from its JSON text.
    pub fn compile(id: &str, text: &str) -> Result<Self, SchemaError> {
        let fail = |problem: String| SchemaError { id: id.to_owned(), problem };
        if id.is_empty() {
            return Err(fail("the id is empty".into()));
        }
        let document = Document::parse(text).map_err(fail)?;
        let validator = options()
            .build(document.root())
            .map_err(|error| fail(format!("{} at {}", error, at(error.instance_path().as_str()))))?;
        let patterns = Patterns::compile(&document).map_err(fail)?;
        let fields = fields::fields(&document);
        marks::check(&document).map_err(fail)?;
        Ok(Self { id: id.to_owned(), document, validator, patterns, fields })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether a trait has a mark of `ory.sh/kratos`, such as `recovery/via`.
    pub fn marks(&self, mark: &str) -> bool {
        marks::has_mark(self.document.root(), &format!("/{mark}"))
    }

    /// Whether a trait is an address to which messages are sent by a channel.
    pub fn sends_by(&self, via: &str) -> bool {
        marks::has_channel(self.document.root(), via)
    }

    /// The document itself.
    pub const fn document(&self) -> &Value {
        self.document.root()
    }

    /// What the text of a field stands for.
    pub fn value_kind(&self, field: &str) -> ValueKind {
        let known = self.fields().iter().find(|known| known.name() == field);
        known.map_or(ValueKind::Text, |known| known.kind)
    }

    /// The fields of a form that asks for the traits, in the order of the document.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Judges traits. When they are good, says which identifiers and addresses they hold.
    pub fn validate(&self, traits: &Value) -> Result<Extracted, Vec<Violation>> {
        if depth_exceeds(traits, MAX_TRAITS_DEPTH) {
            return Err(vec![Violation::too_deep(MAX_TRAITS_DEPTH)]);
        }
        let instance = json!({ "traits": traits });
        if cost::is_out_of_proportion(&self.document, &instance) {
            return Err(vec![Violation::too_costly()]);
        }
        let mut violations = Vec::new();
        for error in self.validator.iter_errors(&instance).take(MAX_VIOLATIONS) {
            let violation = Violation::from_error(&error);
            if !violations.contains(&violation) {
                violations.push(violation);
            }
        }
        if violations.is_empty() {
            extract::extract(&self.document, &self.patterns, traits)
        } else {
            Err(violations)
        }
    }
}

impl std::fmt::Debug for IdentitySchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentitySchema").field("id", &self.id).finish_non_exhaustive()
    }
}

/// How schemas are compiled.
fn options<'a>() -> ValidationOptions<'a> {
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .offline()
        .should_validate_formats(true)
        .with_format("email", normalise::is_email)
        .with_format("tel", |text: &str| normalise::telephone_number(text).is_some())
        .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN_BYTES))
}

/// A JSON pointer for a person: the empty one is the whole document.
fn at(pointer: &str) -> &str {
    if pointer.is_empty() { "the top" } else { pointer }
}

fn depth_exceeds(value: &Value, limit: usize) -> bool {
    let deeper = |value: &Value| limit == 0 || depth_exceeds(value, limit - 1);
    match value {
        Value::Array(items) => items.iter().any(deeper),
        Value::Object(members) => members.values().any(deeper),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
