//! What traits mean: identifiers and addresses, as the keyword `ory.sh/kratos` marks them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sessera_model::CredentialKind;
use sessera_model::json_pointer::escape;

use super::MAX_VIOLATIONS;
use super::document::Document;
use super::marks::{KEYWORD, channel, flag};
use super::normalise;
use super::patterns::Patterns;
use super::violation::Violation;

/// How many identifiers of a kind, and how many addresses for a purpose, one person may have.
pub const MAX_MARKED: usize = 100;

/// An address with its channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// `email` or `sms`.
    pub via: String,
    /// The address in its one form.
    pub value: String,
}

/// What traits mean. Everything is in its one form and there once.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Extracted {
    identifiers: BTreeMap<CredentialKind, Vec<String>>,
    /// Addresses to verify.
    pub verifiable: Vec<Address>,
    /// Addresses to recover by.
    pub recovery: Vec<Address>,
    /// Addresses to which codes for signing in are sent.
    pub code: Vec<Address>,
    /// What names the account in authenticator apps.
    pub account_name: Option<String>,
}

impl Extracted {
    /// With what a kind of credential finds its identity.
    pub fn identifiers(&self, kind: CredentialKind) -> &[String] {
        self.identifiers.get(&kind).map_or(&[], Vec::as_slice)
    }

    fn add_identifier(&mut self, kind: CredentialKind, identifier: String) {
        if !identifier.is_empty() {
            add(self.identifiers.entry(kind).or_default(), identifier);
        }
    }

    /// How many there are of what there are most.
    fn most(&self) -> usize {
        let addresses = [&self.verifiable, &self.recovery, &self.code].map(Vec::len);
        self.identifiers.values().map(Vec::len).chain(addresses).max().unwrap_or_default()
    }
}

/// Adds what is not there yet. The lists are short: see [`MAX_MARKED`].
fn add<T: PartialEq>(list: &mut Vec<T>, new: T) {
    if list.len() <= MAX_MARKED && !list.contains(&new) {
        list.push(new);
    }
}

/// Takes everything from traits that the schema has found good.
pub(super) fn extract(
    document: &Document,
    patterns: &Patterns,
    traits: &Value,
) -> Result<Extracted, Vec<Violation>> {
    let mut walk = Walk {
        document,
        patterns,
        extracted: Extracted::default(),
        violations: Vec::new(),
        pointer: "/traits".into(),
    };
    walk.visit(document.traits(), traits, Applies::Always);
    if walk.extracted.most() > MAX_MARKED {
        walk.violations.push(Violation::too_many_marked(MAX_MARKED));
    }
    if walk.violations.is_empty() { Ok(walk.extracted) } else { Err(walk.violations) }
}

/// Whether a schema applies to a value in any case, or is one of several that may.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Applies {
    Always,
    Perhaps,
}

struct Walk<'a> {
    document: &'a Document,
    patterns: &'a Patterns,
    extracted: Extracted,
    violations: Vec<Violation>,
    pointer: String,
}

impl<'a> Walk<'a> {
    /// Goes through a value together with its schema.
    fn visit(&mut self, schema: &'a Value, value: &Value, applies: Applies) {
        // What comes behind would be refused with the rest.
        if self.extracted.most() > MAX_MARKED || self.violations.len() >= MAX_VIOLATIONS {
            return;
        }
        let schema = self.document.resolve(schema);
        if let (Some(extension), Some(text)) = (schema.get(KEYWORD), value.as_str()) {
            self.apply(extension, schema.get("format").and_then(Value::as_str), text, applies);
        }
        for branch in self.document.branches(schema) {
            self.visit(branch, value, applies);
        }
        for alternative in self.document.alternatives(schema) {
            self.visit(alternative, value, Applies::Perhaps);
        }
        match value {
            Value::Object(members) => {
                self.visit_members(schema, members, applies);
                for dependent in self.document.dependents(schema, members) {
                    self.visit(dependent, value, applies);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.visit_item(schema, index, item, applies);
                }
            }
            _ => {}
        }
    }

    /// The members of an object, each with all schemas that describe it. Those with names of their own come first, in
    /// the order of the schema.
    fn visit_members(&mut self, schema: &'a Value, members: &Map<String, Value>, applies: Applies) {
        let named = schema.get("properties").and_then(Value::as_object);
        for (name, described) in named.into_iter().flatten() {
            if let Some(member) = members.get(name) {
                self.within(name, |walk| walk.visit(described, member, applies));
            }
        }
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let others = ["additionalProperties", "unevaluatedProperties"].map(|keyword| schema.get(keyword));
        if patterns.is_none() && others == [None, None] {
            return;
        }
        for (name, member) in members {
            let mut is_described = named.is_some_and(|named| named.contains_key(name));
            for (pattern, described) in patterns.into_iter().flatten() {
                if self.patterns.fits(pattern, name) {
                    is_described = true;
                    self.within(name, |walk| walk.visit(described, member, applies));
                }
            }
            for described in others.into_iter().flatten().filter(|_| !is_described) {
                self.within(name, |walk| walk.visit(described, member, applies));
            }
        }
    }

    /// An item of a list, with all schemas that describe it.
    fn visit_item(&mut self, schema: &'a Value, index: usize, value: &Value, applies: Applies) {
        let listed = match schema.get("items") {
            Some(Value::Array(schemas)) => Some(schemas),
            _ => schema.get("prefixItems").and_then(Value::as_array),
        };
        let at_its_place = listed.and_then(|schemas| schemas.get(index));
        let others = match schema.get("items") {
            Some(Value::Array(_)) => schema.get("additionalItems"),
            others => others,
        };
        if let Some(schema) = at_its_place.or(others).or_else(|| schema.get("unevaluatedItems")) {
            self.within(&index.to_string(), |walk| walk.visit(schema, value, applies));
        }
        if let Some(schema) = schema.get("contains") {
            self.within(&index.to_string(), |walk| walk.visit(schema, value, Applies::Perhaps));
        }
    }

    /// Does something one step further down.
    fn within(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&escape(name));
        visit(self);
        self.pointer.truncate(length);
    }

    fn apply(&mut self, extension: &Value, format: Option<&str>, text: &str, applies: Applies) {
        for (pointer, kind) in [
            ("/credentials/password/identifier", CredentialKind::Password),
            ("/credentials/webauthn/identifier", CredentialKind::Webauthn),
        ] {
            if flag(extension, pointer) {
                self.extracted.add_identifier(kind, normalise::identifier(text));
            }
        }
        if flag(extension, "/credentials/totp/account_name") && self.extracted.account_name.is_none() {
            self.extracted.account_name = Some(text.to_owned());
        }
        // A schema that gives the trait another format than its channel's (Kratos has `no-validate`) judges it by
        // itself.
        let judging = match format {
            None | Some("email" | "tel") if applies == Applies::Always => Judging::Strict,
            None | Some("email" | "tel") => Judging::Choosing,
            Some(_) => Judging::Schema,
        };
        if flag(extension, "/credentials/code/identifier")
            && let Some(via) = channel(extension, "/credentials/code/via")
            && let Some(address) = self.address(via, judging, text)
        {
            self.extracted.add_identifier(CredentialKind::Code, address.value.clone());
            add(&mut self.extracted.code, address);
        }
        if let Some(via) = channel(extension, "/verification/via")
            && let Some(address) = self.address(via, judging, text)
        {
            add(&mut self.extracted.verifiable, address);
        }
        if let Some(via) = channel(extension, "/recovery/via")
            && let Some(address) = self.address(via, judging, text)
        {
            add(&mut self.extracted.recovery, address);
        }
    }

    /// The address in its one form.
    fn address(&mut self, via: &str, judging: Judging, text: &str) -> Option<Address> {
        let judged = if via == "email" { normalise::email(text) } else { normalise::telephone_number(text) };
        let value = match (judged, judging) {
            (Some(value), _) => value,
            (None, Judging::Schema) => normalise::identifier(text),
            (None, Judging::Choosing) => return None,
            (None, Judging::Strict) => {
                let violation = if via == "email" {
                    Violation::not_an_email(&self.pointer, text)
                } else {
                    Violation::not_a_telephone_number(&self.pointer, text)
                };
                if !self.violations.contains(&violation) {
                    self.violations.push(violation);
                }
                return None;
            }
        };
        Some(Address { via: via.to_owned(), value })
    }
}

/// Who says what an address must look like.
#[derive(Clone, Copy)]
enum Judging {
    /// The channel: another text is wrong.
    Strict,
    /// The channel: another text is for another one of the schemas that the value may follow.
    Choosing,
    /// The schema, whose format is another one.
    Schema,
}
