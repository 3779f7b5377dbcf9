//! The marks of traits: what the keyword `ory.sh/kratos` may say.
//!
//! | member | meaning |
//! |---|---|
//! | `credentials.password.identifier` | the value signs in with a password |
//! | `credentials.webauthn.identifier` | the value finds the owner of security keys, and names the account on a device |
//! | `credentials.passkey.display_name` | the value names the account on a device |
//! | `credentials.code.identifier`, `.via` | the value signs in with codes sent to it |
//! | `credentials.totp.account_name` | the value names the account in authenticator apps |
//! | `verification.via` | the value is an address to verify |
//! | `recovery.via` | the value is an address to recover by |
//! | `organizations.matcher` | nothing, because there are no organizations |
//!
//! `via` is `email` or `sms`.

use serde_json::Value;
use sessera_model::nearest::unknown;

use super::document::Document;

/// The keyword of a schema.
pub(super) const KEYWORD: &str = "ory.sh/kratos";

/// What a mark may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// True or false.
    Flag,
    /// `email` or `sms`.
    Channel,
    /// A text.
    Text,
}

/// All marks, by their places in the keyword.
const MARKS: [(&str, Kind); 9] = [
    ("credentials/code/identifier", Kind::Flag),
    ("credentials/code/via", Kind::Channel),
    ("credentials/passkey/display_name", Kind::Flag),
    ("credentials/password/identifier", Kind::Flag),
    ("credentials/totp/account_name", Kind::Flag),
    ("credentials/webauthn/identifier", Kind::Flag),
    ("organizations/matcher", Kind::Text),
    ("recovery/via", Kind::Channel),
    ("verification/via", Kind::Channel),
];

/// What the keyword says at a node and everywhere below it.
fn extensions(node: &Value) -> Vec<&Value> {
    fn collect<'a>(node: &'a Value, found: &mut Vec<&'a Value>) {
        found.extend(node.get(KEYWORD));
        match node {
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(members) => members.values().for_each(|member| collect(member, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(node, &mut found);
    found
}

/// Refuses marks that do not exist. The error says what is wrong.
pub(super) fn check(document: &Document) -> Result<(), String> {
    extensions(document.root()).into_iter().try_for_each(|extension| {
        check_marks(extension, "")?;
        let code_identifies = flag(extension, "/credentials/code/identifier");
        if code_identifies && channel(extension, "/credentials/code/via").is_none() {
            return Err(format!("{KEYWORD}/credentials/code has no via; write \"email\" or \"sms\""));
        }
        Ok(())
    })
}

/// Checks a mark, or all that stand below a place in the keyword.
fn check_marks(value: &Value, place: &str) -> Result<(), String> {
    if let Some((_, kind)) = MARKS.iter().find(|(mark, _)| *mark == place) {
        let (is_good, wanted) = match kind {
            Kind::Flag => (value.is_boolean(), "true nor false"),
            Kind::Channel => (matches!(value.as_str(), Some("email" | "sms" | "")), "\"email\" nor \"sms\""),
            Kind::Text => return Ok(()),
        };
        return if is_good { Ok(()) } else { Err(format!("{KEYWORD}/{place} is neither {wanted}")) };
    }
    let (keyword, before) = if place.is_empty() {
        (KEYWORD.to_owned(), String::new())
    } else {
        (format!("{KEYWORD}/{place}"), format!("{place}/"))
    };
    let Some(members) = value.as_object() else { return Err(format!("{keyword} is no object")) };
    let known = || MARKS.iter().filter_map(|(mark, _)| mark.strip_prefix(&before)?.split('/').next());
    for (name, member) in members {
        if !known().any(|known| known == name) {
            return Err(unknown(&format!("member of {keyword}"), name, known()));
        }
        check_marks(member, &format!("{before}{name}"))?;
    }
    Ok(())
}

/// Whether a node or something below it has a mark that is neither false nor empty, by its pointer in the keyword.
pub(super) fn has_mark(node: &Value, mark: &str) -> bool {
    let marks = |own: &Value| *own == true || own.as_str().is_some_and(|text| !text.is_empty());
    extensions(node).into_iter().any(|extension| extension.pointer(mark).is_some_and(marks))
}

/// Whether a node or something below it has messages sent by a channel.
pub(super) fn has_channel(node: &Value, via: &str) -> bool {
    let channels = MARKS.iter().filter(|(_, kind)| *kind == Kind::Channel);
    let pointers: Vec<String> = channels.map(|(mark, _)| format!("/{mark}")).collect();
    let names = |extension: &Value| pointers.iter().any(|pointer| channel(extension, pointer) == Some(via));
    extensions(node).into_iter().any(names)
}

/// Whether a mark is there and true.
pub(super) fn flag(extension: &Value, pointer: &str) -> bool {
    extension.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// The channel that a mark names.
pub(super) fn channel<'a>(extension: &'a Value, pointer: &str) -> Option<&'a str> {
    extension.pointer(pointer)?.as_str().filter(|via| !via.is_empty())
}
