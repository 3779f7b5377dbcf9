//! What is said about security keys.

use crate::messages::message_ids;

message_ids! {
    /// Button: use a security key.
    USE = 1_010_008,
    /// Button: add a security key.
    ADD = 1_050_012,
    /// Label: the name of a new security key.
    NAME = 1_050_013,
    /// Button: remove a security key.
    REMOVE = 1_050_018,
    /// No security key is set up.
    NOT_SET_UP = 4_000_013,
}
