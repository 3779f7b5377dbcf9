//! When web hooks are called, and what they are told.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sessera_model::{Identity, IdentityView, Session, SessionView};
use sessera_store::{Change, FlowKind};

use crate::flows::error::FlowError;
use crate::flows::flow::{Flow, Standing};
use crate::flows::skeleton::{Flows, Kind, Outcome, Shown};
use crate::flows::visit::Visit;
use crate::hooks::answer::{Changes, Notice, Said};
use crate::hooks::calls::HookFailure;
use crate::hooks::web_hook::WebHook;
use crate::identities::IdentityError;

/// What happens, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct HookEvent<'a> {
    /// The flow as JSON on the wire.
    pub flow: &'a Value,
    /// Whom it concerns, as they are to be.
    pub identity: Option<&'a Identity>,
    /// Their session.
    pub session: Option<&'a Session>,
}

/// Why a flow does not go on.
#[derive(Debug)]
pub enum Stop {
    /// A web hook refuses it, and says why.
    Refused(Vec<Notice>),
    /// A web hook that must answer did not.
    Failed(HookFailure),
}

impl From<Stop> for FlowError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(notices) => Self::RefusedByHook(notices),
            Stop::Failed(failure) => Self::Hook(failure),
        }
    }
}

/// What follows when the changes of a web hook make no identity. That is its fault, and not that of the person.
pub fn impossible(hook: &WebHook, error: &IdentityError) -> FlowError {
    tracing::error!(hook = %hook.name, %error, "a web hook asked for changes that cannot be made, so the flow stops");
    FlowError::Hook(HookFailure::Unreadable)
}

impl Visit<'_> {
    /// Calls a web hook about something that happens. What comes back is what it changes about the identity.
    pub async fn ask(
        &self,
        hook: &Arc<WebHook>,
        happening: HookEvent<'_>,
    ) -> Result<Option<Box<Changes>>, Stop> {
        match self.accounts.web_hooks.call(hook, self.context(happening)).await {
            Ok(Said::GoOn) => Ok(None),
            Ok(Said::Change(changes)) => Ok(Some(changes)),
            Ok(Said::Refused(notices)) => Err(Stop::Refused(notices)),
            Err(failure) => Err(Stop::Failed(failure)),
        }
    }

    /// What the program of a web hook gets as `ctx`.
    pub fn context(&self, happening: HookEvent<'_>) -> Value {
        let HookEvent { flow, identity, session } = happening;
        let told = self.visitor.details.clone().unwrap_or_default();
        let schemas_url = self.rules.url("schemas/");
        let view = IdentityView::public(&schemas_url);
        let headers: Map<_, _> =
            told.headers.into_iter().map(|(name, values)| (name, values.into())).collect();
        let cookies: Map<_, _> = told.cookies.into_iter().map(|(name, value)| (name, value.into())).collect();
        let mut context = json!({
            "flow": flow,
            "request_headers": headers,
            "request_method": told.method,
            "request_url": self.visitor.request_url,
            "request_cookies": cookies,
        });
        if let Some(identity) = identity {
            context["identity"] = identity.to_json(view);
        }
        if let Some(session) = session {
            let identity = identity.map(|identity| (identity, view));
            context["session"] = session.to_json(self.now, SessionView { identity, devices: true });
        }
        context
    }
}

impl Flows<'_> {
    /// Calls the web hooks before a flow is begun, any of which may refuse that.
    pub async fn before<K: Kind>(
        &self,
        shown: &Shown<K>,
        session: Option<&Session>,
    ) -> Result<(), FlowError> {
        // The contract tells of a session only where there is one in any case.
        let session = session.filter(|_| K::KIND == FlowKind::Settings);
        let mut told = None;
        for hook in self.visit.rules.hooks.before(K::KIND) {
            let flow = &*told.get_or_insert_with(|| shown.to_json());
            self.visit.ask(hook, HookEvent { flow, identity: None, session }).await?;
        }
        Ok(())
    }

    /// Asks the hooks before a flow of which nothing has been shown yet.
    pub async fn before_begun<K: Kind>(
        &self,
        flow: &Flow<K>,
        session: Option<&Session>,
    ) -> Result<(), FlowError> {
        if self.visit.rules.hooks.before(K::KIND).next().is_none() {
            return Ok(());
        }
        let shown = self.shown(flow.clone(), None).await?;
        self.before(&shown, session).await
    }

    /// A flow as web hooks are told of it. `made` keeps it for the next one.
    pub async fn told<'m, K: Kind>(
        &self,
        flow: &Flow<K>,
        made: &'m mut Option<Value>,
    ) -> Result<&'m Value, FlowError> {
        let told = match made.take() {
            Some(told) => told,
            None => self.shown(flow.clone(), None).await?.to_json(),
        };
        Ok(made.insert(told))
    }

    /// Shows a flow again that does not go on, with what a web hook says.
    pub async fn stopped<K: Kind>(&self, mut flow: Flow<K>, stop: Stop) -> Result<Outcome<K>, FlowError> {
        match stop {
            Stop::Refused(notices) => {
                flow.say_of_hook(notices);
                self.again(flow, Standing::Refused).await
            }
            Stop::Failed(failure) => Err(FlowError::Hook(failure)),
        }
    }

    /// Begins a flow in place of one that does not go on, whose code is used up, with what a web hook says.
    pub async fn stopped_for_good<K: Kind>(
        &self,
        flow: &Flow<K>,
        used: &[Change],
        stop: Stop,
    ) -> Result<Outcome<K>, FlowError> {
        match stop {
            Stop::Refused(notices) => {
                self.visit.commit(used).await.map_err(FlowError::outrun)?;
                let replaced = self.replacement(flow, |by| by.say_of_hook(notices)).await?;
                Ok(Outcome::Replaced(Box::new(replaced)))
            }
            // The code is good for another try when the hook is back.
            Stop::Failed(failure) => Err(FlowError::Hook(failure)),
        }
    }
}
