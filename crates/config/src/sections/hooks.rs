//! Hooks: what happens after a flow, by name.

use std::marker::PhantomData;

use serde_json::Value;

use crate::hooks::{judge, name};
use crate::kind::Kind;
use crate::problem::Findings;
use crate::setting::Setting;

pub use crate::hooks::Hook;

/// After which kind of flow hooks stand.
pub trait Place {
    /// Those that Sessera has there.
    const HAD: &'static [Hook];
    /// Those that Kratos has there, besides [`Place::HAD`]. Others do nothing there, whatever they are.
    const LACKED: &'static [&'static str];
}

/// After signing in.
#[derive(Clone, Copy, Debug, Default)]
pub struct AfterSignIn;

impl Place for AfterSignIn {
    const HAD: &'static [Hook] = &[Hook::RequireVerifiedAddress, Hook::RevokeActiveSessions];
    const LACKED: &'static [&'static str] = &["web_hook", "show_verification_ui", "verification", "b2b_sso"];
}

/// After signing up.
#[derive(Clone, Copy, Debug, Default)]
pub struct AfterSignUp;

impl Place for AfterSignUp {
    const HAD: &'static [Hook] = &[Hook::Session, Hook::ShowVerificationUi];
    const LACKED: &'static [&'static str] = &["web_hook", "verification", "b2b_sso"];
}

/// After a change of one's own account.
#[derive(Clone, Copy, Debug, Default)]
pub struct AfterChange;

impl Place for AfterChange {
    const HAD: &'static [Hook] = &[Hook::RevokeActiveSessions, Hook::ShowVerificationUi];
    const LACKED: &'static [&'static str] =
        &["web_hook", "verification", "verify_new_address", "notify_previous_addresses", "b2b_sso"];
}

/// After recovery.
#[derive(Clone, Copy, Debug, Default)]
pub struct AfterRecovery;

impl Place for AfterRecovery {
    const HAD: &'static [Hook] = &[Hook::RevokeActiveSessions];
    const LACKED: &'static [&'static str] = &["web_hook"];
}

/// A list of hooks.
#[derive(Clone, Debug, Default)]
pub struct Hooks<P> {
    had: Vec<Hook>,
    /// Whether Kratos would call one that Sessera lacks.
    lacks_one: bool,
    place: PhantomData<P>,
}

impl<P> Hooks<P> {
    /// Whether a hook is in the list.
    pub fn has(&self, hook: Hook) -> bool {
        self.had.contains(&hook)
    }

    /// Whether one is in it that does something there.
    fn does_something(&self) -> bool {
        !self.had.is_empty() || self.lacks_one
    }
}

impl<P> From<Hook> for Hooks<P> {
    fn from(hook: Hook) -> Self {
        Self { had: vec![hook], lacks_one: false, place: PhantomData }
    }
}

impl<P: Place> Setting for Hooks<P> {
    const KIND: Kind = Kind::List(&Kind::Any);

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        judge(value, P::HAD, at, found);
        let names: Vec<&str> = value.as_array()?.iter().filter_map(name).collect();
        let had = P::HAD.iter().copied().filter(|hook| names.contains(&hook.name())).collect();
        let lacks_one = names.iter().any(|name| P::LACKED.contains(name));
        Some(Self { had, lacks_one, place: PhantomData })
    }
}

/// The hooks after a kind of flow, by the method with which it ended.
#[derive(Clone, Debug, Default)]
pub struct HooksByMethod<P> {
    general: Hooks<P>,
    own: Vec<(&'static str, Hooks<P>)>,
}

impl<P: Clone> HooksByMethod<P> {
    pub(crate) fn new(general: &Hooks<P>, own: &[(&'static str, &Hooks<P>)]) -> Self {
        let own = own.iter().filter(|(_, hooks)| hooks.does_something());
        Self {
            general: general.clone(),
            own: own.map(|(method, hooks)| (*method, (*hooks).clone())).collect(),
        }
    }
}

impl<P> From<Hooks<P>> for HooksByMethod<P> {
    fn from(general: Hooks<P>) -> Self {
        Self { general, own: Vec::new() }
    }
}

impl<P> HooksByMethod<P> {
    /// The hooks after a method. Where it has its own, the general ones are not called.
    pub fn of(&self, method: &str) -> &Hooks<P> {
        self.own.iter().find(|(known, _)| *known == method).map_or(&self.general, |(_, hooks)| hooks)
    }
}
