//! Mails with codes: what stands in them, and the server that takes them.
//!
//! Sentences come from a catalogue by language, and a mail has them as plain text and as HTML.

mod smtp;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sessera_model::{Secret, Timestamp};

use crate::language::Language;

pub use smtp::{NotSent, Smtp};

/// How mails are sent.
#[derive(Clone, Debug)]
pub struct MailRules {
    /// The mail server. Without one, messages wait until there is one or their codes have ended.
    pub smtp: Option<Smtp>,
    /// Whether messages are shown in the log where there is no mail server. This is for development only, because
    /// they hold codes.
    pub shows_in_log: bool,
}

/// The channel of e-mail addresses, as schemas name it.
pub const EMAIL: &str = "email";

/// The name of a template as the wire contract has it.
pub fn template_type(template: &str) -> String {
    match template.strip_suffix("_link") {
        Some(purpose) => format!("{purpose}_valid"),
        None => format!("{template}_valid"),
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
}

fn email() -> String {
    EMAIL.to_owned()
}

/// The store keeps the outbox encrypted.
fn exposed<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// A mail that is ready.
#[derive(Clone, PartialEq, Eq)]
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

    /// Writes the mail. `None` when there is no template of that name.
    pub fn render(&self, template: &str, now: Timestamp) -> Option<Mail> {
        let template = catalogue(self.language).get(template)?;
        let minutes = self.expires_at.since(now).as_secs().div_ceil(60);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    fn mail(language: Language) -> CodeMail {
        CodeMail {
            code: "012345".into(),
            url: "https://id.example.org/self-service/verification?flow=1&code=012345".into(),
            expires_at: NOW + Duration::from_secs(15 * 60 - 1),
            language,
            via: EMAIL.into(),
        }
    }

    #[test]
    fn every_language_has_every_mail_with_all_it_needs() {
        for language in Language::ALL {
            let templates = [
                "recovery_code",
                "recovery_link",
                "verification_code",
                "verification_link",
                "login_code",
                "registration_code",
            ];
            assert_eq!(catalogue(language).len(), templates.len(), "{language:?}");
            for template in templates {
                let mail = mail(language).render(template, NOW).expect("is there");
                assert!(!mail.subject.is_empty() && !mail.subject.contains("012345"), "{}", mail.subject);
                for part in [&mail.text, &mail.html] {
                    // What a link holds stands in its address.
                    assert!(part.contains("012345") && part.contains("15"), "{part}");
                    assert!(!part.contains('{'), "a place is not filled: {part}");
                }
                assert!(mail.html.contains(&format!("lang=\"{}\"", language.tag())));
            }
        }
        assert!(mail(Language::En).render("invoice", NOW).is_none());
    }

    #[test]
    fn what_stands_in_html_is_escaped() {
        let mut mail = mail(Language::En);
        mail.url = "https://x/?a=\"><script>&b".into();
        let mail = mail.render("verification_code", NOW).expect("is there");
        assert!(mail.html.contains("https://x/?a=&quot;&gt;&lt;script&gt;&amp;b"), "{}", mail.html);
        assert!(mail.text.contains("https://x/?a=\"><script>&b"));
    }

    #[test]
    fn what_waits_reads_back_and_hides_its_code() {
        let content = mail(Language::De).to_content();
        let read = CodeMail::parse(content.expose()).expect("reads back");
        assert_eq!((read.code.expose(), read.language), ("012345", Language::De));
        assert!(!format!("{read:?}").contains("code: \"0"), "{read:?}");
        assert!(CodeMail::parse("{}").is_none());
        let unknown = content.expose().replace("\"de\"", "\"xx\"");
        assert_eq!(CodeMail::parse(&unknown).expect("reads").language, Language::En);
    }
}
