//! What is said about links.

use crate::messages::message_ids;

message_ids! {
    /// A recovery link was sent.
    RECOVERY_SENT = 1_060_002,
    /// The recovery link is wrong.
    RECOVERY_WRONG = 4_060_004,
    /// The verification link is wrong.
    VERIFICATION_WRONG = 4_070_001,
}
