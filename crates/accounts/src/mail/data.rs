//! What templates and services are told of a message, under the names of Kratos.

use serde_json::{Map, Value, json};
use sessera_model::Timestamp;

use super::{CodeMail, EMAIL};

/// What is told of a message.
#[derive(Clone, Debug)]
pub struct Data {
    /// Names in templates, names in JSON, and values.
    members: Vec<(&'static str, &'static str, Value)>,
    /// The headers of the request that caused it, of which only services are told.
    pub(super) request_headers: Value,
}

/// The names that all messages have, in templates and in JSON.
static ALL: [(&str, &str); 5] = [
    ("To", "to"),
    ("RequestURL", "request_url"),
    ("TransientPayload", "transient_payload"),
    ("ExpiresInMinutes", "expires_in_minutes"),
    ("Language", "language"),
];

/// The names that a kind of message has besides.
fn own(kind: &str) -> &'static [(&'static str, &'static str)] {
    const IDENTITY: (&str, &str) = ("Identity", "identity");
    match kind {
        "recovery/valid" => &[IDENTITY, ("RecoveryURL", "recovery_url")],
        "recovery_code/valid" => &[IDENTITY, ("RecoveryCode", "recovery_code")],
        "verification/valid" => &[IDENTITY, ("VerificationURL", "verification_url")],
        "verification_code/valid" => {
            &[IDENTITY, ("VerificationURL", "verification_url"), ("VerificationCode", "verification_code")]
        }
        "login_code/valid" => &[IDENTITY, ("LoginCode", "login_code")],
        "registration_code/valid" => &[("Traits", "traits"), ("RegistrationCode", "registration_code")],
        _ => &[],
    }
}

/// The names that messages to telephone numbers have besides.
static SMS_ONLY: [(&str, &str); 1] = [("RequestURLDomain", "request_url_domain")];

/// The names of a kind of message by a channel.
fn names(kind: &str, via: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let more: &[_] = if via == EMAIL { &[] } else { &SMS_ONLY };
    ALL.iter().chain(own(kind)).chain(more).copied()
}

/// The names that templates of a kind of message by a channel can use.
pub(super) fn fields(kind: &str, via: &str) -> Vec<&'static str> {
    names(kind, via).map(|(field, _)| field).collect()
}

impl Data {
    /// What is told of a message of a kind that is in a language. `identity` is whom it is about, as JSON.
    pub fn new(
        mail: &CodeMail,
        (kind, language): (&str, &str),
        to: &str,
        identity: Option<Value>,
        now: Timestamp,
    ) -> Self {
        let about = &mail.about;
        let value = |name: &str| match name {
            "to" => to.into(),
            "request_url" => about.request_url.as_str().into(),
            "transient_payload" => about.transient_payload.clone().unwrap_or_else(|| json!({})),
            "expires_in_minutes" => mail.minutes_left(now).into(),
            "request_url_domain" => about.host().into(),
            "language" => language.into(),
            "identity" => identity.clone().unwrap_or_else(|| json!({})),
            "traits" => about.traits.clone().unwrap_or_else(|| json!({})),
            "recovery_url" | "verification_url" => mail.url.as_str().into(),
            _ => mail.code.expose().into(),
        };
        Self {
            members: names(kind, &mail.via).map(|(field, name)| (field, name, value(name))).collect(),
            request_headers: json!(about.request_headers),
        }
    }

    /// As templates see it.
    pub fn for_templates(&self) -> Value {
        let members = self.members.iter().map(|(field, _, value)| ((*field).to_owned(), value.clone()));
        Value::Object(members.collect::<Map<_, _>>())
    }

    /// As services are told of it.
    pub fn for_services(&self) -> Value {
        let members = self.members.iter().map(|(_, name, value)| ((*name).to_owned(), value.clone()));
        Value::Object(members.collect::<Map<_, _>>())
    }
}
