//! `courier`: how messages are sent.

use std::collections::BTreeMap;

use sessera_model::Secret;

use crate::section::section;

section! {
    /// How messages are sent.
    pub struct Courier {
        /// The mail server.
        smtp: Smtp,
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
