//! What the configuration says about flows, compiled: addresses parsed, keys made, defaults filled in.

mod from_config;

pub(crate) use from_config::hashing;
#[cfg(feature = "passkeys")]
pub(crate) use from_config::site_name;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessera_model::Uuid;
use sessera_store::FlowKind;
use url::Url;

use crate::hooks::FlowHooks;
use crate::keys::Keys;
use crate::limits::LimitRules;
use crate::mail::{EMAIL, SMS};
use crate::password::HashAlgorithm;
use crate::return_to;
use crate::schema::{Address, normalise};
use crate::target::Target;
use sessera_config::Proxies;
use sessera_config::cookies::{CookieScope, SessionCookie};

/// The rules of all flows.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a switch of the configuration")]
pub struct Rules {
    /// The public address, ending in a slash.
    pub base_url: String,
    /// What the pages call the site.
    pub site_name: String,
    /// Keys for what clients hold.
    pub keys: Keys,
    /// Which proxies are believed when they say for whom they ask.
    pub proxies: Proxies,
    /// Limits against abuse.
    pub limits: LimitRules,
    /// Where browsers go when nothing else is said.
    pub default_return: Target,
    /// Where browsers may ask to go.
    pub allowed_returns: Vec<Target>,
    /// The session cookie.
    pub cookie: SessionCookie,
    /// The name of the cookie by which a browser is recognised before it has signed in, apart from what its scope adds
    /// to it.
    pub form_cookie_name: String,
    /// How that cookie is made.
    pub form_cookie: CookieScope,
    /// Where forms lead besides, as sources of a content security policy: to other providers, of whose addresses only
    /// they themselves know.
    pub form_targets: Vec<String>,
    /// How the cookie is made by which a browser is recognised that comes back from another site.
    pub travel_cookie: CookieScope,
    /// How long a session lives.
    pub session_lifespan: Duration,
    /// How old a sign-in may be for changes to passwords and factors.
    pub privileged_age: Duration,
    /// Whether a session must prove all factors that its owner has set up.
    pub needs_highest_aal: bool,
    /// Whether it must do so before anything of one's own account is shown or changed.
    pub settings_need_highest_aal: bool,
    /// Whether somebody who signs up is not told that there is such an account already.
    pub hides_duplicates: bool,
    /// Whether somebody who signs up with what an account has already is told how its owner signs in.
    pub registration_gives_hints: bool,
    /// How passwords are hashed.
    pub hashing: HashAlgorithm,
    /// Signing in.
    pub login: FlowRules,
    /// Signing up.
    pub registration: FlowRules,
    /// One's own account.
    pub settings: FlowRules,
    /// Getting back into an account.
    pub recovery: FlowRules,
    /// Proving an address.
    pub verification: FlowRules,
    /// Where browsers are shown errors. `None`: on the page that comes with the server.
    pub error_page: Option<Target>,
    /// Where browsers go after signing out.
    pub logout_return: Option<Target>,
    /// Codes that are sent to an address.
    pub code: SentRules,
    /// How many wrong codes can be tried in a flow.
    pub code_attempts: u32,
    /// Links that are sent to an address.
    pub link: SentRules,
    /// What the addresses in links of messages begin with, which ends in a slash.
    pub links_below: String,
    /// Whether an address that no account has is told so by mail, in recovery.
    pub recovery_tells_unknown: bool,
    /// Whether it is told so in verification.
    pub verification_tells_unknown: bool,
    /// Whether codes are sent to telephone numbers that are typed.
    pub has_sms: bool,
    /// Whether a service takes messages, and is told of the requests that cause them.
    pub tells_services: bool,
    /// By what people get back into their accounts.
    pub recovery_by: Sends,
    /// By what addresses are proven.
    pub verification_by: Sends,
    /// Whether signing in asks for the identifier first.
    pub identifier_first: bool,
    /// Whether nobody is told who has an account.
    pub hides_accounts: bool,
    /// What happens before and after flows.
    pub hooks: FlowHooks,
    /// Whether signing up asks for the profile first and for credentials in a second form.
    pub registration_in_two_steps: bool,
    /// Whether native recovery ends with a session in its answer rather than in a browser.
    pub recovery_continues: bool,
}

/// What is sent to an address, so that whoever reads it proves that the address is theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sends {
    /// A code, which is typed.
    #[default]
    Code,
    /// A link, which is opened.
    Link,
}

impl Sends {
    /// The word on the wire, which is the name of the method.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Link => "link",
        }
    }
}

/// The rules of what is sent to an address.
#[derive(Clone, Copy, Debug)]
pub struct SentRules {
    /// Whether it is sent.
    pub is_on: bool,
    /// How long it is good.
    pub lifespan: Duration,
}

/// The rules of one kind of flow.
#[derive(Clone, Debug)]
pub struct FlowRules {
    /// Whether it is on.
    pub enabled: bool,
    /// Its page. `None`: the one that comes with the server.
    pub page: Option<Target>,
    /// How long a flow lives.
    pub lifespan: Duration,
    /// Where browsers go afterwards, when it differs from the general rule.
    pub after: Option<Target>,
}

impl Rules {
    /// The address of something below the public one.
    pub fn url(&self, path: &str) -> String {
        format!("{}{}", self.base_url, path.trim_start_matches('/'))
    }

    /// The rules of a kind of flow.
    pub const fn rules(&self, kind: FlowKind) -> &FlowRules {
        match kind {
            FlowKind::Registration => &self.registration,
            FlowKind::Settings => &self.settings,
            FlowKind::Recovery => &self.recovery,
            FlowKind::Verification => &self.verification,
            FlowKind::Login | FlowKind::Error | FlowKind::Exchange => &self.login,
        }
    }

    /// The rules of what is sent.
    pub const fn sent(&self, sends: Sends) -> SentRules {
        match sends {
            Sends::Code => self.code,
            Sends::Link => self.link,
        }
    }

    /// Whether an address that no account has is told so by mail.
    pub const fn tells_unknown(&self, kind: FlowKind) -> bool {
        match kind {
            FlowKind::Recovery => self.recovery_tells_unknown,
            FlowKind::Verification => self.verification_tells_unknown,
            _ => false,
        }
    }

    /// The address that somebody has typed to be sent a code or a link, in its one form: by mail, or by telephone where
    /// that is possible.
    pub fn typed_address(&self, sends: Sends, typed: &str) -> Option<Address> {
        let email = normalise::email(typed).map(|value| Address { via: EMAIL.into(), value });
        email.or_else(|| {
            let number = normalise::telephone_number(typed).filter(|_| self.has_sms && sends == Sends::Code);
            number.map(|value| Address { via: SMS.into(), value })
        })
    }

    /// Whether people can get back into their accounts by themselves.
    pub const fn recovers(&self) -> bool {
        self.recovery.enabled && self.sent(self.recovery_by).is_on
    }

    /// Whether people can prove addresses.
    pub const fn verifies(&self) -> bool {
        self.verification.enabled && self.sent(self.verification_by).is_on
    }

    /// The address to which the form of a flow is submitted.
    pub fn action(&self, kind: FlowKind, flow: Uuid) -> String {
        self.url(&submission_path(kind, flow))
    }

    /// That address as it stands in messages.
    pub fn action_in_messages(&self, kind: FlowKind, flow: Uuid) -> String {
        format!("{}{}", self.links_below, submission_path(kind, flow))
    }

    /// The address at which a flow of a kind begins, for native clients (`api`) or browsers (`browser`),
    /// keeping where it ends.
    pub fn beginning(&self, kind: FlowKind, transport: &str, return_to: Option<&str>) -> String {
        let mut url = self.url(&format!("self-service/{}/{transport}", kind.as_str()));
        if let Some(return_to) = return_to {
            url.push_str("?return_to=");
            url.extend(url::form_urlencoded::byte_serialize(return_to.as_bytes()));
        }
        url
    }

    /// The page on which a browser shows a flow.
    pub fn page(&self, kind: FlowKind, flow: Uuid) -> String {
        match self.rules(kind).page.clone() {
            Some(page) => page.with("flow", &flow.to_string()).to_string(),
            None => self.url(&format!("ui/{}?flow={flow}", kind.as_str())),
        }
    }

    /// The whole address of that page, for a message that a person reads elsewhere.
    pub fn whole_page(&self, kind: FlowKind, flow: Uuid) -> String {
        match self.rules(kind).page.clone() {
            Some(page) => page.with("flow", &flow.to_string()).url().to_string(),
            None => self.page(kind, flow),
        }
    }

    /// The page on which a browser shows an error.
    pub fn error_page(&self, error: Uuid) -> String {
        match self.error_page.clone() {
            Some(page) => page.with("id", &error.to_string()).to_string(),
            None => self.url(&format!("ui/error?id={error}")),
        }
    }

    /// Where a browser goes after a flow of a kind that asked for nothing.
    pub fn after(&self, kind: FlowKind) -> String {
        self.rules(kind).after.as_ref().unwrap_or(&self.default_return).to_string()
    }

    /// The address that a browser asked to return to, checked. `None` when it is not allowed.
    pub fn checked_return(&self, asked: &str) -> Option<String> {
        // The flows themselves may be returned to: signing in may be a stage on the way to settings.
        let own = Url::parse(&self.url("self-service/")).map(Target::absolute);
        let allowed: Vec<Target> = self.allowed_returns.iter().cloned().chain(own).collect();
        return_to::checked(asked, &self.default_return, &allowed)
    }
}

/// The path to which the form of a flow is submitted, with its query.
fn submission_path(kind: FlowKind, flow: Uuid) -> String {
    format!("self-service/{}?flow={flow}", kind.as_str())
}

#[cfg(test)]
pub(crate) mod tests {
    use sessera_config::sections::cookies::SameSite;

    use super::*;

    /// Rules for tests: every method and flow is on, hashing is cheap.
    pub(crate) fn rules() -> Rules {
        let url = |text: &str| Target::absolute(Url::parse(text).expect("is an address"));
        let scope = CookieScope { domain: None, path: "/".into(), same_site: SameSite::Lax, secure: false };
        let flow = |page: Option<&str>| FlowRules {
            enabled: true,
            page: page.map(url),
            lifespan: Duration::from_hours(1),
            after: None,
        };
        Rules {
            base_url: "http://127.0.0.1:4433/".into(),
            site_name: "Example".into(),
            keys: Keys::new(&["a secret for tests".into()]),
            proxies: Proxies::default(),
            limits: LimitRules::default(),
            default_return: url("http://127.0.0.1:4455/"),
            allowed_returns: vec![url("https://app.example.org/")],
            cookie: SessionCookie {
                name: "ory_kratos_session".into(),
                persistent: true,
                scope: scope.clone(),
                is_of_upstream: false,
                kratos_secrets: Vec::new(),
            },
            form_cookie_name: "csrf_token_for_tests".into(),
            form_cookie: scope.clone(),
            form_targets: Vec::new(),
            travel_cookie: scope,
            session_lifespan: Duration::from_hours(24),
            privileged_age: Duration::from_mins(15),
            needs_highest_aal: false,
            settings_need_highest_aal: true,
            hides_duplicates: false,
            registration_gives_hints: false,
            hashing: HashAlgorithm::Bcrypt { cost: 4 },
            login: flow(Some("http://127.0.0.1:4455/login?x=1")),
            registration: flow(None),
            settings: flow(None),
            recovery: flow(None),
            verification: flow(None),
            error_page: None,
            logout_return: None,
            code: SentRules { is_on: true, lifespan: Duration::from_mins(15) },
            code_attempts: 5,
            link: SentRules { is_on: true, lifespan: Duration::from_mins(15) },
            links_below: "http://127.0.0.1:4433/".into(),
            recovery_tells_unknown: false,
            verification_tells_unknown: false,
            has_sms: false,
            tells_services: false,
            recovery_by: Sends::Code,
            verification_by: Sends::Code,
            identifier_first: false,
            hides_accounts: false,
            hooks: FlowHooks::default(),
            registration_in_two_steps: true,
            recovery_continues: false,
        }
    }

    #[test]
    fn addresses_are_made_from_the_public_one() {
        let rules = rules();
        let flow = Uuid::from_u128(1);
        assert_eq!(
            rules.action(FlowKind::Login, flow),
            "http://127.0.0.1:4433/self-service/login?flow=00000000-0000-0000-0000-000000000001"
        );
        assert!(rules.page(FlowKind::Login, flow).starts_with("http://127.0.0.1:4455/login?x=1&flow=0"));
        assert!(rules.page(FlowKind::Settings, flow).starts_with("http://127.0.0.1:4433/ui/settings?flow=0"));
        assert!(rules.error_page(flow).starts_with("http://127.0.0.1:4433/ui/error?id=0"));
        assert_eq!(rules.after(FlowKind::Login), "http://127.0.0.1:4455/");
    }

    #[test]
    fn a_page_without_a_host_is_one_of_this_server_and_messages_name_it_whole() {
        let mut rules = rules();
        let public_url = Url::parse(&rules.base_url).expect("is an address");
        rules.recovery.page = Target::path("/recovery", &public_url);
        rules.error_page = Target::path("/error", &public_url);
        let flow = Uuid::from_u128(1);
        assert!(rules.page(FlowKind::Recovery, flow).starts_with("/recovery?flow=0"));
        assert!(rules.error_page(flow).starts_with("/error?id=0"));
        let whole = rules.whole_page(FlowKind::Recovery, flow);
        assert!(whole.starts_with("http://127.0.0.1:4433/recovery?flow=0"), "{whole}");
        let built_in = rules.whole_page(FlowKind::Settings, flow);
        assert!(built_in.starts_with("http://127.0.0.1:4433/ui/settings?flow=0"), "{built_in}");
    }

    #[test]
    fn own_flows_may_be_returned_to_and_nothing_else_of_the_server() {
        let rules = rules();
        assert!(rules.checked_return("http://127.0.0.1:4433/self-service/settings/browser").is_some());
        assert_eq!(rules.checked_return("http://127.0.0.1:4433/sessions/whoami"), None);
        assert_eq!(rules.checked_return("https://evil.example/"), None);
    }
}
