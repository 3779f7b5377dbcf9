//! What is said about other providers.

use serde_json::json;

use crate::messages::{Message, MessageId, message_ids};

message_ids! {
    /// Button: sign in by a provider.
    SIGN_IN = 1_010_002,
    /// Button: sign in by a provider to link another one.
    CONFIRM = 1_010_018,
    /// Button: sign up by a provider.
    SIGN_UP = 1_040_002,
    /// Button: go on with the provider that has vouched.
    GO_ON = 1_040_003,
    /// Button: link an account at a provider.
    LINK = 1_050_002,
    /// Button: unlink an account at a provider.
    UNLINK = 1_050_003,
}

/// A button that names a provider. `id` is its name in the configuration.
pub fn button(message: MessageId, name: &str, id: &str) -> Message {
    Message::with_context(message, json!({ "provider": name, "provider_id": id }))
}

/// A button that says only what people call a provider.
pub fn plain_button(message: MessageId, name: &str) -> Message {
    Message::with_context(message, json!({ "provider": name }))
}
