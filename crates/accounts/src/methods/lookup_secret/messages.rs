//! What is said about printed codes.

use serde_json::{Value, json};
use sessera_model::Timestamp;

use crate::messages::{Message, message_ids};

message_ids! {
    /// Label: printed code.
    LABEL = 1_010_007,
    /// Button: sign in with a printed code.
    USE = 1_010_010,
    /// Button: show the printed codes.
    REVEAL = 1_050_007,
    /// Button: make new printed codes.
    REGENERATE = 1_050_008,
    /// One printed code.
    SECRET = 1_050_009,
    /// Label: the list of printed codes.
    SECRETS_LABEL = 1_050_010,
    /// Button: the codes are kept safe.
    CONFIRM = 1_050_011,
    /// A printed code that was used.
    SECRET_USED = 1_050_014,
    /// All printed codes.
    SECRETS = 1_050_015,
    /// Button: stop using printed codes.
    DISABLE = 1_050_016,
    /// The printed code was used before.
    ALREADY_USED = 4_000_012,
    /// No printed codes are set up.
    NOT_SET_UP = 4_000_014,
    /// The printed code is wrong.
    WRONG = 4_000_016,
}

/// All printed codes; those that were used carry the time.
pub fn secrets(codes: &[(String, Option<Timestamp>)]) -> Message {
    let codes = codes.iter().map(|(code, used_at)| {
        let message = match used_at {
            None => Message::with_context(SECRET, json!({ "secret": code })),
            Some(at) => {
                Message::with_context(SECRET_USED, json!({ "used_at": at, "used_at_unix": at.seconds() }))
            }
        };
        message.to_json()
    });
    Message::with_context(SECRETS, json!({ "secrets": Value::Array(codes.collect()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_codes_are_listed_with_their_own_messages() {
        let at = Timestamp::from_seconds(60);
        let json = secrets(&[("abc".into(), None), ("def".into(), Some(at))]).to_json();
        assert_eq!(json["context"]["secrets"][0]["context"]["secret"], "abc");
        assert_eq!(json["context"]["secrets"][1]["id"], 1_050_014);
        assert!(json["text"].as_str().is_some_and(|text| text.starts_with("abc, ")));
        assert!(!json.to_string().contains("def"), "a used code is not shown again");
    }
}
