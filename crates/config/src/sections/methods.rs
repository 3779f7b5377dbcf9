//! `selfservice.methods`: ways to sign in.

use url::Url;

use crate::host::Host;
use crate::section::section;

section! {
    /// Ways to sign in.
    pub struct Methods {
        /// Passwords.
        password: Password,
        /// Time-based one-time passwords.
        totp: Totp,
        /// Printed codes.
        lookup_secret: LookupSecret,
        /// Passkeys.
        passkey: Passkey,
        /// Codes by e-mail for recovery and verification.
        code: Code,
    }
}

section! {
    /// Passwords.
    pub struct Password {
        /// Whether passwords are on.
        enabled: bool = true,
        /// Which passwords are refused.
        config: PasswordRules,
    }
}

section! {
    /// Which passwords are refused.
    pub struct PasswordRules {
        /// The fewest characters of a password, from 6 to 256.
        min_password_length: usize [6..=256] = 8,
        /// Whether passwords that resemble an identifier are refused.
        identifier_similarity_check_enabled: bool = true,
        /// Whether passwords are looked up in known breaches, by a service on the network that learns five digits of their hash. The most common passwords are refused in any case, without asking anybody.
        haveibeenpwned_enabled: bool = false,
        /// The host of that service, which is asked by https.
        haveibeenpwned_host: Host = "api.pwnedpasswords.com",
        /// In how many breaches a password may have been found.
        max_breaches: u32 [0..=100] = 0,
        /// Whether a password is taken when the service does not answer.
        ignore_network_errors: bool = true,
    }
}

section! {
    /// Time-based one-time passwords.
    pub struct Totp {
        /// Whether time-based codes are on.
        enabled: bool = false,
        /// How they are shown.
        config: TotpNames,
    }
}

section! {
    /// How time-based codes are shown.
    pub struct TotpNames {
        /// What authenticator apps show. Default: the host of the public address.
        issuer: Option<String>,
    }
}

section! {
    /// Printed codes.
    pub struct LookupSecret {
        /// Whether printed codes are on.
        enabled: bool = false,
    }
}

section! {
    /// Passkeys.
    pub struct Passkey {
        /// Whether passkeys are on.
        enabled: bool = false,
        /// Where they are good.
        config: PasskeyRules,
    }
}

section! {
    /// Where passkeys are good.
    pub struct PasskeyRules {
        /// The site that passkeys are for.
        rp: RelyingParty,
    }
}

section! {
    /// The site that passkeys are for.
    pub struct RelyingParty {
        /// The domain that passkeys are for: that of the pages, or one above it. Passkeys are lost when it changes. Default: the host of the public address.
        id: Option<String>,
        /// What browsers call the site. Default: what the pages call it.
        display_name: Option<String>,
        /// The origins of the pages that use passkeys. Default: that of the public address.
        origins: Vec<Url>,
    }
}

section! {
    /// Codes by e-mail.
    pub struct Code {
        /// Whether codes by e-mail are on, for recovery and verification.
        enabled: bool = true,
    }
}
