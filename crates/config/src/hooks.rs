//! The hooks of Kratos: those that Sessera has, and what it means that it lacks the others.

use serde_json::Value;

use crate::nearest::unknown;
use crate::problem::{Findings, Problem};
use crate::verdict::Verdict;

/// A hook that Sessera has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Who has signed up is signed in.
    Session,
    /// A client is told to show the form for verification.
    ShowVerificationUi,
    /// Nobody signs in whose addresses are all unverified.
    RequireVerifiedAddress,
    /// The other sessions of the person end.
    RevokeActiveSessions,
}

impl Hook {
    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::ShowVerificationUi => "show_verification_ui",
            Self::RequireVerifiedAddress => "require_verified_address",
            Self::RevokeActiveSessions => "revoke_active_sessions",
        }
    }
}

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

/// The name of a hook in a list of hooks.
pub(crate) fn name(hook: &Value) -> Option<&str> {
    hook.get("hook").unwrap_or(hook).as_str()
}

/// Whether the answer to a hook is ignored, and nothing else is said: one whose answer is read, or may interrupt, is
/// meant to block.
fn is_ignored(hook: &Value) -> bool {
    let says = |pointer: &str| match hook.pointer(pointer) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(_) => true,
    };
    hook.pointer("/config/response/ignore") == Some(&Value::Bool(true))
        && !["/config/can_interrupt", "/config/response/parse", "/can_interrupt"].into_iter().any(says)
}

/// Judges a list of hooks at a place that has those in `had`.
pub(crate) fn judge(value: &Value, had: &[Hook], at: &str, found: &mut Findings) {
    let Value::Array(hooks) = value else {
        return found.wrong(at, "a list is expected");
    };
    for (place, hook) in hooks.iter().enumerate() {
        let at = format!("{at}/{place}");
        let Some(name) = name(hook) else {
            found.wrong(at, "a hook is an object with the name of a hook as \"hook\"");
            continue;
        };
        if had.iter().any(|hook| hook.name() == name) {
            continue;
        }
        let Some((_, verdict, loss)) = HOOKS.iter().find(|(known, ..)| *known == name) else {
            found.wrong(at, unknown("hook", name, HOOKS.iter().map(|(known, ..)| *known)));
            continue;
        };
        let is_ignored = is_ignored(hook);
        let message = format!("the hook \"{name}\" is not supported: {loss}");
        match verdict {
            Verdict::Restricting if !(name == "web_hook" && is_ignored) => {
                found.restricting.push(Problem::new(at, message));
            }
            _ => found.without_effect.push(Problem::new(at, message)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_web_hook_blocks_unless_nothing_of_its_answer_counts() {
        let blocks = |config: Value| {
            let mut found = Findings::default();
            judge(&json!([{"hook": "web_hook", "config": config}]), &[], "/hooks", &mut found);
            found.restricting.len() == 1
        };
        assert!(!blocks(json!({"response": {"ignore": true}})));
        assert!(!blocks(json!({"response": {"ignore": true, "parse": false}, "can_interrupt": false})));
        for config in [
            json!({}),
            json!({"response": {"ignore": true}, "can_interrupt": true}),
            json!({"response": {"ignore": true, "parse": true}}),
            json!({"response": {"ignore": "true"}}),
            json!({"response": {"ignore": true}, "can_interrupt": "true"}),
        ] {
            assert!(blocks(config.clone()), "{config}");
        }
    }
}
