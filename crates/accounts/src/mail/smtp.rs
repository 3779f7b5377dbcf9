//! The mail server: how it is reached, and handing a mail over to it.

use std::time::Duration;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use sessera_model::Timestamp;
use url::Url;

use super::{Mail, NotSent};
use sessera_config::sections::courier::Smtp as Section;
use sessera_config::{Config, Problem, escape, is_true};

/// How long the mail server may take for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// A mail server.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Its host and port, for whoever looks for what is wrong.
    address: String,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
    headers: Vec<(HeaderName, String)>,
}

impl Smtp {
    /// The mail server that is configured. What is wrong with it is added to the problems.
    pub(super) fn compile(config: &Config, problems: &mut Vec<Problem>) -> Option<Self> {
        let section = &config.courier.smtp;
        let uri = section.connection_uri.as_ref()?;
        let sender = sender(config, problems);
        let headers = headers(section, problems);
        match transport(uri.expose(), section.local_name.clone()) {
            Ok((address, transport)) => Some(Self { address, transport, sender: sender?, headers }),
            Err(problem) => {
                problems.push(Problem::new("/courier/smtp/connection_uri", problem));
                None
            }
        }
    }
}

/// Reads the address of a mail server in the form that kratos.yml has. No error repeats the address: a
/// password stands in it. The host and port come with the way to them.
fn transport(
    text: &str,
    hello: Option<String>,
) -> Result<(String, AsyncSmtpTransport<Tokio1Executor>), String> {
    let url = Url::parse(text).map_err(|_| {
        "it is no address: write smtp://user:password@host:port/, with signs such as / in the password percent-encoded"
    })?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if host.is_empty() {
        return Err("it names no host; write smtp://user:password@host:port/".into());
    }
    for name in ["disable_starttls", "skip_ssl_verify"] {
        if url.query_pairs().any(|(known, value)| known == name && is_true(&value).is_none()) {
            return Err(format!("its parameter {name} is neither true nor false"));
        }
    }
    let is_set =
        |name: &str| url.query_pairs().any(|(known, value)| known == name && is_true(&value) == Some(true));
    let server_name = url.query_pairs().find(|(name, _)| name == "server_name");
    let name = server_name.map_or_else(|| host.clone(), |(_, value)| value.into_owned());
    let parameters = || {
        TlsParameters::builder(name)
            .dangerous_accept_invalid_certs(is_set("skip_ssl_verify"))
            .build()
            .map_err(|error| format!("TLS cannot be set up: {error}"))
    };
    let (tls, port) = match url.scheme() {
        "smtps" => (Tls::Wrapper(parameters()?), 465),
        "smtp" if is_set("disable_starttls") => (Tls::None, 25),
        "smtp" => (Tls::Required(parameters()?), 587),
        other => return Err(format!("\"{other}\" is not known; use smtp:// or smtps://")),
    };
    let port = url.port().unwrap_or(port);
    let address = format!("{}:{port}", url.host_str().unwrap_or_default());
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .tls(tls)
        .timeout(Some(ANSWER_TIMEOUT));
    if let Some(hello) = hello {
        builder = builder.hello_name(ClientId::Domain(hello));
    }
    if !url.username().is_empty() {
        let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let password = decode(url.password().unwrap_or_default());
        builder = builder.credentials(Credentials::new(decode(url.username()), password));
    }
    Ok((address, builder.build()))
}

fn sender(config: &Config, problems: &mut Vec<Problem>) -> Option<Mailbox> {
    let section = &config.courier.smtp;
    let domain = Url::parse(&config.public.base_url).ok().and_then(|url| url.domain().map(str::to_owned));
    let default = || format!("no-reply@{}", domain.as_deref().unwrap_or("localhost"));
    let address = section.from_address.clone().unwrap_or_else(default);
    match address.parse::<Address>() {
        Ok(address) => Some(Mailbox::new(section.from_name.clone(), address)),
        Err(_) => {
            problems.push(Problem::new(
                "/courier/smtp/from_address",
                format!(
                    "\"{address}\" is no e-mail address: write it alone, as in no-reply@example.org, and the name beside it as from_name"
                ),
            ));
            None
        }
    }
}

fn headers(section: &Section, problems: &mut Vec<Problem>) -> Vec<(HeaderName, String)> {
    let mut headers = Vec::new();
    for (name, value) in &section.headers {
        match HeaderName::new_from_ascii(name.clone()) {
            Ok(known) if !value.expose().contains(['\r', '\n']) => {
                headers.push((known, value.expose().to_owned()));
            }
            _ => problems.push(Problem::new(
                format!("/courier/smtp/headers/{}", escape(name)),
                "it cannot stand in the head of a mail",
            )),
        }
    }
    headers
}

impl Smtp {
    /// Hands a mail over to the server.
    pub async fn send(&self, recipient: &str, mail: &Mail, now: Timestamp) -> Result<(), NotSent> {
        let message = self.message(recipient, mail, now)?;
        let of_server =
            |error| format!("the mail server {} (courier.smtp.connection_uri): {error}", self.address);
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(NotSent::Never(of_server(error))),
            Err(error) => Err(NotSent::Later(of_server(error))),
        }
    }

    fn message(&self, recipient: &str, mail: &Mail, now: Timestamp) -> Result<Message, NotSent> {
        // The address stays out of the log.
        let recipient: Address =
            recipient.parse().map_err(|_| NotSent::Never("its recipient is no e-mail address".into()))?;
        let body = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
        let date = std::time::UNIX_EPOCH + now.since(Timestamp::default());
        let mut message = Message::builder()
            .from(self.sender.clone())
            .to(Mailbox::new(None, recipient))
            .subject(mail.subject.clone())
            .date(date)
            .message_id(None)
            .multipart(body)
            .map_err(|error| NotSent::Never(error.to_string()))?;
        let head = message.headers_mut();
        // Vacation notices need not answer (RFC 3834).
        head.insert_raw(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        ));
        for (name, value) in &self.headers {
            head.insert_raw(HeaderValue::new(name.clone(), value.clone()));
        }
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::MailRules;
    use serde_json::{Value, json};

    fn compile(smtp: Value) -> Result<MailRules, String> {
        let tree =
            json!({"courier": {"smtp": smtp}, "serve": {"public": {"base_url": "https://id.example.org"}}});
        let config = Config::from_tree(&tree).map_err(|error| error.to_string())?;
        MailRules::compile(&config)
            .map_err(|problems| problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))
    }

    fn mail() -> Mail {
        Mail { subject: "Grüße".into(), text: "Text, grün\r\n".into(), html: "<p>HTML</p>".into() }
    }

    #[test]
    fn addresses_are_read_as_in_kratos_yml() {
        for good in [
            "smtp://user:p%2Fss@mail.example.org:2525/",
            "smtp://127.0.0.1:1025/?disable_starttls=true",
            "smtps://mail.example.org/?skip_ssl_verify=true",
            "smtp://mail.example.org/?skip_ssl_verify=1&disable_starttls=F",
            "smtp://mail.example.org/?server_name=other.example.org",
            "smtp://[::1]:25/",
        ] {
            assert!(compile(json!({"connection_uri": good})).is_ok(), "{good}");
        }
        assert!(compile(json!({})).expect("is possible").smtp.is_none());
    }

    #[test]
    fn what_is_wrong_is_named_and_no_password_is_repeated() {
        for (uri, part) in [
            ("http://user:geheim@mail", "smtp://"),
            ("user:geheim@mail", "smtp://"),
            ("smtp://user:ge/heim@mail", "smtp://"),
            ("geheim", "no address"),
            ("smtp://user:geheim@mail/?skip_ssl_verify=maybe", "skip_ssl_verify is neither"),
            ("smtp://user:geheim@mail/?disable_starttls=", "disable_starttls is neither"),
        ] {
            let problem = compile(json!({"connection_uri": uri})).expect_err(uri);
            assert!(
                problem.contains(part) && problem.starts_with("/courier/smtp/connection_uri: "),
                "{problem}"
            );
            assert!(!problem.contains("heim"), "{problem}");
        }
        let uri = "smtp://mail.example.org";
        let problem = compile(json!({"connection_uri": uri, "from_address": "nobody"})).unwrap_err();
        assert!(problem.contains("from_address"), "{problem}");
        let problem = compile(json!({"connection_uri": uri, "headers": {"X-A": "1\r\nBcc: x"}})).unwrap_err();
        assert!(problem.contains("headers/X-A"), "{problem}");
    }

    #[test]
    fn a_mail_has_its_head_and_both_forms() {
        let configured = json!({
            "connection_uri": "smtp://localhost", "from_name": "Beispiel", "headers": {"X-Team": "id"},
        });
        let smtp = compile(configured).expect("is good").smtp.expect("is configured");
        let message = smtp.message("ada@example.org", &mail(), Timestamp::from_seconds(0)).expect("is good");
        let written = String::from_utf8(message.formatted()).expect("is text");
        for part in [
            "From: Beispiel <no-reply@id.example.org>\r\n",
            "To: ada@example.org\r\n",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "X-Team: id\r\n",
            "Content-Type: multipart/alternative",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Type: text/html; charset=utf-8",
        ] {
            assert!(written.contains(part), "{part} is missing in\n{written}");
        }
    }

    #[test]
    fn a_recipient_cannot_smuggle_anything_in() {
        let smtp = compile(json!({"connection_uri": "smtp://localhost"})).expect("is good").smtp;
        let smtp = smtp.expect("is configured");
        for bad in ["", "ada", "a@b.c\r\nBcc: x@y.z", "a@b.c, x@y.z", "<a@b.c>"] {
            let refused = smtp.message(bad, &mail(), Timestamp::default());
            assert!(matches!(refused, Err(NotSent::Never(_))), "{bad:?}");
        }
    }
}
