//! What traits mean: identifiers and addresses, as the keyword `ory.sh/kratos` marks them.
//!
//! | member | meaning |
//! |---|---|
//! | `credentials.password.identifier` | the value signs in with a password |
//! | `credentials.webauthn.identifier` | the value signs in with a passkey |
//! | `credentials.code.identifier`, `.via` | the value signs in with codes sent to it |
//! | `credentials.totp.account_name` | the value names the account in authenticator apps |
//! | `verification.via` | the value is an address to verify |
//! | `recovery.via` | the value is an address to recover by |
//!
//! `via` is `email` or `sms`.

use std::collections::BTreeMap;

use serde_json::Value;
use sessera_model::CredentialKind;

use super::document::Document;
use super::normalise;
use super::violation::Violation;

const KEYWORD: &str = "ory.sh/kratos";

/// An address with its channel.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let identifiers = self.identifiers.entry(kind).or_default();
        if !identifier.is_empty() && !identifiers.contains(&identifier) {
            identifiers.push(identifier);
        }
    }
}

fn add(addresses: &mut Vec<Address>, address: Address) {
    if !addresses.contains(&address) {
        addresses.push(address);
    }
}

/// Refuses channels that do not exist. The error says what is wrong.
pub(super) fn check(document: &Document) -> Result<(), String> {
    check_node(document.root())
}

fn check_node(node: &Value) -> Result<(), String> {
    if let Some(extension) = node.get(KEYWORD) {
        for pointer in ["/verification/via", "/recovery/via", "/credentials/code/via"] {
            match extension.pointer(pointer).map(Value::as_str) {
                None | Some(Some("email" | "sms" | "")) => {}
                Some(_) => return Err(format!("{KEYWORD}{pointer} is neither \"email\" nor \"sms\"")),
            }
        }
        let code_identifies = flag(extension, "/credentials/code/identifier");
        if code_identifies && channel(extension, "/credentials/code/via").is_none() {
            return Err(format!("{KEYWORD}/credentials/code has no via; write \"email\" or \"sms\""));
        }
    }
    match node {
        Value::Array(items) => items.iter().try_for_each(check_node),
        Value::Object(members) => members.values().try_for_each(check_node),
        _ => Ok(()),
    }
}

/// Whether a node or something below it has a mark that is neither false nor empty, by its pointer in the keyword.
pub(super) fn has_mark(node: &Value, mark: &str) -> bool {
    let own = node.get(KEYWORD).and_then(|extension| extension.pointer(mark));
    if own.is_some_and(|own| *own == true || own.as_str().is_some_and(|text| !text.is_empty())) {
        return true;
    }
    match node {
        Value::Array(items) => items.iter().any(|item| has_mark(item, mark)),
        Value::Object(members) => members.values().any(|member| has_mark(member, mark)),
        _ => false,
    }
}

/// Takes everything from traits that the schema has found good.
pub(super) fn extract(document: &Document, traits: &Value) -> Result<Extracted, Vec<Violation>> {
    let mut walk =
        Walk { document, extracted: Extracted::default(), violations: Vec::new(), pointer: "/traits".into() };
    walk.visit(document.traits(), traits);
    if walk.violations.is_empty() { Ok(walk.extracted) } else { Err(walk.violations) }
}

struct Walk<'a> {
    document: &'a Document,
    extracted: Extracted,
    violations: Vec<Violation>,
    pointer: String,
}

impl<'a> Walk<'a> {
    /// Goes through a value together with its schema.
    fn visit(&mut self, schema: &'a Value, value: &Value) {
        let schema = self.document.resolve(schema);
        if let (Some(extension), Some(text)) = (schema.get(KEYWORD), value.as_str()) {
            self.apply(extension, schema.get("format").and_then(Value::as_str), text);
        }
        for branch in self.document.branches(schema) {
            self.visit(branch, value);
        }
        match value {
            Value::Object(members) => {
                let described = schema.get("properties").and_then(Value::as_object);
                for (name, property) in described.into_iter().flatten() {
                    if let Some(member) = members.get(name) {
                        self.visit_member(name, property, member);
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let described = match schema.get("items") {
                        Some(Value::Array(schemas)) => schemas.get(index),
                        one => one,
                    };
                    if let Some(described) = described {
                        self.visit_member(&index.to_string(), described, item);
                    }
                }
            }
            _ => {}
        }
    }

    fn visit_member(&mut self, name: &str, schema: &'a Value, value: &Value) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        self.visit(schema, value);
        self.pointer.truncate(length);
    }

    fn apply(&mut self, extension: &Value, format: Option<&str>, text: &str) {
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
        let strict = matches!(format, None | Some("email" | "tel"));
        if flag(extension, "/credentials/code/identifier")
            && let Some(via) = channel(extension, "/credentials/code/via")
            && let Some(address) = self.address(via, strict, text)
        {
            self.extracted.add_identifier(CredentialKind::Code, address.value.clone());
            add(&mut self.extracted.code, address);
        }
        if let Some(via) = channel(extension, "/verification/via")
            && let Some(address) = self.address(via, strict, text)
        {
            add(&mut self.extracted.verifiable, address);
        }
        if let Some(via) = channel(extension, "/recovery/via")
            && let Some(address) = self.address(via, strict, text)
        {
            add(&mut self.extracted.recovery, address);
        }
    }

    /// The address in its one form. A schema that gives the trait another format than its channel's
    /// (Kratos has `no-validate`) judges it by itself.
    fn address(&mut self, via: &str, strict: bool, text: &str) -> Option<Address> {
        let judged = if via == "email" { normalise::email(text) } else { normalise::telephone_number(text) };
        let value = match judged {
            Some(value) => value,
            None if strict => {
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
            None => normalise::identifier(text),
        };
        Some(Address { via: via.to_owned(), value })
    }
}

fn flag(extension: &Value, pointer: &str) -> bool {
    extension.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

fn channel<'a>(extension: &'a Value, pointer: &str) -> Option<&'a str> {
    extension.pointer(pointer)?.as_str().filter(|via| !via.is_empty())
}
