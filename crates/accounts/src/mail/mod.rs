//! Messages with codes: what stands in them, and who takes them.
//!
//! Sentences come from a catalogue by language, and a mail has them as plain text and as HTML. Templates of the
//! deployment take their place, part by part.
//!
//! | module | holds |
//! |---|---|
//! | `data` | what templates and services are told of a message |
//! | `templates` | the templates of the deployment |
//! | `smtp` | the mail server |
//! | `service` | a service that takes messages over HTTP |

mod data;
mod service;
mod smtp;
mod templates;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sessera_config::{Config, Problem};
use sessera_model::{Secret, Timestamp, Uuid};
use url::Url;

use crate::language::Language;

pub use data::Data;
pub use service::Service;
pub use smtp::Smtp;
pub use templates::Templates;

/// How messages are sent.
#[derive(Clone, Debug)]
pub struct MailRules {
    /// The mail server. Without anybody who takes mails, they wait until there is somebody or their codes have ended.
    pub smtp: Option<Smtp>,
    /// The service that takes mails in place of the mail server.
    pub service: Option<Service>,
    /// The service that takes messages to telephone numbers.
    pub sms: Option<Service>,
    /// Texts that take the place of the server's own.
    pub templates: Templates,
    /// Whether messages are shown in the log where nobody takes them. This is for development only, because they hold
    /// codes.
    pub shows_in_log: bool,
}

impl MailRules {
    /// Compiles what the configuration says. The error has everything that is wrong.
    pub fn compile(config: &Config) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut service = |request| Service::compile(request, &config.reach, &mut problems);
        let mails = config.courier.http.as_ref().and_then(&mut service);
        let sms = config.courier.sms.as_ref().and_then(&mut service);
        let rules = Self {
            smtp: Smtp::compile(config, &mut problems),
            service: mails,
            sms,
            templates: Templates::compile(config, &mut problems),
            shows_in_log: config.dev,
        };
        if problems.is_empty() { Ok(rules) } else { Err(problems) }
    }

    /// Whether a message goes anywhere, or is to be said not to. Mails wait for somebody who takes them.
    pub fn takes(&self, via: &str) -> bool {
        via != EMAIL || self.smtp.is_some() || self.service.is_some() || self.shows_in_log
    }

    /// Whether somebody is told whom a message is to.
    pub fn tells(&self) -> bool {
        self.service.is_some() || self.sms.is_some() || !self.templates.is_empty()
    }
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// It may go through later.
    Later(String),
    /// It never will go through, for the reason that is told.
    Never(String),
}

/// The channel of e-mail addresses, as schemas name it.
pub const EMAIL: &str = "email";

/// The channel of telephone numbers, as schemas name it.
pub const SMS: &str = "sms";

/// By which channel a message goes to a recipient.
pub fn channel_of(recipient: &str) -> &'static str {
    if recipient.contains('@') { EMAIL } else { SMS }
}

/// The kind of a message of a template, as the wire contract has it, and whether whoever gets it has an account. It is
/// empty when there is no such template.
pub fn kind_of(template: &str) -> &'static str {
    match template {
        "recovery_link" => "recovery/valid",
        "recovery_link_invalid" => "recovery/invalid",
        "recovery_code" => "recovery_code/valid",
        "recovery_code_invalid" => "recovery_code/invalid",
        "verification_link" => "verification/valid",
        "verification_link_invalid" => "verification/invalid",
        "verification_code" => "verification_code/valid",
        "verification_code_invalid" => "verification_code/invalid",
        "registration_code" => "registration_code/valid",
        "login_code" => "login_code/valid",
        _ => "",
    }
}

/// The name of a template as the wire contract has it.
pub fn template_type(template: &str) -> String {
    match kind_of(template) {
        "" => template.to_owned(),
        kind => kind.replace('/', "_"),
    }
}

/// Under which name the text of a template stands in a catalogue.
fn text_of(template: &str) -> &str {
    match template {
        "recovery_link_invalid" | "recovery_code_invalid" => "recovery_invalid",
        "verification_link_invalid" | "verification_code_invalid" => "verification_invalid",
        other => other,
    }
}

/// A message that carries a code, as it waits in the outbox.
#[derive(Debug, Serialize, Deserialize)]
pub struct CodeMail {
    /// The code.
    #[serde(serialize_with = "exposed")]
    pub code: Secret,
    /// Where it can be typed.
    pub url: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// In which language to write.
    pub language: Language,
    /// By which channel it goes.
    #[serde(default = "email")]
    pub via: String,
    /// What it is about.
    #[serde(default)]
    pub about: MailContext,
}

/// What a message is about, for templates of the deployment and for services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailContext {
    /// The address with which the flow was begun.
    pub request_url: String,
    /// What the client passed along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transient_payload: Option<Value>,
    /// The headers of the request that caused it, as far as others may be told of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_headers: BTreeMap<String, Vec<String>>,
    /// The tags of languages that whoever caused it likes, the best liked ones first. Only texts of the deployment are in
    /// other languages than [`CodeMail::language`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub liked: Vec<String>,
    /// Whose account it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<Uuid>,
    /// The traits of somebody who has no account yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traits: Option<Value>,
}

fn email() -> String {
    EMAIL.to_owned()
}

/// The store keeps the outbox encrypted.
fn exposed<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// A mail that is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
    /// Its text as HTML.
    pub html: String,
}

/// One kind of mail in one language.
#[derive(Debug, Deserialize)]
struct Template {
    subject: String,
    paragraphs: Vec<String>,
    /// The text to a telephone number. Links are sent by mail only.
    #[serde(default)]
    sms: Option<String>,
}

/// The kinds of mail in one language, by name.
type Catalogue = HashMap<String, Template>;

/// The catalogue of a language. A test makes sure that each can be read and has every kind.
fn catalogue(language: Language) -> &'static Catalogue {
    static CATALOGUES: LazyLock<[Catalogue; 2]> = LazyLock::new(|| {
        [include_str!("mail.en.json"), include_str!("mail.de.json")]
            .map(|json| serde_json::from_str(json).unwrap_or_default())
    });
    match language {
        Language::En => &CATALOGUES[0],
        Language::De => &CATALOGUES[1],
    }
}

impl MailContext {
    /// The host at which the flow was begun.
    pub fn host(&self) -> Option<String> {
        Url::parse(&self.request_url).ok()?.host_str().map(str::to_owned)
    }
}

impl CodeMail {
    /// The text for the outbox.
    pub fn to_content(&self) -> Secret {
        // Texts and times always have a JSON form.
        Secret::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads what waits in the outbox; `None` when it has another form.
    pub fn parse(content: &str) -> Option<Self> {
        serde_json::from_str(content).ok()
    }

    /// For how many minutes it is good from `now` on.
    fn minutes_left(&self, now: Timestamp) -> u64 {
        self.expires_at.since(now).as_secs().div_ceil(60)
    }

    /// Writes the message with the server's own text. `None` when there is no template of that name.
    pub fn write(&self, template: &str, now: Timestamp) -> Option<Mail> {
        if self.via == EMAIL { self.render(template, now) } else { self.render_sms(template, now) }
    }

    /// Writes a text to a telephone number. The last line lets the program that receives it fill the code in on the
    /// pages of its host.
    fn render_sms(&self, template: &str, now: Timestamp) -> Option<Mail> {
        let text = catalogue(self.language).get(template)?.sms.as_ref()?;
        let mut text = self.fill(text, self.minutes_left(now));
        if let Some(host) = self.about.host() {
            // Writing to a text cannot fail.
            let _ = write!(text, "\n\n@{host} #{}", self.code.expose());
        }
        Some(Mail { subject: String::new(), text, html: String::new() })
    }

    /// Writes the mail with the server's own text. `None` when there is no template of that name.
    pub fn render(&self, template: &str, now: Timestamp) -> Option<Mail> {
        let template = catalogue(self.language).get(text_of(template))?;
        let minutes = self.minutes_left(now);
        let (mut text, mut body) = (String::new(), String::new());
        for paragraph in &template.paragraphs {
            let html = match paragraph.as_str() {
                "{code}" => format!("<p style=\"{CODE_STYLE}\">{}</p>\n", escape(self.code.expose())),
                "{url}" => format!("<p><a href=\"{0}\">{0}</a></p>\n", escape(&self.url)),
                sentence => format!("<p>{}</p>\n", escape(&self.fill(sentence, minutes))),
            };
            body.push_str(&html);
            // Writing to a text cannot fail.
            let _ = write!(text, "{}\r\n\r\n", self.fill(paragraph, minutes));
        }
        let subject = template.subject.clone();
        let html = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title></head>\n\
             <body style=\"{BODY_STYLE}\">\n{body}</body>\n</html>\n",
            self.language.tag(),
            escape(&subject),
        );
        Some(Mail { subject, text: text.trim_end().to_owned() + "\r\n", html })
    }

    fn fill(&self, sentence: &str, minutes: u64) -> String {
        sentence
            .replace("{minutes}", &minutes.to_string())
            .replace("{url}", &self.url)
            .replace("{code}", self.code.expose())
    }
}

const BODY_STYLE: &str =
    "max-width:34em;margin:2em auto;padding:0 1em;font:16px/1.5 system-ui,sans-serif;color:#1a1a1a";
const CODE_STYLE: &str = "font:600 2em/1.4 ui-monospace,monospace;letter-spacing:.15em";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
