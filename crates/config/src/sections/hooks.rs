//! Hooks: what happens before and after a flow, by name.

use serde_json::Value;

use crate::hooks::{judge, name};
use crate::kind::Kind;
use crate::problem::Findings;
use crate::setting::Setting;

/// What happens after signing up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistrationHooks {
    /// Whether the person is signed in.
    pub session: bool,
    /// Whether the form for verification is shown.
    pub show_verification_ui: bool,
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
