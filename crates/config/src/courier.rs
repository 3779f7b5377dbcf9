//! How messages are sent, as it follows from the section.

use crate::problem::Findings;
use crate::reach::Reach;
use crate::sections::courier::{Courier, Delivery, EmailTemplate, Smtp, Templates};
use crate::sections::request::{Request, WrittenRequest};

/// How messages are sent.
#[derive(Clone, Debug)]
pub struct CourierConfig {
    /// The mail server, which is used where no service takes mails.
    pub smtp: Smtp,
    /// The service that takes mails.
    pub http: Option<Request>,
    /// Texts that take the place of the server's own.
    pub templates: Vec<MessageTemplate>,
    /// A folder of such texts.
    pub template_folder: Option<String>,
}

/// A text of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTemplate {
    /// Where it stands in the configuration, as a JSON Pointer.
    pub at: String,
    /// The kind of the message.
    pub kind: &'static str,
    /// Which part of it this is.
    pub part: MessagePart,
    /// Where it is.
    pub url: String,
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessagePart {
    /// The subject of a mail.
    Subject,
    /// The plain text of a mail.
    Plain,
    /// The HTML of a mail.
    Html,
}

/// Makes of the section what it means.
pub(crate) fn courier(section: Courier, reach: &Reach, found: &mut Findings) -> CourierConfig {
    let http = match section.delivery_strategy {
        Delivery::Smtp => None,
        Delivery::Http => {
            let missing = "no mail leaves without it: write the address of the service, or set courier.delivery_strategy to smtp";
            request(section.http.request_config, "/courier/http/request_config", missing, reach, found)
        }
    };
    CourierConfig {
        smtp: section.smtp,
        http,
        templates: templates(section.templates),
        template_folder: section.template_override_path,
    }
}

/// A request that may be sent to where it leads.
fn request(
    written: WrittenRequest,
    at: &str,
    missing: &str,
    reach: &Reach,
    found: &mut Findings,
) -> Option<Request> {
    let request = written.read_whole(at, missing, found)?;
    reach.judge(&request.url, &format!("{at}/url"), found);
    Some(request)
}

fn templates(section: Templates) -> Vec<MessageTemplate> {
    let mut all = Vec::new();
    let mut add = |kind: &'static str, email: EmailTemplate| {
        let at = format!("/courier/templates/{kind}/valid/email");
        for (part, pointer, url) in [
            (MessagePart::Subject, "subject", email.subject),
            (MessagePart::Plain, "body/plaintext", email.body.plaintext),
            (MessagePart::Html, "body/html", email.body.html),
        ] {
            let template = |url| MessageTemplate { at: format!("{at}/{pointer}"), kind, part, url };
            all.extend(url.map(template));
        }
    };
    add("recovery", section.recovery.valid.email);
    add("recovery_code", section.recovery_code.valid.email);
    add("verification", section.verification.valid.email);
    add("verification_code", section.verification_code.valid.email);
    add("login_code", section.login_code.valid.email);
    add("registration_code", section.registration_code.valid.email);
    all
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Config;

    fn read(section: Value) -> (CourierConfig, Vec<String>) {
        let (config, wrong) = Config::judge(&json!({ "courier": section }));
        (config.courier, wrong.into_iter().map(|problem| problem.pointer).collect())
    }

    #[test]
    fn mails_leave_by_the_service_that_is_named() {
        let request = json!({"url": "https://mail.example.org/send", "auth": {"type": "basic_auth", "config": {"user": "u", "password": "SECRET"}}});
        let (courier, wrong) =
            read(json!({"delivery_strategy": "http", "http": {"request_config": request}}));
        assert!(wrong.is_empty() && courier.http.is_some());
        assert!(!format!("{courier:?}").contains("SECRET"));
        let (courier, wrong) = read(json!({"http": {"request_config": request}}));
        assert!(wrong.is_empty() && courier.http.is_none());
        for (request, pointer) in [
            (json!({}), "/courier/http/request_config/url"),
            (json!({"url": "no url"}), "/courier/http/request_config/url"),
            (json!({"url": "ftp://x/"}), "/courier/http/request_config/url"),
            (json!({"url": "http://10.0.0.1/"}), "/courier/http/request_config/url"),
            (json!({"url": "https://x/", "method": "SEND"}), "/courier/http/request_config/method"),
            (
                json!({"url": "https://x/", "headers": {"Host": "y"}}),
                "/courier/http/request_config/headers/Host",
            ),
            (
                json!({"url": "https://x/", "auth": {"type": "api_key"}}),
                "/courier/http/request_config/auth/config/name",
            ),
        ] {
            let (_, wrong) = read(json!({"delivery_strategy": "http", "http": {"request_config": request}}));
            assert_eq!(wrong, [pointer], "{request}");
        }
    }

    #[test]
    fn texts_are_named_with_their_places() {
        let (courier, wrong) = read(json!({
            "templates": {
                "recovery": {"valid": {"email": {"body": {"html": "file:///a"}}}},
                "login_code": {"valid": {"email": {"subject": "base64://YQ=="}}},
            },
            "template_override_path": "/conf",
        }));
        let at =
            |at: &str, kind, part, url: &str| MessageTemplate { at: at.into(), kind, part, url: url.into() };
        assert!(wrong.is_empty());
        assert_eq!(courier.template_folder.as_deref(), Some("/conf"));
        assert_eq!(
            courier.templates,
            [
                at(
                    "/courier/templates/recovery/valid/email/body/html",
                    "recovery",
                    MessagePart::Html,
                    "file:///a"
                ),
                at(
                    "/courier/templates/login_code/valid/email/subject",
                    "login_code",
                    MessagePart::Subject,
                    "base64://YQ=="
                ),
            ]
        );
    }
}
