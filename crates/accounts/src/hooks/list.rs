//! The hooks of each flow, compiled.

use std::sync::Arc;

use sessera_config::Problem;
use sessera_config::reach::Reach;
use sessera_config::sections::hooks::{self as written, Hook};
use sessera_config::sections::web_hook::Answer;
use sessera_store::FlowKind;

use crate::hooks::web_hook::WebHook;

/// One of a list of hooks.
#[derive(Clone, Debug)]
pub enum Step {
    /// Something that the server does itself.
    Own(Hook),
    /// Somebody elsewhere is called.
    Web(Arc<WebHook>),
}

/// A list of hooks, in the order in which they are called.
#[derive(Clone, Debug, Default)]
pub struct HookList(Vec<Step>);

impl HookList {
    /// Whether a hook of the server's own is in the list.
    pub fn has(&self, hook: Hook) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Own(own) if *own == hook))
    }

    /// The hooks.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.0.iter()
    }

    /// The web hooks whose answers may keep something from being done.
    pub fn before_it_is_done(&self) -> impl Iterator<Item = &Arc<WebHook>> {
        self.web().filter(|hook| !hook.is_called_afterwards())
    }

    /// Whether a web hook that must answer when everything is done stands before a hook of the server's own.
    pub fn waits_before(&self, hook: Hook) -> bool {
        let is_it = |step: &&Step| matches!(step, Step::Own(own) if *own == hook);
        let mut before = self.0.iter().take_while(|step| !is_it(step));
        before.any(|step| matches!(step, Step::Web(hook) if hook.answer == Answer::Awaited))
    }

    /// All web hooks.
    pub fn web(&self) -> impl Iterator<Item = &Arc<WebHook>> {
        self.0.iter().filter_map(|step| match step {
            Step::Web(hook) => Some(hook),
            Step::Own(_) => None,
        })
    }
}

/// The hooks after a kind of flow, by the method with which it ended.
#[derive(Clone, Debug, Default)]
pub struct HooksByMethod {
    general: HookList,
    own: Vec<(&'static str, HookList)>,
}

impl HooksByMethod {
    /// The hooks after a method. Where it has its own, the general ones are not called.
    pub fn of(&self, method: &str) -> &HookList {
        self.own.iter().find(|(known, _)| *known == method).map_or(&self.general, |(_, hooks)| hooks)
    }
}

/// What happens before and after flows.
#[derive(Clone, Debug, Default)]
pub struct FlowHooks {
    /// Before a flow of each kind is begun.
    pub before: Vec<(FlowKind, HookList)>,
    /// After signing in.
    pub login: HooksByMethod,
    /// After signing up.
    pub registration: HooksByMethod,
    /// After a change of one's own account.
    pub settings: HooksByMethod,
    /// After recovery.
    pub recovery: HookList,
    /// After a verification.
    pub verification: HookList,
    /// Whether the other sessions of somebody who gets back into their account end.
    pub recovery_revokes: bool,
    /// The headers of a request that others are told of, in small letters.
    pub told_headers: Vec<String>,
    /// Whether there is any web hook, or another system that is asked for passwords.
    pub has_web_hooks: bool,
}

impl FlowHooks {
    /// The web hooks before a flow of a kind.
    pub fn before(&self, kind: FlowKind) -> impl Iterator<Item = &Arc<WebHook>> {
        self.before.iter().filter(move |(of, _)| *of == kind).flat_map(|(_, hooks)| hooks.web())
    }
}

/// Compiles lists, and keeps what is wrong with them.
#[derive(Debug)]
pub struct Compiler<'a> {
    reach: &'a Reach,
    /// What was wrong with the hooks that were compiled.
    pub wrong: Vec<Problem>,
}

impl<'a> Compiler<'a> {
    /// One for a configuration.
    pub const fn new(reach: &'a Reach) -> Self {
        Self { reach, wrong: Vec::new() }
    }

    /// A list as it is written.
    pub fn list<P>(&mut self, hooks: &written::Hooks<P>) -> HookList {
        let step = |step: &written::Step| match step {
            written::Step::Own(hook) => Some(Step::Own(*hook)),
            written::Step::Web(hook) => match WebHook::compile(hook, self.reach) {
                Ok(hook) => Some(Step::Web(Arc::new(hook))),
                Err(problem) => {
                    self.wrong.push(problem);
                    None
                }
            },
        };
        HookList(hooks.steps().iter().filter_map(step).collect())
    }

    /// Lists by method as they are written.
    pub fn by_method<P>(&mut self, hooks: &written::HooksByMethod<P>) -> HooksByMethod {
        let own = hooks.own().iter().map(|(method, hooks)| (*method, self.list(hooks))).collect();
        HooksByMethod { general: self.list(hooks.general()), own }
    }
}
