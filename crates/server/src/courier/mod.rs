//! Sends the messages of the outbox: codes for recovery and verification, by e-mail.
//!
//! A flow puts a message into the outbox in the commit in which it changes, so a message is never lost
//! and never sent for a change that did not happen. The courier takes what is due, under a lease: of
//! several nodes one sends a message, and when that node dies the lease ends and another one tries. A
//! message leaves the outbox when the mail server has taken it; a mail may come twice when a node dies
//! between the two. What fails is tried again, with growing pauses, until the code in it has ended.

mod language;
mod mail;
mod smtp;

use std::sync::Arc;
use std::time::Duration;

use sessera_model::Timestamp;
use sessera_store::{Change, CodePurpose, Message, StoreError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::App;
use crate::flows::codes::{self, CodeRequest};
use crate::http::listener::stopped;

pub use language::Language;
pub use mail::{CodeMail, Mail};
pub use smtp::{NotSent, Smtp};

/// How often the outbox is looked at when nothing tells that a message is there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many messages are sent at once.
const AT_ONCE: u32 = 8;

/// How long a message is reserved for the node that sends it; longer than sending may take.
const LEASE: Duration = Duration::from_secs(90);

/// How long sending one message may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(60);

/// How long messages on their way may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// The longest pause before the next attempt.
const MAX_PAUSE: Duration = Duration::from_secs(120);

/// What the configuration says about sending.
#[derive(Debug)]
pub struct Courier {
    /// The mail server. Without one, messages wait until there is one or their codes have ended.
    pub smtp: Option<Smtp>,
    /// Without a mail server, show messages in the log. For development only: they hold codes.
    pub shows_in_log: bool,
}

/// Sends what is due, again and again, until the server stops.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        let mut delivery = std::pin::pin!(deliver_due(&app));
        let sent = tokio::select! {
            sent = &mut delivery => sent,
            () = stopped(&mut stop) => {
                // What is cut off stays in the outbox and is sent after the next start.
                let _ = tokio::time::timeout(GRACE, delivery).await;
                return;
            }
        };
        // Errors have been told; the next look comes after a pause.
        if sent.is_ok_and(|sent| sent > 0) {
            continue;
        }
        tokio::select! {
            () = app.message_waits.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Sends what is due once. Returns how many messages this node took.
pub(crate) async fn deliver_due(app: &Arc<App>) -> Result<usize, StoreError> {
    let snapshot = app.snapshot();
    let can_send = snapshot.courier.smtp.is_some() || snapshot.courier.shows_in_log;
    let now = app.clock.now();
    let due = match app.store.due_messages(now, AT_ONCE).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(%error, "the outbox cannot be read; it is tried again");
            return Err(error);
        }
    };
    let mut sending = JoinSet::new();
    let mut taken = 0;
    for message in due {
        if let Some((purpose, request)) = codes::request_in(&message) {
            taken += usize::from(answer(app, &message, purpose, &request, now).await?);
            continue;
        }
        let mail = CodeMail::parse(message.content.expose());
        let is_too_late = mail.as_ref().is_none_or(|mail| now >= mail.expires_at);
        if is_too_late {
            give_up(app, &message, "the code in it has ended").await?;
        } else if can_send {
            sending.spawn(take(app.clone(), message, now));
        }
    }
    while let Some(outcome) = sending.join_next().await {
        taken += usize::from(outcome.unwrap_or(false));
    }
    Ok(taken)
}

/// Makes the code that a request asks for, in place of the request. Whether this node did it.
async fn answer(
    app: &App,
    message: &Message,
    purpose: CodePurpose,
    request: &CodeRequest,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let snapshot = app.snapshot().clone();
    let (rules, random) = (&snapshot.self_service, app.random.as_ref());
    let mut changes = Vec::new();
    if now < message.created_at + codes::LIFESPAN {
        changes = codes::make(app.store.as_ref(), &app.metrics, rules, random, now, purpose, request).await?;
    }
    // The claim makes sure that of several nodes one makes a code.
    let claim = Change::ClaimMessage { id: message.id, attempts: message.attempts, until: now };
    changes.splice(0..0, [claim, Change::MessageSent(message.id)]);
    match app.commit(&changes).await {
        Ok(()) => Ok(true),
        // Another node was faster, or the account was changed just now: the next look tells.
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reserves a message and sends it. Whether this node got it.
async fn take(app: Arc<App>, message: Message, now: Timestamp) -> bool {
    let claim = Change::ClaimMessage { id: message.id, attempts: message.attempts, until: now + LEASE };
    match app.commit(&[claim]).await {
        Ok(()) => {}
        // Another node was faster.
        Err(StoreError::Conflict(_)) => return false,
        Err(error) => {
            tracing::warn!(%error, "a message cannot be reserved; it is tried again");
            return false;
        }
    }
    let outcome = match tokio::time::timeout(SEND_TIMEOUT, send(&app, &message)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(NotSent::Later("the mail server did not answer in time".into())),
    };
    let kept = match outcome {
        Ok(()) => app.commit(&[Change::MessageSent(message.id)]).await,
        Err(NotSent::Never(reason)) => give_up(&app, &message, &reason).await,
        Err(NotSent::Later(reason)) => {
            let pause = pause(message.attempts);
            let due_at = Some(app.clock.now() + pause);
            let kept = app.commit(&[Change::MessageFailed { id: message.id, due_at }]).await;
            tracing::warn!(id = %message.id, %reason, again_in = ?pause, "a message could not be sent");
            kept
        }
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "what became of a message cannot be kept; it is tried again later");
    }
    true
}

async fn send(app: &App, message: &Message) -> Result<(), NotSent> {
    let snapshot = app.snapshot().clone();
    let mail = CodeMail::parse(message.content.expose())
        .and_then(|mail| mail.render(&message.template, app.clock.now()))
        .ok_or_else(|| NotSent::Never("it was written by another version of the server".into()))?;
    match &snapshot.courier.smtp {
        Some(smtp) => smtp.send(&message.recipient, &mail, app.clock.now()).await,
        None => {
            tracing::info!(
                "development mode, and no mail server is configured. This is the mail to {}: {}\n\n{}",
                message.recipient,
                mail.subject,
                mail.text
            );
            Ok(())
        }
    }
}

async fn give_up(app: &App, message: &Message, reason: &str) -> Result<(), StoreError> {
    tracing::warn!(id = %message.id, attempts = message.attempts, %reason, "a message is given up");
    app.commit(&[Change::MessageFailed { id: message.id, due_at: None }]).await
}

/// How long to wait after an attempt: 1 s, 2 s, 4 s and so on.
fn pause(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts).ok().and_then(|attempts| 1_u64.checked_shl(attempts));
    doubled.map_or(MAX_PAUSE, Duration::from_secs).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests;
