//! What is said about codes by e-mail.

use crate::messages::message_ids;

message_ids! {
    /// A recovery code was sent.
    RECOVERY_SENT = 1_060_003,
    /// Button: send the code again.
    RESEND = 1_070_008,
    /// Label: recovery code.
    RECOVERY_LABEL = 1_070_010,
    /// Label: verification code.
    VERIFICATION_LABEL = 1_070_011,
    /// The recovery code is wrong.
    RECOVERY_WRONG = 4_060_006,
    /// The verification code is wrong.
    VERIFICATION_WRONG = 4_070_006,
}
