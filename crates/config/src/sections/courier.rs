//! `courier`: how messages are sent.

use std::collections::BTreeMap;

use sessera_model::Secret;

use crate::section::{choice, section};
use crate::sections::request::WrittenRequest;

section! {
    /// How messages are sent.
    pub struct Courier {
        /// How mails leave: by a mail server, or as a request to a service.
        delivery_strategy: Delivery = "smtp",
        /// The mail server.
        smtp: Smtp,
        /// The service that takes mails, with `delivery_strategy: http`.
        http: Http,
        /// Ways of messages besides mail.
        channels: Vec<Channel>,
        /// Texts of messages in place of Sessera's own. Each part that is not there has Sessera's text.
        templates: Templates,
        /// A folder of such texts, as `recovery_code/valid/email.subject.gotmpl`, `email.body.gotmpl` (HTML), `email.body.plaintext.gotmpl` and `sms.body.gotmpl`. A file such as `email.subject.de.gotmpl` is for one language. What `templates` names goes before.
        template_override_path: Option<String>,
    }
}

choice! {
    /// How mails leave.
    pub enum Delivery {
        /// By a mail server.
        Smtp = "smtp",
        /// As a request to a service.
        Http = "http",
    }
}

section! {
    /// The mail server.
    pub struct Smtp {
        /// `smtp://user:password@host:port/` (STARTTLS) or `smtps://` (TLS from the start). `?disable_starttls=true` sends in the clear, `?skip_ssl_verify=true` takes any certificate.
        connection_uri: Option<Secret>,
        /// The sender's address. Default: no-reply@ and the host of the public address.
        from_address: Option<String>,
        /// The sender's name.
        from_name: Option<String>,
        /// Headers for every mail.
        headers: BTreeMap<String, Secret>,
        /// The name with which Sessera greets the mail server.
        local_name: Option<String>,
    }
}

section! {
    /// The service that takes messages.
    pub struct Http {
        /// What is sent to it.
        request_config: WrittenRequest,
    }
}

section! {
    /// A way of messages besides mail.
    pub struct Channel {
        /// What it is for: messages to telephone numbers.
        id: Option<ChannelId>,
        /// How it is reached.
        r#type as "type": ChannelType,
        /// What is sent to the service that takes the messages.
        request_config: WrittenRequest,
    }
}

choice! {
    /// What a channel is for.
    pub enum ChannelId {
        /// Messages to telephone numbers.
        Sms = "sms",
    }
}

choice! {
    /// How a channel is reached.
    pub enum ChannelType {
        /// As a request to a service.
        Http = "http",
    }
}

section! {
    /// Texts of messages.
    pub struct Templates {
        /// Links that lead back into an account.
        recovery: LinkTemplates,
        /// Codes that lead back into an account.
        recovery_code: AddressTemplates,
        /// Links that prove an address.
        verification: LinkTemplates,
        /// Codes that prove an address.
        verification_code: AddressTemplates,
        /// Codes that sign in.
        login_code: CodeTemplates,
        /// Codes that sign up.
        registration_code: CodeTemplates,
    }
}

section! {
    /// Texts of messages with a link.
    pub struct LinkTemplates {
        /// Those to somebody who has an account.
        valid: Mails,
        /// Those to an address that no account has.
        invalid: Mails,
    }
}

section! {
    /// Texts of messages with a code that proves an address.
    pub struct AddressTemplates {
        /// Those to somebody who has an account.
        valid: CodeMessages,
        /// Those to an address that no account has.
        invalid: Mails,
    }
}

section! {
    /// Texts of messages with a code.
    pub struct CodeTemplates {
        /// Those to somebody who has an account, or is about to.
        valid: CodeMessages,
    }
}

section! {
    /// Texts of messages that are mails.
    pub struct Mails {
        /// Mails.
        email: EmailTemplate,
    }
}

section! {
    /// Texts of messages with a code.
    pub struct CodeMessages {
        /// Mails.
        email: EmailTemplate,
        /// Messages to telephone numbers.
        sms: SmsTemplate,
    }
}

section! {
    /// The text of a mail.
    pub struct EmailTemplate {
        /// Where its subject is: `file://` or `base64://`.
        subject: Option<String>,
        /// What stands in it.
        body: EmailBody,
    }
}

section! {
    /// What stands in a mail.
    pub struct EmailBody {
        /// Where its plain text is: `file://` or `base64://`.
        plaintext: Option<String>,
        /// Where its HTML is: `file://` or `base64://`.
        html: Option<String>,
    }
}

section! {
    /// The text of a message to a telephone number.
    pub struct SmsTemplate {
        /// What stands in it.
        body: SmsBody,
    }
}

section! {
    /// What stands in a message to a telephone number.
    pub struct SmsBody {
        /// Where its text is: `file://` or `base64://`.
        plaintext: Option<String>,
    }
}
