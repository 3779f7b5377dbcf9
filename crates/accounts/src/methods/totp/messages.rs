//! What is said about authenticator apps.

use serde_json::json;

use crate::messages::{Message, message_ids};

message_ids! {
    /// Label: code of the authenticator app.
    LABEL = 1_010_006,
    /// Button: sign in with an authenticator app.
    USE = 1_010_009,
    /// Button: unlink the authenticator app.
    UNLINK = 1_050_004,
    /// Label: QR code for the authenticator app.
    QR_CODE = 1_050_005,
    /// The secret for the authenticator app.
    SECRET = 1_050_006,
    /// Label: the secret for the authenticator app.
    SECRET_LABEL = 1_050_017,
    /// Label: code to be checked.
    VERIFY_LABEL = 1_070_006,
    /// The code of the authenticator app is wrong.
    WRONG = 4_000_008,
    /// No authenticator app is set up.
    NOT_SET_UP = 4_000_011,
}

/// The secret for an authenticator app, in base32.
pub fn secret(secret: &str) -> Message {
    Message::with_context(SECRET, json!({ "secret": secret }))
}
