//! `selfservice.flows`: what people do themselves, step by step.

use std::time::Duration;

use url::Url;

use crate::section::{choice, section};
use crate::sections::hooks::RegistrationHooks;

section! {
    /// What people do themselves, step by step.
    pub struct Flows {
        /// Errors shown to browsers.
        error: ErrorPage,
        /// Signing in.
        login: Flow,
        /// Signing up.
        registration: Registration,
        /// One's own account.
        settings: Settings,
        /// Getting back into an account.
        recovery: MailFlow,
        /// Proving an address.
        verification: MailFlow,
        /// Signing out.
        logout: Logout,
    }
}

section! {
    /// The page for errors.
    pub struct ErrorPage {
        /// The page that shows errors. Default: the one that comes with Sessera.
        ui_url: Option<Url>,
    }
}

section! {
    /// A flow.
    pub struct Flow {
        /// Whether the flow is on.
        enabled: bool = true,
        /// The page that shows the flow. Default: the one that comes with Sessera.
        ui_url: Option<Url>,
        /// How long a flow lives.
        lifespan: Duration [1..=i64::MAX] = "1h",
        /// What happens afterwards.
        after: After,
    }
}

section! {
    /// What happens after a flow.
    pub struct After {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Url>,
        /// What happens after a password was used.
        password: AfterPassword,
    }
}

section! {
    /// What happens after a password was used.
    pub struct AfterPassword {
        /// Where browsers go after a password was used.
        default_browser_return_url: Option<Url>,
    }
}

section! {
    /// Signing up.
    pub struct Registration {
        /// Whether people can sign up.
        enabled: bool = true,
        /// The page that shows the flow. Default: the one that comes with Sessera.
        ui_url: Option<Url>,
        /// How long a flow lives.
        lifespan: Duration [1..=i64::MAX] = "1h",
        /// How signing up asks: all at once, or for the traits first.
        style: RegistrationStyle = "profile_first",
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
    /// What happens after somebody has signed up.
    pub struct AfterRegistration {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Url>,
        /// What happens after signing up: `session`, `show_verification_ui`. Default: session.
        hooks: Option<RegistrationHooks>,
        /// What happens after signing up with a password.
        password: AfterRegistrationByPassword,
    }
}

section! {
    /// What happens after somebody has signed up with a password.
    pub struct AfterRegistrationByPassword {
        /// Where browsers go afterwards.
        default_browser_return_url: Option<Url>,
        /// What happens after signing up with a password: `session`, `show_verification_ui`. Default: session.
        hooks: Option<RegistrationHooks>,
    }
}

section! {
    /// One's own account.
    pub struct Settings {
        /// Whether people can change their accounts.
        enabled: bool = true,
        /// The page that shows the flow. Default: the one that comes with Sessera.
        ui_url: Option<Url>,
        /// How long a flow lives.
        lifespan: Duration [1..=i64::MAX] = "1h",
        /// How old a sign-in may be for changes of passwords and factors.
        privileged_session_max_age: Duration = "1h",
        /// What happens afterwards.
        after: After,
    }
}

section! {
    /// A flow that sends mails.
    pub struct MailFlow {
        /// Whether the flow is on. Default: where a mail server is configured.
        enabled: Option<bool>,
        /// The page that shows the flow. Default: the one that comes with Sessera.
        ui_url: Option<Url>,
        /// How long a flow lives.
        lifespan: Duration [1..=i64::MAX] = "1h",
        /// How an address is proven. Links are not supported: a code is sent in any case.
        r#use as "use": Proof = "code",
        /// What happens afterwards.
        after: After,
    }
}

choice! {
    /// How an address is proven.
    pub enum Proof {
        /// By a code that is typed in.
        Code = "code",
        /// By a link. Not supported.
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

section! {
    /// What happens after signing out.
    pub struct AfterLogout {
        /// Where browsers go afterwards. Default: the page that says it is done.
        default_browser_return_url: Option<Url>,
    }
}

impl RegistrationHooks {
    /// What happens after signing up with a password. Where nothing is said about it, the person is signed in.
    pub fn of(section: &AfterRegistration) -> Self {
        match (section.hooks, section.password.hooks) {
            (None, None) => Self { session: true, show_verification_ui: false },
            (general, own) => {
                let (general, own) = (general.unwrap_or_default(), own.unwrap_or_default());
                Self {
                    session: general.session || own.session,
                    show_verification_ui: general.show_verification_ui || own.show_verification_ui,
                }
            }
        }
    }
}
