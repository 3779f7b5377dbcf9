//! `selfservice.flows`: what people do themselves, step by step.

use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::section::{choice, section};
use crate::sections::after::{
    AfterLogin, AfterLogout, AfterRecovery, AfterRegistration, AfterSettings, AfterVerification, Before,
};
use crate::sections::hooks::Hooks;
use crate::sections::session::RequiredAal;
use crate::sections::web_hook::WebHook;

section! {
    /// What people do themselves, step by step.
    pub struct Flows {
        /// Errors shown to browsers.
        error: ErrorPage,
        /// Signing in.
        login: Login,
        /// Signing up.
        registration: Registration,
        /// One's own account.
        settings: Settings,
        /// Getting back into an account.
        recovery: Recovery,
        /// Proving an address.
        verification: Verification,
        /// Signing out.
        logout: Logout,
    }
}

impl Flows {
    /// All web hooks, wherever they stand.
    pub fn web_hooks(&self) -> Vec<Arc<WebHook>> {
        let befores = [
            &self.login.before,
            &self.registration.before,
            &self.settings.before,
            &self.recovery.before,
            &self.verification.before,
        ];
        let mut all: Vec<_> = befores.into_iter().flat_map(|before| before.hooks.web().cloned()).collect();
        all.extend(self.login.after.by_method().lists().flat_map(Hooks::web).cloned());
        let registration = self.registration.after.by_method().unwrap_or_default();
        all.extend(registration.lists().flat_map(Hooks::web).cloned());
        all.extend(self.settings.after.by_method().lists().flat_map(Hooks::web).cloned());
        all.extend(self.recovery.after.hooks.web().chain(self.verification.after.hooks.web()).cloned());
        all
    }
}

section! {
    /// The page for errors.
    pub struct ErrorPage {
        /// The page that shows errors. A path such as `/error` lies below `serve.public.base_url`. Default: the one that comes with Sessera.
        ui_url: Option<Address>,
    }
}

section! {
    /// Signing in.
    pub struct Login {
        /// Whether the flow is on.
        @restricts enabled: bool = true,
        /// The page that shows the flow. A path such as `/login` lies below `serve.public.base_url`. Default: the one that comes with Sessera.
        ui_url: Option<Address>,
        /// How long a flow lives.
        @restricts lifespan: Duration [1..=i64::MAX] = "1h",
        /// What happens before it is begun.
        before: Before,
        /// How signing in asks: for everything at once, or for the identifier first.
        style: LoginStyle = "unified",
        /// What happens afterwards.
        after: AfterLogin,
    }
}

choice! {
    /// How signing in asks.
    pub enum LoginStyle {
        /// For everything at once.
        Unified = "unified",
        /// For the identifier first.
        IdentifierFirst = "identifier_first",
    }
}

section! {
    /// Signing up.
    pub struct Registration {
        /// Whether people can sign up.
        @restricts enabled: bool = true,
        /// The page that shows the flow. A path such as `/login` lies below `serve.public.base_url`. Default: the one that comes with Sessera.
        ui_url: Option<Address>,
        /// How long a flow lives.
        @restricts lifespan: Duration [1..=i64::MAX] = "1h",
        /// Whether somebody who signs up with a name or an address that an account has is told how its owner signs in (message 4000028). Nobody is told with `security.account_enumeration.mitigate`.
        login_hints: bool = false,
        /// How signing up asks: all at once, or for the traits first.
        style: RegistrationStyle = "profile_first",
        /// What happens before it is begun.
        before: Before,
        /// The older way to set `style` to `unified`.
        enable_legacy_one_step: bool = false,
        /// What happens afterwards.
        after: AfterRegistration,
    }
}

choice! {
    /// How signing up asks.
    pub enum RegistrationStyle {
        /// For the traits first.
        ProfileFirst = "profile_first",
        /// All at once.
        Unified = "unified",
    }
}

section! {
    /// One's own account.
    pub struct Settings {
        /// Whether people can change their accounts.
        @restricts enabled: bool = true,
        /// The page that shows the flow. A path such as `/login` lies below `serve.public.base_url`. Default: the one that comes with Sessera.
        ui_url: Option<Address>,
        /// How long a flow lives.
        @restricts lifespan: Duration [1..=i64::MAX] = "1h",
        /// How old a sign-in may be for changes of passwords and factors.
        @restricts privileged_session_max_age: Duration = "1h",
        /// `highest_available`: a session must prove all factors its owner has set up; `aal1`: one is enough.
        @restricts required_aal: RequiredAal = "highest_available",
        /// What happens before it is begun.
        before: Before,
        /// What happens afterwards.
        after: AfterSettings,
    }
}

section! {
    /// Getting back into an account.
    pub struct Recovery {
        /// Whether the flow is on.
        @restricts enabled: bool = false,
        /// The page that shows the flow. A path such as `/login` lies below `serve.public.base_url`. Default: the one that comes with Sessera.
        ui_url: Option<Address>,
        /// How long a flow lives.
        @restricts lifespan: Duration [1..=i64::MAX] = "1h",
        /// How an address is proven. `link` needs `selfservice.methods.link.enabled`.
        r#use as "use": Proof = "code",
        /// Whether an address that no account has is told so by mail.
        notify_unknown_recipients: bool = false,
        /// Whether the other sessions of somebody who gets back into their account end.
        @restricts revoke_active_sessions: bool = true,
        /// What happens before it is begun.
        before: Before,
        /// What happens afterwards.
        after: AfterRecovery,
    }
}

section! {
    /// Proving an address.
    pub struct Verification {
        /// Whether the flow is on.
        @restricts enabled: bool = false,
        /// The page that shows the flow. A path such as `/login` lies below `serve.public.base_url`. Default: the one that comes with Sessera.
        ui_url: Option<Address>,
        /// How long a flow lives.
        @restricts lifespan: Duration [1..=i64::MAX] = "1h",
        /// How an address is proven. `link` needs `selfservice.methods.link.enabled`.
        r#use as "use": Proof = "code",
        /// Whether an address that no account has is told so by mail.
        notify_unknown_recipients: bool = false,
        /// What happens before it is begun.
        before: Before,
        /// What happens afterwards.
        after: AfterVerification,
    }
}

choice! {
    /// How an address is proven.
    pub enum Proof {
        /// By a code that is typed in.
        Code = "code",
        /// By a link that is opened.
        Link = "link",
    }
}

section! {
    /// Signing out.
    pub struct Logout {
        /// What happens afterwards.
        after: AfterLogout,
    }
}
