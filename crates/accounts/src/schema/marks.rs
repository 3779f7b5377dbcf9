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

/// Where traits say of which organization somebody is.
pub(super) const ORGANIZATIONS: &str = "organizations/matcher";

/// What a mark may be.
#[derive(Clone, Copy)]
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
    (ORGANIZATIONS, Kind::Text),
    ("recovery/via", Kind::Channel),
    ("verification/via", Kind::Channel),
];

/// Refuses marks that do not exist. The error says what is wrong.
pub(super) fn check(document: &Document) -> Result<(), String> {
    check_node(document.root())
}

fn check_node(node: &Value) -> Result<(), String> {
    if let Some(extension) = node.get(KEYWORD) {
        check_marks(extension, "")?;
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
    let Some(members) = value.as_object() else {
        return Err(format!("{} is no object", format!("{KEYWORD}/{place}").trim_end_matches('/')));
    };
    let before = if place.is_empty() { String::new() } else { format!("{place}/") };
    let known = || MARKS.iter().filter_map(|(mark, _)| mark.strip_prefix(&before)?.split('/').next());
    for (name, member) in members {
        if !known().any(|known| known == name) {
            let keyword = format!("{KEYWORD}/{place}");
            let what = format!("member of {}", keyword.trim_end_matches('/'));
            return Err(unknown(&what, name, known()));
        }
        check_marks(member, &format!("{before}{name}"))?;
    }
    Ok(())
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

/// Whether a node or something below it has messages sent by a channel.
pub(super) fn has_channel(node: &Value, via: &str) -> bool {
    let names =
        |pointer: &str| node.get(KEYWORD).and_then(|extension| channel(extension, pointer)) == Some(via);
    if ["/verification/via", "/recovery/via", "/credentials/code/via"].into_iter().any(names) {
        return true;
    }
    match node {
        Value::Array(items) => items.iter().any(|item| has_channel(item, via)),
        Value::Object(members) => members.values().any(|member| has_channel(member, via)),
        _ => false,
    }
}

/// Whether a mark is there and true.
pub(super) fn flag(extension: &Value, pointer: &str) -> bool {
    extension.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// The channel that a mark names.
pub(super) fn channel<'a>(extension: &'a Value, pointer: &str) -> Option<&'a str> {
    extension.pointer(pointer)?.as_str().filter(|via| !via.is_empty())
}
