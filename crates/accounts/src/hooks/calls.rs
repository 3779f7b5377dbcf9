//! Calls of web hooks: those that are waited for, and those beside a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sessera_config::sections::web_hook::Answer;
use tokio::sync::Semaphore;

use crate::hooks::answer::{self, Said, Unread};
use crate::hooks::caller::{HookCaller, HookRequest, Refusal, Reply, Unanswered};
use crate::hooks::request::NoRequest;
use crate::hooks::web_hook::WebHook;
use crate::metrics::{HookOutcome, Metrics};

/// How long to wait before a hook is called again that was away or in trouble. After the last time it is not.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// How many calls are under way at the same time for which nobody waits.
const MOST_BESIDE: usize = 256;

/// Why a web hook that must answer did not. The log has the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HookFailure {
    /// It takes too long.
    #[error("a web hook did not answer in time")]
    TimedOut,
    /// Nobody is there, or it answers that something went wrong.
    #[error("a web hook did not answer well")]
    Unanswered,
    /// Its answer cannot be read, or says what cannot be.
    #[error("the answer of a web hook cannot be used")]
    Unreadable,
    /// It refuses, and does not say why in a form that can be shown.
    #[error("a web hook refuses without a reason that can be shown")]
    NoReason,
    /// The program that makes its body fails.
    #[error("the body of a web hook cannot be made")]
    Broken,
}

/// Calls web hooks.
pub struct WebHooks {
    caller: Arc<dyn HookCaller>,
    beside: Arc<Semaphore>,
    metrics: Metrics,
}

impl fmt::Debug for WebHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebHooks").finish_non_exhaustive()
    }
}

impl WebHooks {
    /// Web hooks as `caller` calls them.
    pub fn new(caller: Arc<dyn HookCaller>, metrics: Metrics) -> Self {
        Self { caller, beside: Arc::new(Semaphore::new(MOST_BESIDE)), metrics }
    }

    /// Sends a request once, about which nobody but the caller decides anything.
    pub async fn send(&self, request: &HookRequest) -> Result<Reply, Unanswered> {
        self.caller.call(request).await
    }

    /// Calls a web hook about something that happens, which `context` tells. Where its answer is ignored, that is done
    /// beside the request, and it may go on at once.
    pub async fn call(&self, hook: &Arc<WebHook>, context: Value) -> Result<Said, HookFailure> {
        if hook.answer == Answer::Ignored {
            self.tell(hook.clone(), context);
            return Ok(Said::GoOn);
        }
        let outcome = self.ask(hook, &context).await;
        self.metrics.web_hook(match &outcome {
            Ok(Said::Refused(_)) => HookOutcome::Refused,
            Ok(_) => HookOutcome::Answered,
            Err(_) => HookOutcome::Failed,
        });
        outcome
    }

    /// Asks somebody who must answer, and counts that like a web hook.
    pub async fn inquire(&self, request: &HookRequest) -> Result<Reply, Unanswered> {
        let answer = repeated(&*self.caller, request).await;
        self.metrics.web_hook(match &answer {
            Ok(Reply::Told(_) | Reply::Well) => HookOutcome::Answered,
            Ok(Reply::Refused(_) | Reply::Forbidden(_)) => HookOutcome::Refused,
            Ok(Reply::Troubled(_) | Reply::Strange(_)) | Err(_) => HookOutcome::Failed,
        });
        answer
    }

    async fn ask(&self, hook: &WebHook, context: &Value) -> Result<Said, HookFailure> {
        let failed = |failure, error: String| {
            tracing::error!(hook = %hook.name, %error, "a web hook failed, so the flow stops");
            failure
        };
        let request = match hook.request(context) {
            Ok(request) => request,
            Err(NoRequest::CalledOff) => return Ok(Said::GoOn),
            Err(NoRequest::Broken(error)) => return Err(failed(HookFailure::Broken, error)),
        };
        let reply = repeated(&*self.caller, &request).await.map_err(|error| {
            let failure = match error {
                Unanswered::TimedOut => HookFailure::TimedOut,
                Unanswered::Away(_) | Unanswered::Impossible(_) => HookFailure::Unanswered,
            };
            failed(failure, error.to_string())
        })?;
        match (hook.answer, reply) {
            (_, Reply::Troubled(what) | Reply::Strange(what)) => Err(failed(HookFailure::Unanswered, what)),
            (
                Answer::Awaited,
                Reply::Refused(Refusal { said, .. }) | Reply::Forbidden(Refusal { said, .. }),
            ) => {
                let error =
                    format!("{said}; with response.parse or can_interrupt its messages would be read");
                Err(failed(HookFailure::Unanswered, error))
            }
            (Answer::Awaited | Answer::Ignored, _) => Ok(Said::GoOn),
            (answer @ (Answer::MayRefuse | Answer::MayChange), reply) => {
                answer::read(reply, answer == Answer::MayChange).map_err(|unread| match unread {
                    Unread::Answer(error) => failed(HookFailure::Unreadable, error),
                    Unread::Reasons(error) => failed(HookFailure::NoReason, error),
                })
            }
        }
    }

    /// Tells a web hook beside the request. When too many are being told, this one is not.
    fn tell(&self, hook: Arc<WebHook>, context: Value) {
        let Ok(place) = self.beside.clone().try_acquire_owned() else {
            tracing::warn!(hook = %hook.name, "a web hook is not called, because {MOST_BESIDE} are being called");
            return self.metrics.web_hook(HookOutcome::Dropped);
        };
        let (caller, metrics) = (self.caller.clone(), self.metrics.clone());
        tokio::spawn(async move {
            let problem = told(&*caller, &hook, &context).await.err();
            metrics.web_hook(if problem.is_some() { HookOutcome::Failed } else { HookOutcome::Answered });
            if let Some(error) = problem {
                tracing::warn!(hook = %hook.name, %error, "a web hook failed whose answer is ignored");
            }
            drop(place);
        });
    }
}

/// Tells a web hook. The error says why it does not know.
async fn told(caller: &dyn HookCaller, hook: &WebHook, context: &Value) -> Result<(), String> {
    let request = match hook.request(context) {
        Ok(request) => request,
        Err(NoRequest::CalledOff) => return Ok(()),
        Err(NoRequest::Broken(error)) => return Err(error),
    };
    match repeated(caller, &request).await.map_err(|error| error.to_string())? {
        Reply::Told(_) | Reply::Well => Ok(()),
        Reply::Refused(Refusal { said, .. }) | Reply::Forbidden(Refusal { said, .. }) => Err(said),
        Reply::Troubled(what) | Reply::Strange(what) => Err(what),
    }
}

/// Sends a request, and again when nobody was there or something was wrong for the moment.
async fn repeated(caller: &dyn HookCaller, request: &HookRequest) -> Result<Reply, Unanswered> {
    for wait in WAITS {
        match caller.call(request).await {
            Ok(Reply::Troubled(_)) | Err(Unanswered::Away(_)) => tokio::time::sleep(wait).await,
            outcome => return outcome,
        }
    }
    caller.call(request).await
}

#[cfg(test)]
mod tests;
