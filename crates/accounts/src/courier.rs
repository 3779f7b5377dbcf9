//! Sends the messages of the outbox: codes and links, by a mail server or by a service.
//!
//! A flow puts a message into the outbox in the commit in which it changes, so a message is never lost
//! and never sent for a change that did not happen. The courier takes what is due, under a lease: of
//! several nodes one sends a message, and when that node dies the lease ends and another one tries. What a
//! message says is forgotten when the mail server has taken it; a mail may come twice when a node dies
//! between the two. What fails is tried again, with growing pauses, until the code in it has ended. What became of a
//! message stays for a while ([`messages`]).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sessera_model::{IdentityView, Timestamp, Uuid};
use sessera_store::{
    Change, CodePurpose, CommitListener, Conflict, Dispatch, Message, MessageFilter, MessageStatus, Outcome,
    Page, SentMessage, StoreError,
};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::codes::{self, CodeRequest};
use crate::mail::{CodeMail, Data, EMAIL, NotSent, Service, kind_of};
use crate::metrics::{Limit, MessageOutcome};
use crate::snapshot::Snapshot;

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

/// How much of a reason is kept, in characters.
const MAX_REASON: usize = 500;

/// The longest pause before the next attempt.
const MAX_PAUSE: Duration = Duration::from_secs(120);

/// Wakes the courier when a message is put into the outbox.
#[derive(Debug)]
pub struct WakeCourier(pub Arc<Notify>);

impl CommitListener for WakeCourier {
    fn name(&self) -> &'static str {
        "courier"
    }

    fn told(&self, changes: &[Change], _: Outcome) {
        if changes.iter().any(|change| matches!(change, Change::EnqueueMessage(_))) {
            self.0.notify_one();
        }
    }
}

/// Sends what is due, again and again, until it is told to stop. `current` is asked for the snapshot in
/// force before each look at the outbox.
pub async fn run(
    accounts: Arc<Accounts>,
    current: impl Fn() -> Arc<Snapshot> + Send,
    stop: CancellationToken,
) {
    loop {
        let mut delivery = Box::pin(deliver_due(&accounts, current()));
        let sent = tokio::select! {
            sent = &mut delivery => sent,
            () = stop.cancelled() => {
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
            () = accounts.message_waits.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Sends what is due once. Returns how many messages this node took.
pub async fn deliver_due(accounts: &Arc<Accounts>, snapshot: Arc<Snapshot>) -> Result<usize, StoreError> {
    let now = accounts.clock.now();
    let due = match accounts.store.due_messages(now, AT_ONCE).await {
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
            taken += usize::from(answer(accounts, &snapshot, &message, purpose, &request, now).await?);
            continue;
        }
        let mail = CodeMail::parse(message.content.expose());
        let Some(mail) = mail.filter(|mail| now < mail.expires_at) else {
            give_up(accounts, &message, "the code in it has ended").await?;
            continue;
        };
        if snapshot.mail.takes(&mail.via) {
            sending.spawn(take(accounts.clone(), snapshot.clone(), message, now));
        }
    }
    while let Some(outcome) = sending.join_next().await {
        taken += usize::from(outcome.unwrap_or(false));
    }
    Ok(taken)
}

/// Makes the code that a request asks for, in place of the request. Whether this node did it.
async fn answer(
    accounts: &Accounts,
    snapshot: &Snapshot,
    message: &Message,
    purpose: CodePurpose,
    request: &CodeRequest,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let rules = &snapshot.rules;
    let mut changes = Vec::new();
    if now < message.created_at + rules.sent(request.sends).lifespan {
        changes = codes::make(accounts, rules, now, purpose, request).await?;
    }
    // The claim makes sure that of several nodes one makes a code.
    let claim = Change::ClaimMessage { id: message.id, attempts: message.attempts, until: now };
    let done = [claim, Change::DropMessage(message.id)];
    changes.splice(0..0, done.clone());
    let making = accounts.committer.commit(&changes);
    // Whoever asked for the code has it made. A version before this one did not keep who that was.
    let made = match &request.asked {
        Some(asked) => asked.clone().during(making).await,
        None => making.await,
    };
    let outcome = match made {
        Err(StoreError::Conflict(Conflict::Limited)) => {
            accounts.metrics.limit_hit(Limit::Codes);
            accounts.committer.commit(&done).await
        }
        outcome => outcome,
    };
    match outcome {
        Ok(()) => Ok(true),
        // Another node was faster, or the account was changed just now: the next look tells.
        Err(StoreError::Conflict(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Reserves a message and sends it. The result tells whether this node got it.
async fn take(accounts: Arc<Accounts>, snapshot: Arc<Snapshot>, message: Message, now: Timestamp) -> bool {
    let claim = Change::ClaimMessage { id: message.id, attempts: message.attempts, until: now + LEASE };
    match accounts.committer.commit(&[claim]).await {
        Ok(()) => {}
        // Another node was faster.
        Err(StoreError::Conflict(_)) => return false,
        Err(error) => {
            tracing::warn!(%error, "a message cannot be reserved; it is tried again");
            return false;
        }
    }
    let sending = send(&accounts, &snapshot, &message, accounts.clock.now());
    let outcome = match tokio::time::timeout(SEND_TIMEOUT, sending).await {
        Ok(outcome) => outcome,
        Err(_) => Err(NotSent::Later("nobody took it in time".into())),
    };
    let kept = match outcome {
        Ok(()) => {
            accounts.metrics.message(MessageOutcome::Sent);
            let noted = attempt(&accounts, &message, None);
            accounts.committer.commit(&[noted, Change::MessageSent(message.id)]).await
        }
        Err(NotSent::Never(reason)) => give_up(&accounts, &message, &reason).await,
        Err(NotSent::Later(reason)) => {
            let pause = pause(message.attempts);
            let due_at = Some(accounts.clock.now() + pause);
            let failed = Change::MessageFailed { id: message.id, due_at };
            let kept =
                accounts.committer.commit(&[attempt(&accounts, &message, Some(&reason)), failed]).await;
            accounts.metrics.message(MessageOutcome::Failed);
            tracing::warn!(id = %message.id, %reason, again_in = ?pause, "a message could not be sent");
            kept
        }
    };
    if let Err(error) = kept {
        tracing::warn!(%error, "what became of a message cannot be kept; it is tried again later");
    }
    true
}

async fn send(
    accounts: &Accounts,
    snapshot: &Snapshot,
    message: &Message,
    now: Timestamp,
) -> Result<(), NotSent> {
    let other_version = || NotSent::Never("it was written by another version of the server".into());
    let content = CodeMail::parse(message.content.expose()).ok_or_else(other_version)?;
    let mut mail = content.write(&message.template, now).ok_or_else(other_version)?;
    let (rules, via, to) = (&snapshot.mail, content.via.as_str(), message.recipient.as_str());
    let kind = kind_of(&message.template);
    let identity = whom(accounts, snapshot, &content).await?;
    let language = rules.templates.language_of(&content, kind);
    let data = Data::new(&content, (kind, language), to, identity, now);
    rules.templates.write_into(&mut mail, &content, (kind, language), &data)?;
    let service = if via == EMAIL { &rules.service } else { &rules.sms };
    if let Some(service) = service {
        let request = service.request(&message.template, (via, to), &mail, &data)?;
        return Service::judge(accounts.web_hooks.send(&request).await);
    }
    match &rules.smtp {
        Some(smtp) if via == EMAIL => smtp.send(to, &mail, now).await,
        _ if rules.shows_in_log => {
            tracing::info!(
                "development mode, and nobody is configured who takes messages. This is the message to {to}: {}\n\n{}",
                mail.subject,
                mail.text
            );
            Ok(())
        }
        _ => Err(NotSent::Later(format!("no courier channels configured for: {via}"))),
    }
}

/// Whom a message is about, as JSON, where anybody is told.
async fn whom(accounts: &Accounts, snapshot: &Snapshot, mail: &CodeMail) -> Result<Option<Value>, NotSent> {
    let Some(id) = mail.about.identity_id.filter(|_| snapshot.mail.tells()) else { return Ok(None) };
    let found = accounts.store.identity(id).await;
    let found = found.map_err(|error| NotSent::Later(format!("whom it is about cannot be read: {error}")))?;
    let schemas_url = snapshot.rules.url("schemas/");
    Ok(found.map(|identity| identity.to_json(IdentityView::public(&schemas_url))))
}

async fn give_up(accounts: &Accounts, message: &Message, reason: &str) -> Result<(), StoreError> {
    accounts.metrics.message(MessageOutcome::GivenUp);
    tracing::warn!(id = %message.id, attempts = message.attempts, %reason, "a message is given up");
    let failed = Change::MessageFailed { id: message.id, due_at: None };
    accounts.committer.commit(&[attempt(accounts, message, Some(reason)), failed]).await
}

/// The change that notes what became of an attempt to send a message.
fn attempt(accounts: &Accounts, message: &Message, error: Option<&str>) -> Change {
    Change::NoteDispatch(Dispatch {
        id: accounts.random.uuid(),
        message_id: message.id,
        at: accounts.clock.now(),
        error: error.map(|error| error.chars().take(MAX_REASON).collect()),
    })
}

/// What became of messages, newest first. Requests that are answered by a message are left out.
pub async fn messages(
    accounts: &Accounts,
    status: Option<MessageStatus>,
    recipient: Option<String>,
    page: &Page,
) -> Result<Vec<SentMessage>, StoreError> {
    let filter = MessageFilter { status, recipient, without: &codes::REQUESTS };
    accounts.store.messages(&filter, page).await
}

/// What became of one message. `None` when it is not there any more, or never was.
pub async fn message(accounts: &Accounts, id: Uuid) -> Result<Option<SentMessage>, StoreError> {
    let found = accounts.store.message(id).await?;
    Ok(found.filter(|found| !codes::REQUESTS.contains(&found.template.as_str())))
}

/// How long to wait after an attempt: 1 s, 2 s, 4 s and so on.
fn pause(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts).ok().and_then(|attempts| 1_u64.checked_shl(attempts));
    doubled.map_or(MAX_PAUSE, Duration::from_secs).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests;
