//! `selfservice.flows.*.after`: what happens after a flow.

use crate::address::Address;
use crate::section::section;
use crate::sections::hooks::{self, Hook, Hooks, HooksByMethod};

section! {
    /// What happens before a flow is begun.
    pub struct Before {
        /// `web_hook`, which may refuse that it is begun.
        @restricts hooks: Hooks<hooks::Before>,
    }
}

section! {
    /// What happens after a verification.
    pub struct AfterVerification {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Address>,
        /// `web_hook`.
        @restricts hooks: Hooks<hooks::AfterVerification>,
    }
}

section! {
    /// What happens after signing in.
    pub struct AfterLogin {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Address>,
        /// What happens after signing in: `web_hook`, `require_verified_address`, `revoke_active_sessions`. With a method's own hooks these are not called.
        @restricts hooks: Hooks<hooks::AfterSignIn>,
        /// What happens after signing in with a password.
        password: AfterLoginByPassword,
        /// What happens after signing in with a passkey.
        passkey: AfterLoginByMethod,
        /// What happens after signing in with a security key.
        webauthn: AfterLoginByMethod,
        /// What happens after signing in by another provider.
        oidc: AfterLoginByMethod,
        /// What happens after signing in by a code.
        code: AfterLoginByMethod,
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
        /// `web_hook`, `require_verified_address`, `revoke_active_sessions`.
        @restricts hooks: Hooks<hooks::AfterSignIn>,
    }
}

section! {
    /// What happens after signing in with a method.
    pub struct AfterLoginByMethod {
        /// `web_hook`, `require_verified_address`, `revoke_active_sessions`.
        @restricts hooks: Hooks<hooks::AfterSignIn>,
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
                ("webauthn", &self.webauthn.hooks),
                ("oidc", &self.oidc.hooks),
                ("code", &self.code.hooks),
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
        /// What happens after signing up: `web_hook`, `session`, `show_verification_ui`. With a method's own hooks these are not called. Default: session, unless the method has hooks; with `security.account_enumeration.mitigate` only after signing up by another provider.
        @restricts hooks: Option<Hooks<hooks::AfterSignUp>>,
        /// What happens after signing up with a password.
        password: AfterRegistrationByPassword,
        /// What happens after signing up with a passkey.
        passkey: AfterRegistrationByMethod,
        /// What happens after signing up with a security key.
        webauthn: AfterRegistrationByMethod,
        /// What happens after signing up by another provider.
        oidc: AfterRegistrationByMethod,
        /// What happens after signing up by a code.
        code: AfterRegistrationByMethod,
    }
}

section! {
    /// What happens after somebody has signed up with a password.
    pub struct AfterRegistrationByPassword {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Address>,
        /// `web_hook`, `session`, `show_verification_ui`.
        @restricts hooks: Option<Hooks<hooks::AfterSignUp>>,
    }
}

section! {
    /// What happens after somebody has signed up with a method.
    pub struct AfterRegistrationByMethod {
        /// `web_hook`, `session`, `show_verification_ui`.
        @restricts hooks: Option<Hooks<hooks::AfterSignUp>>,
    }
}

impl AfterRegistration {
    /// The hooks by method. `None` where nothing is said about them.
    pub fn by_method(&self) -> Option<HooksByMethod<hooks::AfterSignUp>> {
        let own = [
            ("password", self.password.hooks.as_ref()),
            ("passkey", self.passkey.hooks.as_ref()),
            ("webauthn", self.webauthn.hooks.as_ref()),
            ("oidc", self.oidc.hooks.as_ref()),
            ("code", self.code.hooks.as_ref()),
        ];
        let own: Vec<_> = own.into_iter().filter_map(|(method, hooks)| Some((method, hooks?))).collect();
        if self.hooks.is_none() && own.is_empty() {
            return None;
        }
        let none = Hooks::default();
        Some(HooksByMethod::new(self.hooks.as_ref().unwrap_or(&none), &own))
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
        /// What happens after a change: `web_hook`, `revoke_active_sessions`, `show_verification_ui`. With a method's own hooks these are not called.
        @restricts hooks: Hooks<hooks::AfterChange>,
        /// What happens after a password was changed.
        password: AfterSettingsByPassword,
        /// What happens after passkeys were changed.
        passkey: AfterSettingsByMethod,
        /// What happens after security keys were changed.
        webauthn: AfterSettingsByMethod,
        /// What happens after an account of another provider was linked or unlinked.
        oidc: AfterSettingsByMethod,
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
        /// `web_hook`, `revoke_active_sessions`, `show_verification_ui`.
        @restricts hooks: Hooks<hooks::AfterChange>,
    }
}

section! {
    /// What happens after a change by a method.
    pub struct AfterSettingsByMethod {
        /// `web_hook`, `revoke_active_sessions`, `show_verification_ui`.
        @restricts hooks: Hooks<hooks::AfterChange>,
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
                ("webauthn", &self.webauthn.hooks),
                ("oidc", &self.oidc.hooks),
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
        /// `web_hook`, and `revoke_active_sessions`, which `selfservice.flows.recovery.revoke_active_sessions` says as well.
        @restricts hooks: Hooks<hooks::AfterRecovery>,
    }
}

section! {
    /// What happens after signing out.
    pub struct AfterLogout {
        /// Where browsers go afterwards. Default: the page that says it is done.
        default_browser_return_url: Option<Address>,
    }
}
