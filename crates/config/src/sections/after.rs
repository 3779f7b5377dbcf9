//! `selfservice.flows.*.after`: what happens after a flow.

use crate::address::Address;
use crate::section::section;
use crate::sections::hooks::{self, Hook, Hooks, HooksByMethod};

section! {
    /// What happens after a flow.
    pub struct After {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Address>,
    }
}

section! {
    /// What happens after signing in.
    pub struct AfterLogin {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Address>,
        /// What happens after signing in: `require_verified_address`, `revoke_active_sessions`. With a method's own hooks these are not called.
        hooks: Hooks<hooks::AfterSignIn>,
        /// What happens after signing in with a password.
        password: AfterLoginByPassword,
        /// What happens after signing in with a passkey.
        passkey: AfterLoginByMethod,
        /// What happens after a time-based code as the second factor.
        totp: AfterLoginByMethod,
        /// What happens after a printed code as the second factor.
        lookup_secret: AfterLoginByMethod,
    }
}

section! {
    /// What happens after signing in with a password.
    pub struct AfterLoginByPassword {
        /// Where browsers go after a password was used.
        default_browser_return_url: Option<Address>,
        /// `require_verified_address`, `revoke_active_sessions`.
        hooks: Hooks<hooks::AfterSignIn>,
    }
}

section! {
    /// What happens after signing in with a method.
    pub struct AfterLoginByMethod {
        /// `require_verified_address`, `revoke_active_sessions`.
        hooks: Hooks<hooks::AfterSignIn>,
    }
}

impl AfterLogin {
    /// The hooks by method.
    pub fn by_method(&self) -> HooksByMethod<hooks::AfterSignIn> {
        HooksByMethod::new(
            &self.hooks,
            &[
                ("password", &self.password.hooks),
                ("passkey", &self.passkey.hooks),
                ("totp", &self.totp.hooks),
                ("lookup_secret", &self.lookup_secret.hooks),
            ],
        )
    }
}

section! {
    /// What happens after somebody has signed up.
    pub struct AfterRegistration {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Address>,
        /// What happens after signing up: `session`, `show_verification_ui`. With a method's own hooks these are not called. Default: session, unless the method has hooks or `security.account_enumeration.mitigate` is on.
        hooks: Option<Hooks<hooks::AfterSignUp>>,
        /// What happens after signing up with a password.
        password: AfterRegistrationByPassword,
    }
}

section! {
    /// What happens after somebody has signed up with a password.
    pub struct AfterRegistrationByPassword {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Address>,
        /// `session`, `show_verification_ui`.
        hooks: Option<Hooks<hooks::AfterSignUp>>,
    }
}

impl AfterRegistration {
    /// The hooks by method. `None` where nothing is said about them.
    pub fn by_method(&self) -> Option<HooksByMethod<hooks::AfterSignUp>> {
        let (general, own) = (self.hooks.as_ref(), self.password.hooks.as_ref());
        general.or(own)?;
        let none = Hooks::default();
        Some(HooksByMethod::new(general.unwrap_or(&none), &[("password", own.unwrap_or(&none))]))
    }

    /// Whether it is said that a hook is called after somebody has signed up with a method.
    pub(crate) fn says(&self, method: &str, hook: Hook) -> bool {
        self.by_method().is_some_and(|hooks| hooks.of(method).has(hook))
    }
}

section! {
    /// What happens after a change of one's own account.
    pub struct AfterSettings {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Address>,
        /// What happens after a change: `revoke_active_sessions`, `show_verification_ui`. With a method's own hooks these are not called.
        hooks: Hooks<hooks::AfterChange>,
        /// What happens after a password was changed.
        password: AfterSettingsByPassword,
        /// What happens after passkeys were changed.
        passkey: AfterSettingsByMethod,
        /// What happens after an authenticator app was linked or unlinked.
        totp: AfterSettingsByMethod,
        /// What happens after printed codes were changed.
        lookup_secret: AfterSettingsByMethod,
        /// What happens after the profile was changed.
        profile: AfterSettingsByMethod,
    }
}

section! {
    /// What happens after a password was changed.
    pub struct AfterSettingsByPassword {
        /// Where browsers go after a password was changed.
        default_browser_return_url: Option<Address>,
        /// `revoke_active_sessions`, `show_verification_ui`.
        hooks: Hooks<hooks::AfterChange>,
    }
}

section! {
    /// What happens after a change by a method.
    pub struct AfterSettingsByMethod {
        /// `revoke_active_sessions`, `show_verification_ui`.
        hooks: Hooks<hooks::AfterChange>,
    }
}

impl AfterSettings {
    /// The hooks by method.
    pub fn by_method(&self) -> HooksByMethod<hooks::AfterChange> {
        HooksByMethod::new(
            &self.hooks,
            &[
                ("password", &self.password.hooks),
                ("passkey", &self.passkey.hooks),
                ("totp", &self.totp.hooks),
                ("lookup_secret", &self.lookup_secret.hooks),
                ("profile", &self.profile.hooks),
            ],
        )
    }
}

section! {
    /// What happens after recovery.
    pub struct AfterRecovery {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Address>,
        /// `revoke_active_sessions`, which `selfservice.flows.recovery.revoke_active_sessions` says as well.
        hooks: Hooks<hooks::AfterRecovery>,
    }
}

section! {
    /// What happens after signing out.
    pub struct AfterLogout {
        /// Where browsers go afterwards. Default: the page that says it is done.
        default_browser_return_url: Option<Address>,
    }
}
