//! What is said about profiles.

use crate::messages::message_ids;

message_ids! {
    /// Button: back to the first step.
    BACK = 1_040_008,
    /// Choose how to sign in from now on.
    CHOOSE_CREDENTIAL = 1_040_009,
}
