//! Hooks: what happens before and after a flow, by name.

use serde_json::Value;

use crate::kind::Kind;
use crate::nearest::unknown;
use crate::problem::{Findings, Problem};
use crate::sections::flows::AfterRegistration;
use crate::setting::Setting;
use crate::unsupported::Verdict;

/// The hooks of Kratos, what is lost where one does nothing, and what to do instead.
const HOOKS: &[(&str, Verdict, &str)] = &[
    ("session", Verdict::WithoutEffect, "nobody is signed in by it here"),
    ("show_verification_ui", Verdict::WithoutEffect, "the form for verification is not shown here"),
    ("verification", Verdict::WithoutEffect, "no mail for verification is sent here"),
    ("notify_previous_addresses", Verdict::WithoutEffect, "no mail is sent to the address before"),
    (
        "web_hook",
        Verdict::Restricting,
        "nobody is asked, so nothing is held up by its answer; set response.ignore: true when its answer does not matter",
    ),
    (
        "require_verified_address",
        Verdict::Restricting,
        "people whose address is not verified would sign in as well",
    ),
    ("revoke_active_sessions", Verdict::Restricting, "the other sessions of the person would live on"),
    ("verify_new_address", Verdict::Restricting, "a new address would count before it is verified"),
    ("b2b_sso", Verdict::Restricting, "people of an organization would sign in without its provider"),
    ("organization", Verdict::Restricting, "people of an organization would sign in without its provider"),
];

/// What happens after signing up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistrationHooks {
    /// Whether the person is signed in.
    pub session: bool,
    /// Whether the form for verification is shown.
    pub show_verification_ui: bool,
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

impl Setting for RegistrationHooks {
    const KIND: Kind = Kind::List(&Kind::Any);

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Value::Array(hooks) = value else {
            found.wrong(at, "a list is expected");
            return None;
        };
        judge(value, &["session", "show_verification_ui"], at, found);
        let has = |wanted: &str| hooks.iter().any(|hook| name(hook) == Some(wanted));
        Some(Self { session: has("session"), show_verification_ui: has("show_verification_ui") })
    }
}

fn name(hook: &Value) -> Option<&str> {
    hook.get("hook").unwrap_or(hook).as_str()
}

/// Judges a list of hooks at a place where those in `done` are acted on.
pub(crate) fn judge(value: &Value, done: &[&str], at: &str, found: &mut Findings) {
    let Value::Array(hooks) = value else {
        return found.wrong(at, "a list is expected");
    };
    for (place, hook) in hooks.iter().enumerate() {
        let at = format!("{at}/{place}");
        let Some(name) = name(hook) else {
            found.wrong(at, "a hook is an object with the name of a hook as \"hook\"");
            continue;
        };
        if done.contains(&name) {
            continue;
        }
        let Some((_, verdict, loss)) = HOOKS.iter().find(|(known, ..)| *known == name) else {
            found.wrong(at, unknown("hook", name, HOOKS.iter().map(|(known, ..)| *known)));
            continue;
        };
        let is_ignored = hook.pointer("/config/response/ignore") == Some(&Value::Bool(true));
        let message = format!("the hook \"{name}\" is not supported: {loss}");
        match verdict {
            Verdict::Restricting if !(name == "web_hook" && is_ignored) => {
                found.restricting.push(Problem::new(at, message));
            }
            _ => found.without_effect.push(Problem::new(at, message)),
        }
    }
}
