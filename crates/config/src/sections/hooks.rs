//! Hooks: what happens before and after a flow.

use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::hooks::{WEB_HOOK, judge, name};
use crate::kind::Kind;
use crate::nearest::unknown;
use crate::problem::{Findings, escape};
use crate::sections::web_hook::WebHook;
use crate::setting::{NO_LIST, Setting};

pub use crate::hooks::Hook;

/// Before or after which kind of flow hooks stand. Web hooks may stand everywhere.
pub trait HookPoint {
    /// The server's own that it has there.
    const HAD: &'static [Hook];
    /// Those that Kratos has there, besides [`HookPoint::HAD`]. Others do nothing there, whatever they are.
    const LACKED: &'static [&'static str];
}

/// Before a flow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before;

impl HookPoint for Before {
    const HAD: &'static [Hook] = &[];
    const LACKED: &'static [&'static str] = &["b2b_sso"];
}

/// After signing in.
#[derive(Clone, Copy, Debug, Default)]
pub struct AfterSignIn;

impl HookPoint for AfterSignIn {
    const HAD: &'static [Hook] = &[Hook::RequireVerifiedAddress, Hook::RevokeActiveSessions];
    const LACKED: &'static [&'static str] = &["show_verification_ui", "verification", "b2b_sso"];
}

/// After signing up.
#[derive(Clone, Copy, Debug, Default)]
pub struct AfterSignUp;

impl HookPoint for AfterSignUp {
    const HAD: &'static [Hook] = &[Hook::Session, Hook::ShowVerificationUi];
    const LACKED: &'static [&'static str] = &["verification", "b2b_sso"];
}

/// After a change of one's own account.
#[derive(Clone, Copy, Debug, Default)]
pub struct AfterChange;

impl HookPoint for AfterChange {
    const HAD: &'static [Hook] = &[Hook::RevokeActiveSessions, Hook::ShowVerificationUi];
    const LACKED: &'static [&'static str] =
        &["verification", "verify_new_address", "notify_previous_addresses", "b2b_sso"];
}

/// After recovery.
#[derive(Clone, Copy, Debug, Default)]
pub struct AfterRecovery;

impl HookPoint for AfterRecovery {
    const HAD: &'static [Hook] = &[Hook::RevokeActiveSessions];
    const LACKED: &'static [&'static str] = &[];
}

/// After a verification.
#[derive(Clone, Copy, Debug, Default)]
pub struct AfterVerification;

impl HookPoint for AfterVerification {
    const HAD: &'static [Hook] = &[];
    const LACKED: &'static [&'static str] = &[];
}

/// One of a list of hooks.
#[derive(Clone, Debug)]
pub enum Step {
    /// Something that the server does itself.
    Own(Hook),
    /// Somebody elsewhere is called.
    Web(Arc<WebHook>),
}

/// A list of hooks.
#[derive(Clone, Debug, Default)]
pub struct Hooks<P> {
    steps: Vec<Step>,
    /// Whether Kratos would call one that Sessera lacks.
    lacks_one: bool,
    place: PhantomData<P>,
}

impl<P> Hooks<P> {
    /// Whether a hook of the server's own is in the list.
    pub fn has(&self, hook: Hook) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Own(own) if *own == hook))
    }

    /// The hooks in the order in which they stand.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The web hooks among them.
    pub fn web(&self) -> impl Iterator<Item = &Arc<WebHook>> {
        self.steps.iter().filter_map(|step| match step {
            Step::Web(hook) => Some(hook),
            Step::Own(_) => None,
        })
    }

    /// Whether one is in it that does something there.
    fn does_something(&self) -> bool {
        !self.steps.is_empty() || self.lacks_one
    }
}

impl<P> From<Hook> for Hooks<P> {
    fn from(hook: Hook) -> Self {
        Self { steps: vec![Step::Own(hook)], lacks_one: false, place: PhantomData }
    }
}

impl<P: HookPoint> Setting for Hooks<P> {
    const KIND: Kind = Kind::List(&Kind::Any);

    fn read(value: &Value, _: &Kind, at: &str, found: &mut Findings) -> Option<Self> {
        let Value::Array(hooks) = value else {
            found.wrong(at, NO_LIST);
            return None;
        };
        let (mut steps, mut lacks_one) = (Vec::new(), false);
        for (place, hook) in hooks.iter().enumerate() {
            let at = format!("{at}/{place}");
            let Some(name) = name(hook) else {
                found.wrong(at, "a hook is an object with the name of a hook as \"hook\"");
                continue;
            };
            let told = found.wrong.len();
            // Whoever writes "can_interrupt" beside "config" believes that the hook can stop a flow.
            for member in hook.as_object().into_iter().flat_map(Map::keys) {
                if !matches!(member.as_str(), "hook" | "config") && !member.starts_with("x-") {
                    found.wrong(
                        format!("{at}/{}", escape(member)),
                        unknown("key", member, ["hook", "config"]),
                    );
                }
            }
            if name == WEB_HOOK {
                match hook.get("config").filter(|config| !config.is_null()) {
                    Some(config) => {
                        let hook = WebHook::read(config, &format!("{at}/config"), found);
                        steps.extend(hook.map(Arc::new).map(Step::Web));
                    }
                    // A name that is not known is what was meant to be it.
                    None if found.wrong.len() > told => {}
                    None => found.wrong(
                        format!("{at}/config"),
                        "whom it calls is missing: write config with url and method",
                    ),
                }
                continue;
            }
            if Hook::ALL.iter().any(|own| own.name() == name) {
                judge_config(
                    name,
                    hook.get("config").unwrap_or(&Value::Null),
                    &format!("{at}/config"),
                    found,
                );
            }
            if let Some(own) = P::HAD.iter().find(|own| own.name() == name) {
                steps.push(Step::Own(*own));
            } else {
                lacks_one |= P::LACKED.contains(&name);
                judge(name, P::HAD, at, found);
            }
        }
        Some(Self { steps, lacks_one, place: PhantomData })
    }
}

/// Refuses what somebody tells a hook of the server's own, none of which can be told anything.
fn judge_config(name: &str, config: &Value, at: &str, found: &mut Findings) {
    let message = |what: &str| {
        format!(
            "the hook \"{name}\" does the same wherever it stands, and {what}: remove it, or write the hook that was meant"
        )
    };
    match config {
        Value::Null => {}
        Value::Object(members) => {
            for member in members.keys().filter(|member| !member.starts_with("x-")) {
                let short: String = member.chars().take(64).collect();
                let what = format!("has no key \"{short}\"");
                found.wrong(format!("{at}/{}", escape(member)), message(&what));
            }
        }
        _ => found.wrong(at, message("takes no config")),
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
    /// The hooks after all methods that have none of their own.
    pub const fn general(&self) -> &Hooks<P> {
        &self.general
    }

    /// These, and hooks of a method's own.
    #[must_use]
    pub fn with(mut self, method: &'static str, hooks: Hooks<P>) -> Self {
        self.own.push((method, hooks));
        self
    }

    /// The hooks of methods.
    pub fn own(&self) -> &[(&'static str, Hooks<P>)] {
        &self.own
    }

    /// All lists: the general one, and those of methods.
    pub fn lists(&self) -> impl Iterator<Item = &Hooks<P>> {
        std::iter::once(&self.general).chain(self.own.iter().map(|(_, hooks)| hooks))
    }

    /// The hooks after a method. Where it has its own, the general ones are not called.
    pub fn of(&self, method: &str) -> &Hooks<P> {
        self.own.iter().find(|(known, _)| *known == method).map_or(&self.general, |(_, hooks)| hooks)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::problem::Problem;

    fn wrong<P: HookPoint>(hooks: Value) -> Vec<Problem> {
        let mut found = Findings::default();
        Hooks::<P>::read(&hooks, &Hooks::<P>::KIND, "/hooks", &mut found);
        found.wrong
    }

    #[test]
    fn what_a_hook_of_the_servers_own_is_told_is_refused_wherever_it_stands() {
        for hook in Hook::ALL.iter().map(|hook| hook.name()) {
            for (config, pointer) in [
                (json!({"revoke": true}), "/hooks/0/config/revoke"),
                (json!({"Foo": 1}), "/hooks/0/config/Foo"),
                (json!([]), "/hooks/0/config"),
                (json!("x"), "/hooks/0/config"),
            ] {
                let hooks = json!([{"hook": hook, "config": config}]);
                for wrong in [
                    wrong::<Before>(hooks.clone()),
                    wrong::<AfterSignIn>(hooks.clone()),
                    wrong::<AfterSignUp>(hooks.clone()),
                    wrong::<AfterChange>(hooks.clone()),
                    wrong::<AfterRecovery>(hooks.clone()),
                    wrong::<AfterVerification>(hooks),
                ] {
                    assert!(wrong.len() == 1 && wrong[0].pointer == pointer, "{hook} {wrong:?}");
                    assert!(wrong[0].message.contains(hook), "{wrong:?}");
                }
            }
            for nothing in [
                json!({"hook": hook}),
                json!({"hook": hook, "config": {}}),
                json!({"hook": hook, "config": null}),
            ] {
                assert_eq!(wrong::<AfterSignUp>(json!([nothing])), []);
            }
        }
    }

    #[test]
    fn a_web_hook_without_config_is_told_once() {
        let config = json!({"url": "https://hooks.example.org/", "method": "POST"});
        for (hook, pointer) in [
            (json!({"hook": "web_hook"}), "/hooks/0/config"),
            (json!({"hook": "web_hook", "config": null}), "/hooks/0/config"),
            (json!({"hook": "web_hook", "cnfig": config}), "/hooks/0/cnfig"),
        ] {
            let wrong = wrong::<Before>(json!([hook]));
            assert!(wrong.len() == 1 && wrong[0].pointer == pointer, "{wrong:?}");
        }
    }
}
