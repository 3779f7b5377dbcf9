//! What a web hook answers: changes of the identity, or messages for the form.

use serde::Deserialize;
use serde_json::{Map, Value};
use sessera_model::identity::VerificationStatus;
use sessera_model::json_pointer::unescape;
use sessera_model::{Identity, IdentityState, Timestamp};

use crate::hooks::caller::{Refusal, Reply};
use crate::identities::IdentityDraft;
use crate::messages::{Message, MessageKind};

/// How many messages of a web hook are shown.
const MOST_MESSAGES: usize = 50;

/// How many bytes they may have together, so that a flow can keep them.
const MOST_BYTES: usize = 4 * 1024;

/// How many names of members the log has of an answer, and how many letters of each.
const MOST_NAMES: usize = 8;
const NAME_LENGTH: usize = 40;

/// How a web hook says why it refuses something.
const EXPECTED: &str = r##"{"messages": [{"instance_ptr": "#/traits/email", "messages": [{"id": 1, "text": "why", "type": "error"}]}]}"##;

/// Something that a web hook says to the person.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The field at which it stands; empty where it is about the form as a whole.
    pub field: String,
    /// The message that is shown.
    pub message: Message,
}

/// What an answer says about what is going to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// It may be done as it is.
    GoOn,
    /// It may be done with these changes.
    Change(Box<Changes>),
    /// It may not be done, for these reasons.
    Refused(Vec<Notice>),
}

/// What an answer changes about an identity. Whatever is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Changes {
    schema_id: Option<String>,
    external_id: Option<String>,
    state: Option<String>,
    traits: Option<Value>,
    metadata_public: Option<Value>,
    metadata_admin: Option<Value>,
    #[serde(default)]
    verifiable_addresses: Option<Vec<ChangedAddress>>,
}

/// What an answer says about an address.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct ChangedAddress {
    value: String,
    #[serde(default)]
    via: Option<String>,
    #[serde(default)]
    verified: bool,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
struct Allowed {
    identity: Option<Changes>,
}

#[derive(Deserialize)]
struct Reasons {
    #[serde(default)]
    messages: Vec<RefusedPlace>,
}

#[derive(Deserialize)]
struct RefusedPlace {
    #[serde(default)]
    instance_ptr: String,
    #[serde(default)]
    messages: Vec<RefusalMessage>,
}

#[derive(Deserialize)]
struct RefusalMessage {
    #[serde(default)]
    id: i64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    r#type: String,
    context: Option<Value>,
}

/// What cannot be read, and why. The texts are for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// What is to be done.
    Answer(String),
    /// Why it may not be done.
    Reasons(String),
}

/// Reads the answer of a web hook that may refuse something, or also change it.
pub fn read(reply: Reply, may_change: bool) -> Result<Said, Unread> {
    match reply {
        Reply::Told(body) if may_change => {
            // A list would be read as an object whose members have no names.
            let members = serde_json::from_slice::<Map<String, Value>>(&body)
                .map_err(|_| Unread::Answer(format!("its answer is no JSON object but {}", form(&body))))?;
            let allowed = Allowed::deserialize(Value::Object(members))
                .map_err(|error| Unread::Answer(format!("its answer cannot be read: {error}")))?;
            match allowed.identity {
                Some(changes) => {
                    changes.check().map_err(Unread::Answer)?;
                    Ok(Said::Change(Box::new(changes)))
                }
                None => Ok(Said::GoOn),
            }
        }
        Reply::Told(_) | Reply::Well => Ok(Said::GoOn),
        Reply::Refused(refusal) | Reply::Forbidden(refusal) => {
            notices(&refusal.body).map(Said::Refused).map_err(|problem| {
                let Refusal { said, body } = refusal;
                Unread::Reasons(format!("{said} and {}: {problem}", form(&body)))
            })
        }
        Reply::Troubled(what) | Reply::Strange(what) => Err(Unread::Answer(what)),
    }
}

/// What a body is, as far as that can be told without what it says.
fn form(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return if body.is_empty() {
            "no body".into()
        } else {
            format!("{} bytes that are no JSON", body.len())
        };
    };
    match value {
        Value::Object(members) if members.is_empty() => "an empty object".into(),
        Value::Object(members) => {
            let shown = |name: &String| format!("{:?}", name.chars().take(NAME_LENGTH).collect::<String>());
            let names: Vec<String> = members.keys().take(MOST_NAMES).map(shown).collect();
            let more = if members.len() > MOST_NAMES { " and more" } else { "" };
            format!("an object with {}{more}", names.join(", "))
        }
        Value::Array(_) => "a list".into(),
        Value::String(_) => "a text".into(),
        Value::Number(_) | Value::Bool(_) | Value::Null => "neither an object nor a list".into(),
    }
}

/// The messages of a refusal, each with the field at which it stands. The error says what is wrong, and what is
/// expected.
fn notices(body: &[u8]) -> Result<Vec<Notice>, String> {
    let reasons: Reasons = serde_json::from_slice(body)
        .map_err(|_| format!("messages cannot be read of it; expected is {EXPECTED}"))?;
    let (mut notices, mut bytes) = (Vec::new(), 0);
    for place in reasons.messages {
        let field = field(&place.instance_ptr);
        for message in place.messages {
            let kind = if message.r#type == "error" { MessageKind::Error } else { MessageKind::Info };
            let context = message.context.filter(|context| !context.is_null());
            let message = Message::of_others(message.id, message.text, kind, context);
            // Each has the name of its field, so they are counted before that is copied.
            bytes += field.len() + message.bytes_of_others();
            if notices.len() == MOST_MESSAGES || bytes > MOST_BYTES {
                return Err(format!(
                    "its messages are more than can be shown: {MOST_MESSAGES} of {MOST_BYTES} bytes together at the most"
                ));
            }
            notices.push(Notice { field: field.clone(), message });
        }
    }
    if notices.is_empty() {
        return Err(format!("it has no messages, so nobody could be told why; expected is {EXPECTED}"));
    }
    Ok(notices)
}

/// The name of the field that a pointer such as `#/traits/name/first` means. What is no such pointer is itself a name.
fn field(pointer: &str) -> String {
    let Some(path) = pointer.strip_prefix("#/") else { return pointer.to_owned() };
    path.split('/').map(unescape).collect::<Vec<_>>().join(".")
}

/// A value that says something: neither null nor absent.
fn said(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

/// A text that says something.
fn said_text(text: Option<&String>) -> Option<&String> {
    text.filter(|text| !text.is_empty())
}

impl Changes {
    /// Refuses words that nobody knows.
    fn check(&self) -> Result<(), String> {
        if let Some(word) = said_text(self.state.as_ref()) {
            IdentityState::parse(word).ok_or("its answer names a state that no identity has")?;
        }
        for address in self.verifiable_addresses.iter().flatten() {
            if let Some(word) = said_text(address.status.as_ref()) {
                VerificationStatus::parse(word).ok_or("its answer names a status that no address has")?;
            }
        }
        Ok(())
    }

    /// What is to be said about an identity then.
    pub fn draft(&self, identity: &Identity) -> IdentityDraft {
        let mut draft = IdentityDraft::of(identity);
        if let Some(schema_id) = said_text(self.schema_id.as_ref()) {
            draft.schema_id.clone_from(schema_id);
        }
        if let Some(state) = self.state.as_deref().and_then(IdentityState::parse) {
            draft.state = state;
        }
        if let Some(traits) = said(self.traits.as_ref()) {
            draft.traits = traits.clone();
        }
        if let Some(external_id) = said_text(self.external_id.as_ref()) {
            draft.external_id = Some(external_id.clone());
        }
        if let Some(metadata) = said(self.metadata_public.as_ref()) {
            draft.metadata_public = Some(metadata.clone());
        }
        if let Some(metadata) = said(self.metadata_admin.as_ref()) {
            draft.metadata_admin = Some(metadata.clone());
        }
        draft
    }

    /// Marks those addresses of an identity that the answer speaks of. Others than those of the traits it cannot add.
    pub fn mark_addresses(&self, identity: &mut Identity, now: Timestamp) {
        for changed in self.verifiable_addresses.iter().flatten() {
            let is_meant = |known: &&mut sessera_model::VerifiableAddress| {
                known.value.eq_ignore_ascii_case(&changed.value)
                    && changed.via.as_ref().is_none_or(|via| *via == known.via)
            };
            for address in identity.verifiable_addresses.iter_mut().filter(is_meant) {
                address.verified = changed.verified;
                address.verified_at = changed.verified.then(|| address.verified_at.unwrap_or(now));
                let status = changed.status.as_deref().and_then(VerificationStatus::parse);
                let follows = if changed.verified { VerificationStatus::Completed } else { address.status };
                address.status = status.unwrap_or(follows);
                address.updated_at = now;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing;

    fn refused(body: Value) -> Result<Vec<(String, Value)>, Unread> {
        match read(testing::turned_down(&body.to_string()), false)? {
            Said::Refused(notices) => {
                Ok(notices.into_iter().map(|notice| (notice.field, notice.message.to_json())).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn messages_stand_where_their_pointers_say() {
        let message = json!({"id": 7, "text": "<b>no</b>", "type": "error", "context": {"a": 1}});
        for (pointer, name) in [
            ("#/traits/name/first", "traits.name.first"),
            ("#/password", "password"),
            ("#/a~1b", "a/b"),
            ("#", "#"),
            ("", ""),
            ("traits.email", "traits.email"),
        ] {
            let body = json!({"messages": [{"instance_ptr": pointer, "messages": [message]}]});
            assert_eq!(refused(body), Ok(vec![(name.to_owned(), message.clone())]));
        }
        let hint = json!({"messages": [{"messages": [{"id": 8, "text": "so", "type": "hint"}]}]});
        assert_eq!(refused(hint).unwrap()[0].1, json!({"id": 8, "text": "so", "type": "info"}));
    }

    #[test]
    fn what_cannot_be_read_or_shown_is_no_refusal() {
        for (body, said) in [
            (json!({}), "an empty object: it has no messages"),
            (json!({"messages": []}), "an object with \"messages\": it has no messages"),
            (
                json!({"messages": [{"instance_ptr": "#", "messages": []}]}),
                "an object with \"messages\": it has no",
            ),
            (
                json!({"error": "SECRET", "c\nde": 4}),
                r#"an object with "error", "c\nde": it has no messages"#,
            ),
            (json!([]), "a list: it has no messages"),
            (json!({"messages": "no"}), "an object with \"messages\": messages cannot be read of it"),
            (json!("SECRET"), "a text: messages cannot be read"),
            (json!(4), "neither an object nor a list: messages cannot be read"),
        ] {
            let Err(Unread::Reasons(told)) = refused(body.clone()) else { panic!("{body}") };
            assert!(told.starts_with(&format!("it answered with the status 400 and {said}")), "{told}");
            assert!(told.ends_with(EXPECTED) && !told.contains("SECRET"), "{told}");
        }
        for (body, said) in [("", "no body"), ("<p>SECRET", "9 bytes that are no JSON")] {
            let Err(Unread::Reasons(told)) = read(testing::turned_down(body), true) else { panic!("{body}") };
            assert!(told.contains(&format!("and {said}: ")) && !told.contains("SECRET"), "{told}");
        }
        let wide: Value = (0..20).map(|n| (format!("{n:x>100}"), json!(1))).collect();
        let Err(Unread::Reasons(told)) = refused(wide) else { panic!("it is read") };
        assert!(told.contains(" and more: ") && told.len() < 1000, "{told}");
        let long = json!({"messages": [{"messages": [{"text": "x".repeat(5000), "type": "error"}]}]});
        let many: Vec<Value> = (0..51).map(|n| json!({"id": n, "text": "x", "type": "error"})).collect();
        for body in [long, json!({"messages": [{"messages": many}]})] {
            let Err(Unread::Reasons(told)) = refused(body) else { panic!("they are shown") };
            assert!(told.contains("more than can be shown"));
        }
        assert!(read(Reply::Strange("a redirection".into()), true).is_err());
    }

    #[test]
    fn an_answer_changes_what_it_may_and_nothing_else() {
        let told = |body: &str, may_change| read(Reply::Told(body.as_bytes().to_vec()), may_change);
        assert_eq!(told("nope", false), Ok(Said::GoOn));
        assert_eq!(told("{}", true), Ok(Said::GoOn));
        assert_eq!(read(Reply::Well, true), Ok(Said::GoOn));
        for (body, said) in [
            ("hello", "5 bytes that are no JSON"),
            ("null", "neither an object nor a list"),
            ("[]", "a list"),
            ("[null]", "a list"),
        ] {
            let expected = format!("its answer is no JSON object but {said}");
            assert_eq!(told(body, true), Err(Unread::Answer(expected)));
        }
        for body in [
            r#"{"identity": []}"#,
            r#"{"identity": {"state": "asleep"}}"#,
            r#"{"identity": {"verifiable_addresses": [{"value": "x", "status": "lost"}]}}"#,
        ] {
            assert!(told(body, true).is_err(), "{body}");
        }
        assert!(matches!(told(r#"{"identity": {"traits": {}, "more": 1}}"#, true), Ok(Said::Change(_))));
    }
}
