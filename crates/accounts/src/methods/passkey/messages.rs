//! What is said about passkeys.

use crate::messages::message_ids;

message_ids! {
    /// Button: sign in with a passkey.
    SIGN_IN = 1_010_021,
    /// Button: sign up with a passkey.
    SIGN_UP = 1_040_007,
    /// Button: add a passkey.
    ADD = 1_050_019,
    /// Button: remove a passkey.
    REMOVE = 1_050_020,
    /// The passkey is nobody's.
    UNKNOWN = 4_000_015,
    /// Nothing would be left to sign in with; not a number of the contract.
    LAST_CREDENTIAL = 4_000_902,
}
