//! What is said about codes.

use crate::messages::message_ids;

message_ids! {
    /// A code to sign in was sent.
    LOGIN_SENT = 1_010_014,
    /// Button: sign in by a code.
    SIGN_IN = 1_010_015,
    /// Button: an address to which a code can be sent.
    ADDRESS = 1_010_023,
    /// A code was sent as the second factor.
    SECOND_FACTOR_SENT = 1_010_025,
    /// A code to sign up was sent.
    REGISTRATION_SENT = 1_040_005,
    /// Button: sign up by a code.
    SIGN_UP = 1_040_006,
    /// Label: e-mail address or telephone number.
    EMAIL_OR_PHONE_LABEL = 1_070_018,
    /// A recovery code was sent.
    RECOVERY_SENT = 1_060_003,
    /// Button: send the code again.
    RESEND = 1_070_008,
    /// Label: recovery code.
    RECOVERY_LABEL = 1_070_010,
    /// Label: verification code.
    VERIFICATION_LABEL = 1_070_011,
    /// Label: code to sign up.
    REGISTRATION_LABEL = 1_070_012,
    /// Label: code to sign in.
    LOGIN_LABEL = 1_070_013,
    /// Nobody signs in by a code to this address.
    UNKNOWN = 4_000_035,
    /// The traits differ from those for which the code was sent.
    OTHER_TRAITS = 4_000_036,
    /// Too many codes were sent to an address; not a number of the contract.
    TOO_MANY_SENT = 4_000_901,
    /// The code to sign in is wrong.
    LOGIN_WRONG = 4_010_008,
    /// The code to sign up is wrong.
    REGISTRATION_WRONG = 4_040_003,
    /// The recovery code is wrong.
    RECOVERY_WRONG = 4_060_006,
    /// The verification code is wrong.
    VERIFICATION_WRONG = 4_070_006,
}
