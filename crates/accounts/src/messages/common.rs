//! The messages of the flows themselves. Those of a method are in its folder.

use super::message_ids;

message_ids! {
    /// Button: sign in.
    SIGN_IN = 1_010_001,
    /// Please confirm that it is you.
    CONFIRM_IDENTITY = 1_010_003,
    /// A second factor is asked for.
    SECOND_FACTOR_NEEDED = 1_010_004,
    /// There is such an account: sign in to it to link it.
    SIGN_IN_TO_LINK = 1_010_016,
    /// Button: sign up.
    SIGN_UP = 1_040_001,
    /// Changes are saved.
    SETTINGS_SAVED = 1_050_001,
    /// The account is recovered.
    RECOVERED = 1_060_001,
    /// Label: taken from the identity schema.
    FIELD_LABEL = 1_070_002,
    /// Button: save.
    SAVE = 1_070_003,
    /// Button: submit.
    SUBMIT = 1_070_005,
    /// Label: any identifier.
    IDENTIFIER_LABEL = 1_070_004,
    /// Label: e-mail address.
    EMAIL_LABEL = 1_070_007,
    /// Button: go on.
    CONTINUE = 1_070_009,
    /// The address is verified.
    ADDRESS_VERIFIED = 1_080_002,
    /// A verification link was sent.
    VERIFICATION_LINK_SENT = 1_080_001,
    /// A verification code was sent.
    VERIFICATION_CODE_SENT = 1_080_003,
    /// A verification code was sent to a telephone number.
    VERIFICATION_CODE_SENT_TO_PHONE = 1_080_004,
    /// The telephone number is verified.
    PHONE_VERIFIED = 1_080_005,
    /// Something is wrong; the context says what.
    INVALID = 4_000_001,
    /// A value is missing.
    REQUIRED = 4_000_002,
    /// A text is too short.
    TOO_SHORT = 4_000_003,
    /// A text does not fit its pattern.
    PATTERN_MISMATCH = 4_000_004,
    /// An account with this identifier exists.
    DUPLICATE = 4_000_007,
    /// An account with this identifier exists, and its owner signs in like this.
    DUPLICATE_WITH_HINTS = 4_000_028,
    /// The traits hold nothing to sign in with.
    IDENTIFIER_MISSING = 4_000_009,
    /// The address must be verified first.
    ADDRESS_NOT_VERIFIED = 4_000_010,
    /// A text is too long.
    TOO_LONG = 4_000_017,
    /// A number is too small.
    BELOW_MINIMUM = 4_000_018,
    /// A number is not above its bound.
    NOT_ABOVE_MINIMUM = 4_000_019,
    /// A number is too large.
    ABOVE_MAXIMUM = 4_000_020,
    /// A number is not below its bound.
    NOT_BELOW_MAXIMUM = 4_000_021,
    /// A number is no multiple.
    NOT_MULTIPLE = 4_000_022,
    /// A list is too long.
    TOO_MANY_ITEMS = 4_000_023,
    /// A list is too short.
    TOO_FEW_ITEMS = 4_000_024,
    /// A list holds a value twice.
    REPEATED_ITEMS = 4_000_025,
    /// A value is of the wrong type.
    WRONG_TYPE = 4_000_026,
    /// A value must be another one.
    NOT_CONSTANT = 4_000_029,
    /// Nobody is known by this name who could sign in.
    NOBODY_KNOWN = 4_000_037,
    /// No e-mail address.
    NOT_AN_EMAIL = 4_000_040,
    /// No telephone number.
    NOT_A_TELEPHONE_NUMBER = 4_000_041,
    /// The answer of a passkey or a security key does not fit.
    KEY_WRONG = 4_000_043,
    /// Too many wrong attempts; not a number of the contract.
    TOO_MANY_ATTEMPTS = 4_000_900,
    /// A new passkey or security key cannot be taken; not a number of the contract.
    KEY_REFUSED = 4_000_904,
    /// The login flow has expired.
    LOGIN_EXPIRED = 4_010_001,
    /// No method that can sign in.
    NO_LOGIN_METHOD = 4_010_002,
    /// No method that can sign up.
    NO_REGISTRATION_METHOD = 4_010_003,
    /// No method that can change settings.
    NO_SETTINGS_METHOD = 4_010_004,
    /// No method that can recover.
    NO_RECOVERY_METHOD = 4_010_005,
    /// No method that can verify.
    NO_VERIFICATION_METHOD = 4_010_006,
    /// Somebody has signed in to another account than the one that is to be linked.
    OTHER_ACCOUNT = 4_010_009,
    /// The account is disabled.
    ACCOUNT_DISABLED = 4_010_011,
    /// The registration flow has expired.
    REGISTRATION_EXPIRED = 4_040_001,
    /// The settings flow has expired.
    SETTINGS_EXPIRED = 4_050_001,
    /// The recovery flow is over.
    RECOVERY_ALREADY_DONE = 4_060_001,
    /// The recovery flow has expired.
    RECOVERY_EXPIRED = 4_060_005,
    /// The verification flow is over.
    VERIFICATION_ALREADY_DONE = 4_070_002,
    /// The verification flow has expired.
    VERIFICATION_EXPIRED = 4_070_005,
}
