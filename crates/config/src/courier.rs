//! How messages are sent, as it follows from the section.

use crate::problem::Findings;
use crate::reach::Reach;
use crate::requests::request;
use crate::sections::courier::{Channel, Courier, Delivery, EmailTemplate, SmsTemplate, Smtp, Templates};
use crate::sections::request::Request;

/// How messages are sent.
#[derive(Clone, Debug)]
pub struct CourierConfig {
    /// The mail server, which is used where no service takes mails.
    pub smtp: Smtp,
    /// The service that takes mails.
    pub http: Option<Request>,
    /// The service that takes messages to telephone numbers.
    pub sms: Option<Request>,
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
    /// The kind of the message, and whether whoever gets it has an account: `recovery_code/valid`.
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
    /// A message to a telephone number.
    Sms,
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
        sms: sms(section.channels, reach, found),
        templates: templates(section.templates),
        template_folder: section.template_override_path,
    }
}

/// The service that takes messages to telephone numbers.
fn sms(channels: Vec<Channel>, reach: &Reach, found: &mut Findings) -> Option<Request> {
    let mut sms = None;
    for (place, channel) in channels.into_iter().enumerate() {
        let at = format!("/courier/channels/{place}");
        if channel.id.is_none() {
            let pointer = format!("{at}/id");
            // One that is not known was named already.
            if found.wrong.iter().all(|problem| problem.pointer != pointer) {
                found.wrong(pointer, "write sms");
            }
        } else if place > 0 {
            found.wrong(format!("{at}/id"), "there is one channel for telephone numbers: remove the others");
        }
        let missing = "no message leaves without it: write the address of the service";
        sms = sms.or(request(channel.request_config, &format!("{at}/request_config"), missing, reach, found));
    }
    sms
}

fn templates(section: Templates) -> Vec<MessageTemplate> {
    let mut all = Vec::new();
    let mut add = |kind: &'static str, email: EmailTemplate, sms: SmsTemplate| {
        let at = format!("/courier/templates/{kind}");
        for (part, pointer, url) in [
            (MessagePart::Subject, "email/subject", email.subject),
            (MessagePart::Plain, "email/body/plaintext", email.body.plaintext),
            (MessagePart::Html, "email/body/html", email.body.html),
            (MessagePart::Sms, "sms/body/plaintext", sms.body.plaintext),
        ] {
            let template = |url| MessageTemplate { at: format!("{at}/{pointer}"), kind, part, url };
            all.extend(url.map(template));
        }
    };
    let Templates { recovery, recovery_code, verification, verification_code, login_code, registration_code } =
        section;
    for (kind, section) in [
        ("recovery/valid", recovery.valid),
        ("recovery/invalid", recovery.invalid),
        ("recovery_code/invalid", recovery_code.invalid),
        ("verification/valid", verification.valid),
        ("verification/invalid", verification.invalid),
        ("verification_code/invalid", verification_code.invalid),
    ] {
        add(kind, section.email, SmsTemplate::default());
    }
    for (kind, section) in [
        ("recovery_code/valid", recovery_code.valid),
        ("verification_code/valid", verification_code.valid),
        ("login_code/valid", login_code.valid),
        ("registration_code/valid", registration_code.valid),
    ] {
        add(kind, section.email, section.sms);
    }
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
                    "recovery/valid",
                    MessagePart::Html,
                    "file:///a"
                ),
                at(
                    "/courier/templates/login_code/valid/email/subject",
                    "login_code/valid",
                    MessagePart::Subject,
                    "base64://YQ=="
                ),
            ]
        );
    }

    #[test]
    fn one_channel_is_for_telephone_numbers() {
        let service = json!({"url": "https://sms.example.org/"});
        let channel = json!({"id": "sms", "type": "http", "request_config": service});
        let (courier, wrong) = read(json!({"channels": [channel]}));
        assert!(wrong.is_empty() && courier.sms.is_some());
        assert!(read(json!({"channels": []})).0.sms.is_none());
        for (channels, pointer) in [
            (json!([{"type": "http", "request_config": service}]), "/courier/channels/0/id"),
            (json!([{"id": "fax", "request_config": service}]), "/courier/channels/0/id"),
            (json!([{"id": "sms", "type": "smtp", "request_config": service}]), "/courier/channels/0/type"),
            (json!([{"id": "sms"}]), "/courier/channels/0/request_config/url"),
            (json!([channel, channel]), "/courier/channels/1/id"),
        ] {
            assert_eq!(read(json!({"channels": channels})).1, [pointer], "{channels}");
        }
    }
}
