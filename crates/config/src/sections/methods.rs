//! `selfservice.methods`: ways to sign in.

use std::time::Duration;

use url::Url;

use crate::address::WrittenUrl;
use crate::host::Host;
use crate::section::{choice, section};
use crate::sections::oidc::Oidc;
use crate::sections::request::WrittenRequest;

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
        /// Security keys as a second factor.
        webauthn: Webauthn,
        /// Codes that are sent to an address.
        code: Code,
        /// Signing in by a provider.
        oidc: Oidc,
        /// Links that are sent to an address, for recovery and verification.
        link: Link,
    }
}

section! {
    /// Passwords.
    pub struct Password {
        /// Whether passwords are on.
        @restricts enabled: bool = true,
        /// Which passwords are refused.
        config: PasswordRules,
    }
}

section! {
    /// Which passwords are refused.
    pub struct PasswordRules {
        /// The fewest characters of a password.
        @restricts min_password_length: usize [6..=256] = 8,
        /// Whether passwords that resemble an identifier are refused.
        @restricts identifier_similarity_check_enabled: bool = true,
        /// Whether passwords are looked up in known breaches, by a service on the network that learns five digits of their hash. The most common passwords are refused in any case, without asking anybody.
        @restricts haveibeenpwned_enabled: bool = false,
        /// The host of that service, which is asked by https.
        haveibeenpwned_host: Host = "api.pwnedpasswords.com",
        /// In how many breaches a password may have been found.
        @restricts max_breaches: u32 [0..=100] = 0,
        /// Whether a password is taken when the service does not answer.
        @restricts ignore_network_errors: bool = true,
        /// Passwords that another system still keeps.
        migrate_hook: MigrateHook,
    }
}

section! {
    /// Passwords that another system still keeps.
    pub struct MigrateHook {
        /// Whether that system is asked when somebody signs in for the first time who was brought along with `use_password_migration_hook`.
        enabled: bool = false,
        /// What is sent to it.
        config: WrittenRequest,
    }
}

impl PasswordRules {
    /// The address of the service that knows passwords from breaches.
    pub fn haveibeenpwned_url(&self) -> Option<Url> {
        Url::parse(&format!("https://{}/", self.haveibeenpwned_host.0)).ok()
    }
}

section! {
    /// Time-based one-time passwords.
    pub struct Totp {
        /// Whether time-based codes are on.
        @restricts enabled: bool = false,
        /// How they are shown.
        config: TotpNames,
    }
}

section! {
    /// How time-based codes are shown.
    pub struct TotpNames {
        /// What authenticator apps show. Default: `pages.name`, or else the host of the public address.
        issuer: Option<String>,
    }
}

section! {
    /// Printed codes.
    pub struct LookupSecret {
        /// Whether printed codes are on.
        @restricts enabled: bool = false,
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
        /// What devices must do.
        authenticator_selection: AuthenticatorSelection,
    }
}

section! {
    /// What devices must do.
    pub struct AuthenticatorSelection {
        /// Whether the device verifies its owner by a finger, a face or a number. With `required` passkeys of devices that cannot are refused; with `preferred` those are asked that can.
        @restricts user_verification: Verification = "preferred",
    }
}

choice! {
    /// Whether a device verifies its owner.
    pub enum Verification {
        /// When it can.
        Preferred = "preferred",
        /// In any case.
        Required = "required",
        /// Better not.
        Discouraged = "discouraged",
    }
}

section! {
    /// Security keys as a second factor.
    pub struct Webauthn {
        /// Whether security keys are on.
        @restricts enabled: bool = false,
        /// Where they are good.
        config: WebauthnRules,
    }
}

section! {
    /// Where security keys are good.
    pub struct WebauthnRules {
        /// Whether people sign in with a security key alone, which they do with passkeys here: `true` is refused where security keys are on.
        passwordless: bool = false,
        /// The site that security keys are for.
        rp: RelyingParty,
    }
}

section! {
    /// The site that keys are for.
    pub struct RelyingParty {
        /// The domain that keys are for: that of the pages, or one above it. Keys are lost when it changes. Default: the host of the public address.
        id: Option<String>,
        /// What browsers call the site. Default: what the pages call it.
        display_name: Option<String>,
        /// The origins of the pages that use keys. Default: that of the public address.
        origins: Vec<Url>,
        /// The only origin, as older configurations have it. It counts where there are no `origins`.
        origin: Option<Url>,
    }
}

section! {
    /// Codes that are sent to an address.
    pub struct Code {
        /// Whether codes are on, for recovery and verification and for what the other keys switch on.
        @restricts enabled: bool = true,
        /// Whether people sign in and up by a code instead of a password. It cannot be on together with `mfa_enabled`.
        passwordless_enabled: bool = false,
        /// Whether a code is a second factor. It cannot be on together with `passwordless_enabled`.
        @restricts mfa_enabled: bool = false,
        /// How codes are made.
        config: CodeRules,
    }
}

section! {
    /// How codes are made.
    pub struct CodeRules {
        /// How long a code is good.
        @restricts lifespan: Duration [1..=i64::MAX] = "15m",
        /// How many wrong codes can be tried in a flow.
        @restricts max_submissions: u32 [1..=255] = 5,
    }
}

section! {
    /// Links that are sent to an address.
    pub struct Link {
        /// Whether links are on, for flows that `selfservice.flows.recovery.use` and `selfservice.flows.verification.use` have use them, and for administrators to give out.
        @restricts enabled: bool = true,
        /// How links are made.
        config: LinkRules,
    }
}

section! {
    /// How links are made.
    pub struct LinkRules {
        /// How long a link is good.
        @restricts lifespan: Duration [1..=i64::MAX] = "15m",
        /// The address of the public API as it stands in the links of messages, where that is another one than `serve.public.base_url`.
        base_url: Option<WrittenUrl>,
    }
}
