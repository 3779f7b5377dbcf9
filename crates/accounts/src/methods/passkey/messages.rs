//! What is said about passkeys.

use serde_json::json;
use sessera_model::Timestamp;

use crate::messages::{Message, message_ids};

message_ids! {
    /// Button: sign in with a passkey.
    SIGN_IN = 1_010_021,
    /// Button: add a passkey.
    ADD = 1_050_019,
    /// Button: remove a passkey.
    REMOVE = 1_050_020,
    /// The passkey is nobody's, or its answer does not fit.
    UNKNOWN = 4_000_015,
    /// A new passkey cannot be taken; not a number of the contract.
    REFUSED = 4_000_901,
    /// Nothing would be left to sign in with; not a number of the contract.
    LAST_CREDENTIAL = 4_000_902,
    /// There is no such passkey; not a number of the contract.
    NO_SUCH = 4_000_903,
}

/// The button that removes a passkey.
pub fn remove(name: &str, added_at: Timestamp) -> Message {
    let day = added_at.to_string();
    let context = json!({
        "display_name": name,
        "added_at": added_at,
        "added_at_unix": added_at.seconds(),
        "added_on": day.get(..10),
    });
    Message::with_context(REMOVE, context)
}
