//! `events`: what others are told of what happens.

use std::collections::BTreeMap;

use sessera_model::Secret;

use crate::section::{choice, section};
use crate::setting::PrivateUrl;

section! {
    /// What others are told of what happens.
    pub struct Events {
        /// Receivers of events, by name; see events.md.
        sinks: BTreeMap<String, Sink>,
    }
}

section! {
    /// A receiver of events.
    pub struct Sink {
        /// Where events are sent.
        url: Option<PrivateUrl>,
        /// What is sent: webhooks by Standard Webhooks, security event tokens (RFC 8417) pushed by RFC 8935, or logout tokens by OpenID Connect Back-Channel Logout.
        kind: SinkKind = "webhook",
        /// The secrets with which webhooks are signed, as Standard Webhooks writes them: `whsec_` and 24 to 64 bytes in base64. With several, all of them sign, so that a receiver can change to the next one.
        secret: Vec<Secret>,
        /// The tokenizer template whose keys sign the tokens that are sent, and whose audience they are for. `security_event_token` and `back_channel_logout` need it.
        template: Option<String>,
        /// What is sent as Authorization with security event tokens. Default: nothing.
        authorization: Option<Secret>,
        /// The events that are sent, by their names in the record. Default: all that can be told so.
        @restricts events: Option<Vec<String>>,
    }
}

choice! {
    /// What is sent to a receiver.
    pub enum SinkKind {
        /// A webhook.
        Webhook = "webhook",
        /// A security event token.
        SecurityEventToken = "security_event_token",
        /// A logout token.
        BackChannelLogout = "back_channel_logout",
    }
}
