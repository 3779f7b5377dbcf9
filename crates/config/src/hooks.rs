//! The hooks of Kratos: those that Sessera has by itself, and what it means that it lacks others.

use serde_json::Value;

use crate::nearest::unknown;
use crate::problem::{Findings, Problem};
use crate::verdict::Verdict;

/// A hook of the server's own.
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
    /// All hooks that the server has of its own.
    pub(crate) const ALL: &'static [Self] =
        &[Self::Session, Self::ShowVerificationUi, Self::RequireVerifiedAddress, Self::RevokeActiveSessions];

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

/// The name of the hook that calls somebody elsewhere.
pub(crate) const WEB_HOOK: &str = "web_hook";

/// The hooks of Kratos where nothing happens, what is lost where one does nothing, and what to do instead.
const HOOKS: &[(&str, Verdict, &str)] = &[
    ("session", Verdict::WithoutEffect, "nobody is signed in by it here"),
    ("show_verification_ui", Verdict::WithoutEffect, "the form for verification is not shown here"),
    ("verification", Verdict::WithoutEffect, "no mail for verification is sent here"),
    ("notify_previous_addresses", Verdict::WithoutEffect, "no mail is sent to the address before"),
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

/// Judges a hook that does nothing where it stands. `had` are those that do something there.
pub(crate) fn judge(name: &str, had: &[Hook], at: String, found: &mut Findings) {
    let Some((_, verdict, loss)) = HOOKS.iter().find(|(known, ..)| *known == name) else {
        let known = had.iter().map(|hook| hook.name()).chain([WEB_HOOK]);
        return found.wrong(at, unknown("hook", name, known));
    };
    let problem = Problem::new(at, format!("the hook \"{name}\" is not supported: {loss}"));
    match verdict {
        Verdict::Restricting => found.restricting.push(problem),
        _ => found.without_effect.push(problem),
    }
}
