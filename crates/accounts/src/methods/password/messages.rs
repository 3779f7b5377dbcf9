//! What is said about passwords.

use crate::messages::message_ids;

message_ids! {
    /// Button: sign in with a password.
    SIGN_IN = 1_010_022,
    /// Label: password.
    LABEL = 1_070_001,
    /// A password cannot be used; the context says why.
    REFUSED = 4_000_005,
    /// Identifier or password is wrong.
    WRONG = 4_000_006,
    /// The password resembles the identifier.
    TOO_SIMILAR = 4_000_031,
    /// The password is too short.
    TOO_SHORT = 4_000_032,
    /// The password is too long.
    TOO_LONG = 4_000_033,
    /// The password is known from breaches.
    BREACHED = 4_000_034,
    /// The new password is the old one.
    UNCHANGED = 4_000_039,
}
