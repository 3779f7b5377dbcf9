//! What follows from `events`: who is told of what happens, and how.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sessera_model::Secret;
use sessera_model::names::is_plain_name;
use sessera_tokenizer::source::decode_base64;
use url::Url;

use crate::nearest::no_choice;
use crate::problem::{Findings, escape};
use crate::reach::{Addresses, Reach};
use crate::sections::events::{Events, Sink as SinkSection, SinkKind};
use crate::setting::PrivateUrl;

/// The names of all events.
pub const NAMES: &[&str] = &[
    "session_began",
    "session_proven",
    "proof_refused",
    "session_extended",
    "session_ended",
    "sessions_ended",
    "sessions_forgotten",
    "identity_added",
    "identity_changed",
    "identity_deleted",
    "credential_changed",
    "credential_removed",
    "code_made",
    "key_set_changed",
    "key_set_deleted",
    "keys_shown",
    "configuration_changed",
    "admin_token_made",
    "admin_token_deleted",
    "admin_refused",
];

/// The longest name of a sink.
const MAX_NAME: usize = 64;

/// The most sinks. Each one is looked at again and again.
const MAX_SINKS: usize = 32;

/// How many bytes a secret may have, by Standard Webhooks.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// How a secret is made.
const MAKE_ONE: &str = "make one with printf 'whsec_%s' \"$(openssl rand -base64 32)\"";

/// Who is told of what happens.
#[derive(Clone, Debug, Default)]
pub struct EventsConfig {
    /// Receivers by name.
    pub sinks: BTreeMap<String, Sink>,
}

/// A receiver of events.
#[derive(Clone, Debug)]
pub struct Sink {
    /// Where they are sent.
    pub url: Url,
    /// To which addresses that may lead.
    pub addresses: Addresses,
    /// What is sent.
    pub form: Form,
    /// The names of the events that are sent; all that can be told so when there are none.
    pub events: Vec<String>,
}

/// What is sent to a sink.
#[derive(Clone, Debug)]
pub enum Form {
    /// A webhook, signed with each of these secrets; see [`key_bytes`].
    Webhook(Vec<Secret>),
    /// A security event token.
    SecurityEventToken {
        /// Who signs it, and whom it is for.
        by: Signing,
        /// What is sent as `Authorization`.
        authorization: Option<Secret>,
    },
    /// A logout token.
    BackChannelLogout(Signing),
}

impl Form {
    /// The kind of sink that is sent it.
    pub const fn kind(&self) -> SinkKind {
        match self {
            Self::Webhook(_) => SinkKind::Webhook,
            Self::SecurityEventToken { .. } => SinkKind::SecurityEventToken,
            Self::BackChannelLogout(_) => SinkKind::BackChannelLogout,
        }
    }
}

/// Who signs the tokens that a sink is sent, and whom they are for.
#[derive(Clone, Debug)]
pub struct Signing {
    /// The tokenizer template whose keys sign.
    pub template: String,
    /// The audience of the template, as its tokens have it.
    pub audience: Value,
}

/// The bytes of a secret for signing messages, as its text stands for them. Nothing when it is none.
pub fn key_bytes(secret: &Secret) -> Option<Vec<u8>> {
    let bytes = decode_base64(secret.expose().trim().strip_prefix("whsec_")?)?;
    SECRET_BYTES.contains(&bytes.len()).then_some(bytes)
}

/// The sinks of a configuration. Says what is wrong with them.
pub(crate) fn events(
    section: Events,
    templates: &Map<String, Value>,
    reach: &Reach,
    found: &mut Findings,
) -> EventsConfig {
    if section.sinks.len() > MAX_SINKS {
        found.wrong("/events/sinks", format!("there may be {MAX_SINKS} sinks at the most"));
    }
    let sinks = section.sinks.into_iter();
    let sinks = sinks.filter_map(|(name, section)| {
        let sink = sink(&name, section, templates, reach, found)?;
        Some((name, sink))
    });
    EventsConfig { sinks: sinks.collect() }
}

fn sink(
    name: &str,
    section: SinkSection,
    templates: &Map<String, Value>,
    reach: &Reach,
    found: &mut Findings,
) -> Option<Sink> {
    let at = format!("/events/sinks/{}", escape(name));
    if !is_plain_name(name, MAX_NAME) {
        found.wrong(
            at.as_str(),
            format!(
                "the name of a sink has letters, digits, \"-\", \"_\" and \".\", at most {MAX_NAME}, and is not . or .. alone"
            ),
        );
    }
    if section.events.as_ref().is_some_and(Vec::is_empty) {
        found.wrong(
            format!("{at}/events"),
            "there is none, and a sink without events would be told of nothing: name some, or leave it out for all of them",
        );
    }
    let events = section.events.clone().unwrap_or_default();
    for (place, event) in events.iter().enumerate() {
        if !NAMES.contains(&event.as_str()) {
            found.wrong(format!("{at}/events/{place}"), no_choice(&event.clone().into(), NAMES));
        }
    }
    check_members(&section, &at, found);
    let form = match section.kind {
        SinkKind::Webhook => Some(Form::Webhook(secrets(section.secret, &at, found))),
        SinkKind::SecurityEventToken => signing(section.template, templates, &at, found)
            .map(|by| Form::SecurityEventToken { by, authorization: section.authorization }),
        SinkKind::BackChannelLogout => {
            signing(section.template, templates, &at, found).map(Form::BackChannelLogout)
        }
    };
    let Some(url) =
        section.url.map(|PrivateUrl(url)| url).filter(|url| matches!(url.scheme(), "http" | "https"))
    else {
        found.wrong(format!("{at}/url"), "name the URL to which events are sent, with http:// or https://");
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        found.wrong(
            format!("{at}/url"),
            "a user and a password in it are not sent: webhooks are signed with secret, and security event tokens take what the receiver asks for in authorization",
        );
    }
    reach.judge(&url, &format!("{at}/url"), found);
    Some(Sink { addresses: reach.of_written(&url), url, form: form?, events })
}

/// Names members that mean nothing for the kind of a sink.
fn check_members(section: &SinkSection, at: &str, found: &mut Findings) {
    let is_webhook = section.kind == SinkKind::Webhook;
    let is_pushed = section.kind == SinkKind::SecurityEventToken;
    for (member, is_there, belongs) in [
        ("secret", !section.secret.is_empty(), is_webhook),
        ("template", section.template.is_some(), !is_webhook),
        ("authorization", section.authorization.is_some(), is_pushed),
    ] {
        if is_there && !belongs {
            let message =
                format!("it means nothing for a sink of the kind {}: leave it out", section.kind.as_str());
            found.wrong(format!("{at}/{member}"), message);
        }
    }
}

/// The secrets of a webhook. Says what is wrong with them.
fn secrets(secrets: Vec<Secret>, at: &str, found: &mut Findings) -> Vec<Secret> {
    if secrets.is_empty() {
        let message = format!(
            "webhooks are signed, so that the receiver knows whose they are: give a secret, and {MAKE_ONE}"
        );
        found.wrong(format!("{at}/secret"), message);
    }
    for (place, secret) in secrets.iter().enumerate() {
        if key_bytes(secret).is_none() {
            let message = format!("a secret is whsec_ and 24 to 64 bytes in base64: {MAKE_ONE}");
            found.wrong(format!("{at}/secret/{place}"), message);
        }
    }
    secrets
}

/// Who signs the tokens of a sink. Says what is wrong with it.
fn signing(
    template: Option<String>,
    templates: &Map<String, Value>,
    at: &str,
    found: &mut Findings,
) -> Option<Signing> {
    let known = template.and_then(|name| Some((templates.get(&name)?, name)));
    let message = match known {
        None => {
            "name the tokenizer template whose keys sign and whose audience is meant, one of session.whoami.tokenizer.templates"
        }
        Some((template, _)) if template["subject_source"] == "external_id" => {
            "its template has subject_source external_id, and events know people by their id alone: name another template"
        }
        Some((template, template_name)) => match &template["audience"] {
            Value::Null => {
                "its template has no audience, so nobody would know for whom the tokens are: give it one"
            }
            audience => return Some(Signing { template: template_name, audience: audience.clone() }),
        },
    };
    found.wrong(format!("{at}/template"), message);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use serde_json::json;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn problems(sinks: &Value) -> Vec<String> {
        let (_, wrong) = Config::judge(&json!({"events": {"sinks": sinks}}));
        wrong.into_iter().map(|problem| problem.pointer).collect()
    }

    #[test]
    fn a_sink_has_a_url_a_secret_and_events_that_there_are() {
        let good = json!({"url": "https://example.org/in", "secret": [SECRET], "events": ["session_ended"]});
        let tree = json!({"events": {"sinks": {"siem": good}}});
        let config = Config::from_tree(&tree).unwrap();
        let sink = &config.events.sinks["siem"];
        let Form::Webhook(secrets) = &sink.form else { panic!("{sink:?}") };
        assert_eq!(key_bytes(&secrets[0]).unwrap().len(), 24);
        assert_eq!(sink.addresses, Addresses::Public);
        assert!(!crate::redact::redacted(&tree).to_string().contains("MfKQ9r8"));
        for (sink, pointer) in [
            (json!({"url": "https://example.org/in"}), "/events/sinks/s/secret"),
            (
                json!({"url": "https://example.org/in", "secret": [SECRET], "events": []}),
                "/events/sinks/s/events",
            ),
            (json!({"secret": [SECRET]}), "/events/sinks/s/url"),
            (json!({"url": "ftp://example.org", "secret": [SECRET]}), "/events/sinks/s/url"),
            (json!({"url": "http://169.254.169.254/", "secret": [SECRET]}), "/events/sinks/s/url"),
            (json!({"url": "https://me:SECRET@example.org", "secret": [SECRET]}), "/events/sinks/s/url"),
            (json!({"url": "https://me@example.org", "secret": [SECRET]}), "/events/sinks/s/url"),
            (json!({"url": "https://example.org", "secret": ["whsec_c2hvcnQ="]}), "/events/sinks/s/secret/0"),
            (json!({"url": "https://example.org", "secret": [&SECRET[6..]]}), "/events/sinks/s/secret/0"),
            (
                json!({"url": "https://example.org", "secret": [SECRET], "events": ["session_end"]}),
                "/events/sinks/s/events/0",
            ),
        ] {
            assert!(problems(&json!({"s": sink})).contains(&pointer.to_owned()), "{sink}");
        }
        let good = json!({"url": "https://example.org", "secret": [SECRET]});
        for name in ["a b", ".", "..", "a/b", &"a".repeat(65)] {
            assert_eq!(problems(&json!({ name: good })), [format!("/events/sinks/{}", escape(name))]);
        }
        assert!(problems(&json!({ "a.b": good })).is_empty());
    }

    #[test]
    fn what_a_sink_cannot_be_narrowed_by_is_refused_with_words() {
        let sink = json!({"url": "https://example.org", "secret": [SECRET], "templates": ["api"]});
        let (_, wrong) = Config::judge(&json!({"events": {"sinks": {"s": sink}}}));
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        assert_eq!(wrong[0].pointer, "/events/sinks/s/templates");
        assert!(wrong[0].message.contains("cannot be chosen by the templates"), "{wrong:?}");
        let sink = json!({"url": "https://example.org", "secret": [SECRET], "event": ["session_ended"]});
        assert_eq!(problems(&json!({ "s": sink })), ["/events/sinks/s/event"], "else all would be sent");
    }

    #[test]
    fn tokens_are_signed_for_the_audience_of_a_template() {
        let templates = json!({
            "api": {"jwks_url": "set://api", "audience": "https://api.example.org"},
            "open": {"jwks_url": "set://api"},
            "other": {"jwks_url": "set://api", "audience": "a", "subject_source": "external_id"},
        });
        let judged = |sink: Value| {
            let tokenizer = json!({ "templates": templates });
            Config::judge(
                &json!({"events": {"sinks": {"s": sink}}, "session": {"whoami": {"tokenizer": tokenizer}}}),
            )
        };
        for kind in ["security_event_token", "back_channel_logout"] {
            let sink =
                |template: Value| json!({"kind": kind, "url": "https://example.org", "template": template});
            let (config, wrong) = judged(sink(json!("api")));
            assert!(wrong.is_empty(), "{wrong:?}");
            let by = match &config.events.sinks["s"].form {
                Form::SecurityEventToken { by, .. } | Form::BackChannelLogout(by) => by,
                Form::Webhook(_) => panic!("{kind}"),
            };
            assert_eq!((&*by.template, &by.audience), ("api", &json!("https://api.example.org")));
            for template in [json!(null), json!("none"), json!("open"), json!("other")] {
                let (_, wrong) = judged(sink(template.clone()));
                assert_eq!(wrong[0].pointer, "/events/sinks/s/template", "{template}");
            }
            let mut with_secret = sink(json!("api"));
            with_secret["secret"] = json!([SECRET]);
            assert_eq!(judged(with_secret).1[0].pointer, "/events/sinks/s/secret");
        }
    }
}
