//! Passwords that another system still keeps: it is asked once, when their owner signs in.

use serde_json::{Map, Value, json};
use sessera_config::{Config, Problem};
use sessera_model::{Credential, CredentialKind, Identity};

use crate::flows::error::FlowError;
use crate::flows::hooks::HookEvent;
use crate::flows::method::LoginAttempt;
use crate::hooks::caller::{Reply, Unanswered};
use crate::hooks::calls::HookFailure;
use crate::hooks::request::{NoRequest, Request};

/// The member of a credential that says that another system keeps the password.
pub const FLAG: &str = "use_password_migration_hook";

/// What is sent where the configuration names no program.
const BODY: &str = "function(ctx) { identifier: ctx.identifier, password: ctx.password }";

/// The system that keeps passwords.
#[derive(Clone, Debug)]
pub(super) struct Migration(Request);

impl Migration {
    /// Compiles what the configuration says. What is wrong is added to the problems.
    pub(super) fn compile(config: &Config, problems: &mut Vec<Problem>) -> Option<Self> {
        let request = config.migrate_hook.as_ref()?;
        match Request::compile(request, &config.reach, Some(BODY)) {
            Ok(request) => Some(Self(request)),
            Err(problem) => {
                problems.push(problem);
                None
            }
        }
    }

    /// Whether a password is that of somebody, as the other system says.
    pub(super) async fn knows(
        &self,
        attempt: &LoginAttempt<'_>,
        identity: &Identity,
        identifier: &str,
        password: &str,
    ) -> Result<bool, FlowError> {
        let context = context(attempt, identity, identifier, password);
        let failed = |failure: HookFailure, error: &str| {
            tracing::error!(%error, "the hook for passwords of another system failed, so nobody signs in by it");
            FlowError::Hook(failure)
        };
        let request = self.0.make(&context, true).map_err(|error| match error {
            NoRequest::CalledOff => failed(HookFailure::Broken, "its body calls it off"),
            // What the program says may have the password in it.
            NoRequest::Broken(_) => failed(HookFailure::Broken, "its body cannot be made"),
        })?;
        match attempt.visit.accounts.web_hooks.inquire(&request).await {
            Ok(Reply::Told(body)) => Ok(says_match(&body)),
            Ok(Reply::Forbidden(_)) => Ok(false),
            Ok(Reply::Well | Reply::Refused(_)) => Err(failed(
                HookFailure::Unanswered,
                "it answers neither that the password is right nor that it is wrong",
            )),
            Ok(Reply::Troubled(what) | Reply::Strange(what)) => Err(failed(HookFailure::Unanswered, &what)),
            Err(error @ Unanswered::TimedOut) => Err(failed(HookFailure::TimedOut, &error.to_string())),
            Err(error) => Err(failed(HookFailure::Unanswered, &error.to_string())),
        }
    }
}

/// Whether another system keeps the password of a credential.
pub fn is_elsewhere(credential: &Credential) -> bool {
    let config = &credential.config;
    credential.kind == CredentialKind::Password
        && config.text("hashed_password").is_none_or(str::is_empty)
        && config.expose().get(FLAG) == Some(&Value::Bool(true))
}

/// Whether an answer says that the password is right.
fn says_match(body: &[u8]) -> bool {
    let answer: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
    answer.is_some_and(|answer| answer.get("status").is_some_and(|status| status == "password_match"))
}

/// What the program gets as `ctx`.
fn context(attempt: &LoginAttempt<'_>, identity: &Identity, identifier: &str, password: &str) -> Value {
    let flow = &attempt.flow;
    let told = json!({
        "id": flow.id,
        "type": flow.transport,
        "issued_at": flow.issued_at,
        "expires_at": flow.expires_at,
        "request_url": flow.request_url,
        "transient_payload": flow.transient_payload.clone().unwrap_or_else(|| json!({})),
    });
    let happening = HookEvent { flow: &told, identity: Some(identity), session: None };
    let mut context = attempt.visit.context(happening);
    context["identifier"] = identifier.into();
    context["password"] = password.into();
    context
}
