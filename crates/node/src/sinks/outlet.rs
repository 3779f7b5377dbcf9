//! One sink as this node tells it.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use sessera_accounts::hooks::caller::{HookCaller, HookRequest, Refusal, Reply};
use sessera_config::events::{Form, Sink};
use sessera_config::sections::request::Method;
use sessera_model::Timestamp;
use sessera_store::{
    AuditFrom, AuditPage, Change, Conflict, Delivery, NewDelivery, StoreError, Taken, TakingSink,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::content::Content;
use super::message::is_told;
use super::{LOOK_EVERY, Sinks};

/// How long a node has a sink to itself without saying that it is still there.
const HOLD: Duration = Duration::from_secs(30);

/// How much of that must be left before messages are sent: as long as they may take, and what clocks may differ.
const MARGIN: Duration = Duration::from_secs(15);

/// How long one message may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many entries are taken from the record at once.
const TAKEN: u32 = 500;

/// How many messages are on their way to one sink at a time.
const AT_ONCE: u32 = 16;

/// How long to wait after each attempt, in seconds. The last one counts for all further attempts.
const WAITS: [u64; 6] = [5, 30, 120, 600, 1800, 3600];

/// How long a message is tried. Entries stay in the record for longer.
const GIVE_UP_AFTER: Duration = Duration::from_hours(20);

/// Of how many waits the last one counts until what a sink has missed was sent: a receiver that has just begun again may refuse
/// some of it. That wait is shorter than [`IS_THERE`], so that what is refused then is not taken for missed once more.
const WAITS_BEHIND: usize = 2;

/// For how long a sink that took something is not taken to be away, whatever it refuses.
const IS_THERE: Duration = Duration::from_secs(60);

/// How long to leave a sink alone at the most that takes nothing, whatever is due.
const LONGEST_QUIET: Duration = Duration::from_secs(60);

/// The longest error of a receiver that is shown, in characters.
const LONGEST_ERROR: usize = 64;

/// How often what waits is counted.
const COUNT_EVERY: Duration = Duration::from_secs(15);

/// A sink as this node tells it.
pub(super) struct Outlet {
    sinks: Arc<Sinks>,
    name: String,
    /// Until when this node has the sink to itself.
    held_until: Timestamp,
    /// The number of the entry that was taken last.
    taken: i64,
    /// How many times in a row it took nothing of what it was sent.
    refusals: u32,
    /// Until when it is left alone.
    quiet_until: Timestamp,
    counted_at: Timestamp,
    presence: Presence,
}

/// Whether the receiver is there, as far as this node has seen since it has the sink.
struct Presence {
    /// When it took something last.
    took_at: Timestamp,
    /// The numbers of the first and of the last entry that it did not take because it was away. These wait for no fault of
    /// their own. What a receiver refuses that takes other messages is not among them and waits ever longer.
    missed: Option<RangeInclusive<i64>>,
    /// Whether what it missed is being sent.
    is_behind: bool,
}

impl Presence {
    /// Nothing is known: whatever waits may have been missed.
    const fn unknown() -> Self {
        Self { took_at: Timestamp::from_micros(0), missed: Some(i64::MIN..=i64::MAX), is_behind: false }
    }

    /// Notes what became of messages. Tells what the receiver has missed when it is back.
    fn note(&mut self, now: Timestamp, has_taken: bool, refused: &[i64]) -> Option<RangeInclusive<i64>> {
        if has_taken {
            self.took_at = now;
            let missed = self.missed.take();
            self.is_behind |= missed.is_some();
            return missed;
        }
        if now.since(self.took_at) > IS_THERE
            && let (Some(first), Some(last)) = (refused.iter().min(), refused.iter().max())
        {
            self.is_behind = false;
            self.missed = Some(match &self.missed {
                None => *first..=*last,
                Some(known) => *known.start().min(first)..=*known.end().max(last),
            });
        }
        None
    }
}

impl Outlet {
    pub(super) fn new(sinks: Arc<Sinks>, name: String) -> Self {
        let never = Timestamp::default();
        Self {
            sinks,
            name,
            held_until: never,
            taken: 0,
            refusals: 0,
            quiet_until: never,
            counted_at: never,
            presence: Presence::unknown(),
        }
    }

    /// Tells it until it is configured no more, or the node is told to stop. Returns its name.
    pub(super) async fn run(mut self, stop: CancellationToken) -> String {
        let mut clock = tokio::time::interval(LOOK_EVERY);
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = clock.tick() => {}
                () = stop.cancelled() => break,
            }
            let Some(sink) = self.sinks.sink(&self.name) else { break };
            tokio::select! {
                outcome = self.look(&sink) => if let Err(error) = outcome {
                    tracing::warn!(sink = self.name, %error, "a sink cannot be told of events; it is tried again");
                },
                // What was not acknowledged is sent again by whoever comes next.
                () = stop.cancelled() => break,
            }
        }
        self.leave().await;
        self.name
    }

    /// Takes what is new from the record, and sends what is due.
    pub(super) async fn look(&mut self, sink: &Sink) -> Result<(), StoreError> {
        while self.is_held().await? {
            match self.take_new(sink).await {
                // Somebody has a part of the record delivered once more: where it begins is asked for.
                Err(StoreError::Conflict(Conflict::Changed)) => {
                    self.held_until = Timestamp::default();
                    continue;
                }
                other => other?,
            }
            if self.sinks.clock.now() < self.quiet_until || !self.send_due(sink).await? {
                return self.count().await;
            }
        }
        self.show(0, 0);
        Ok(())
    }

    /// Whether this node has the sink to itself, for long enough to send messages.
    async fn is_held(&mut self) -> Result<bool, StoreError> {
        let now = self.sinks.clock.now();
        if now + MARGIN < self.held_until {
            return Ok(true);
        }
        if self.held_until <= now {
            // Another node may have had it, or somebody has a part of the record delivered once more.
            self.presence = Presence::unknown();
        }
        let until = now + HOLD;
        let taken = self.take(now, until).await?;
        self.taken = taken.unwrap_or_default();
        self.held_until = if taken.is_some() { until } else { Timestamp::default() };
        Ok(taken.is_some())
    }

    async fn take(&self, now: Timestamp, until: Timestamp) -> Result<Option<i64>, StoreError> {
        let taking = TakingSink { sink: self.name.clone(), node: self.sinks.node, now, until };
        self.sinks.store.take_sink(&taking).await
    }

    /// Leaves it to other nodes.
    async fn leave(&self) {
        let now = self.sinks.clock.now();
        self.show(0, 0);
        if now < self.held_until
            && let Err(error) = self.take(now, now).await
        {
            tracing::warn!(sink = self.name, %error, "a sink could not be left to other nodes; they wait for {HOLD:?}");
        }
    }

    async fn take_new(&mut self, sink: &Sink) -> Result<(), StoreError> {
        loop {
            let page = AuditPage { from: AuditFrom::After(self.taken), limit: TAKEN };
            let entries = self.sinks.store.audit(&page).await?;
            let Some(to) = entries.last().map(|entry| entry.number) else { return Ok(()) };
            let wanted = entries.iter().map(Content::of).filter(|content| is_told(sink, content));
            let deliveries = wanted
                .map(|content| NewDelivery { number: content.number, subject: content.subject() })
                .collect();
            let (sink, from, at) = (self.name.clone(), self.taken, self.sinks.clock.now());
            let taken = Taken { sink, from, to, deliveries, at };
            self.sinks.committer.commit(&[Change::TakeFromRecord(taken)]).await?;
            self.taken = to;
        }
    }

    /// Sends what is due, a few messages at once. Tells whether some were taken, so that there may be more to send.
    async fn send_due(&mut self, sink: &Sink) -> Result<bool, StoreError> {
        let now = self.sinks.clock.now();
        let mut sending = JoinSet::new();
        for delivery in self.sinks.store.due_deliveries(&self.name, now, AT_ONCE).await? {
            let (sinks, sink) = (self.sinks.clone(), sink.clone());
            sending.spawn(async move {
                let outcome = sinks.send(&sink, &Content::of(&delivery.entry), now).await;
                (delivery, outcome)
            });
        }
        if sending.is_empty() {
            self.presence.is_behind = false;
            return Ok(false);
        }
        let (mut numbers, mut failures) = (Vec::new(), Vec::new());
        while let Some(sent) = sending.join_next().await {
            match sent {
                Ok((delivery, Ok(()))) => numbers.push(delivery.entry.number),
                Ok((delivery, Err(problem))) => failures.push((delivery, problem)),
                Err(error) => tracing::error!(sink = self.name, %error, "a message could not be sent"),
            }
        }
        let delivered = numbers.len();
        let refused: Vec<i64> = failures.iter().map(|(delivery, _)| delivery.entry.number).collect();
        let mut changes = vec![Change::Delivered { sink: self.name.clone(), numbers }];
        // What was refused just now comes behind it and waits for its time.
        if let Some(numbers) = self.presence.note(self.sinks.clock.now(), delivered > 0, &refused) {
            changes.push(Change::Hasten { sink: self.name.clone(), numbers, at: now });
        }
        changes.extend(failures.iter().map(|(delivery, problem)| self.failed(delivery, problem)));
        if let Err(error) = self.sinks.committer.commit(&changes).await {
            // What was to be tried at once may not be.
            self.presence = Presence::unknown();
            return Err(error);
        }
        self.tell(delivered, &failures);
        Ok(delivered > 0)
    }

    /// What becomes of a message that was not taken.
    fn failed(&self, delivery: &Delivery, problem: &str) -> Change {
        Change::DeliveryFailed {
            sink: self.name.clone(),
            number: delivery.entry.number,
            due_at: self.next_attempt(delivery),
            problem: problem.to_owned(),
        }
    }

    /// When a message that was not taken is sent again; never when it has been tried for long enough.
    fn next_attempt(&self, delivery: &Delivery) -> Option<Timestamp> {
        let attempts = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
        let longest = if self.presence.is_behind { WAITS_BEHIND } else { WAITS.len() };
        let wait = WAITS[attempts.min(longest - 1)];
        let due_at = self.sinks.clock.now() + Duration::from_secs(wait);
        (due_at.since(delivery.since) <= GIVE_UP_AFTER).then_some(due_at)
    }

    /// Counts and logs what became of messages. A sink that fails is told of once, and so is that it is well again.
    fn tell(&mut self, delivered: usize, failures: &[(Delivery, String)]) {
        let given_up = failures.iter().filter(|(delivery, _)| self.next_attempt(delivery).is_none()).count();
        let outcomes = &self.sinks.numbers.outcomes;
        for (outcome, count) in
            [("delivered", delivered), ("refused", failures.len()), ("given_up", given_up)]
        {
            outcomes.with_label_values(&[&*self.name, outcome]).inc_by(count as u64);
        }
        let problem = failures.first().map(|(_, problem)| problem.as_str()).unwrap_or_default();
        if given_up > 0 {
            tracing::error!(
                sink = self.name,
                events = given_up,
                problem,
                "events were given up that a sink did not take; list them with sessera list deliveries, and send them again with sessera events replay"
            );
        }
        if delivered > 0 {
            if self.refusals > 0 {
                tracing::info!(sink = self.name, "a sink takes events again");
            }
            self.refusals = 0;
            return;
        }
        if self.refusals == 0 {
            tracing::warn!(
                sink = self.name,
                problem,
                "a sink takes no events; they wait, and it is tried again"
            );
        }
        self.refusals = self.refusals.saturating_add(1);
        let quiet = Duration::from_secs(1 << self.refusals.min(6)).min(LONGEST_QUIET);
        self.quiet_until = self.sinks.clock.now() + quiet;
    }

    /// Counts what waits, now and then.
    async fn count(&mut self) -> Result<(), StoreError> {
        let now = self.sinks.clock.now();
        if now.since(self.counted_at) < COUNT_EVERY {
            return Ok(());
        }
        self.counted_at = now;
        let states = self.sinks.store.sinks().await?;
        if let Some(state) = states.iter().find(|state| state.sink == self.name) {
            self.show(state.waiting, state.given_up);
        }
        Ok(())
    }

    fn show(&self, waiting: u64, given_up: u64) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.sinks.numbers.waiting.with_label_values(&[&self.name]).set(number(waiting));
        self.sinks.numbers.given_up.with_label_values(&[&self.name]).set(number(given_up));
    }
}

impl Sinks {
    /// Tells a sink of an entry. The error says why it was not taken.
    async fn send(&self, sink: &Sink, content: &Content, now: Timestamp) -> Result<(), String> {
        let Some(message) = self.message(sink, content, now).await? else { return Ok(()) };
        let request = HookRequest {
            url: sink.url.clone(),
            addresses: sink.addresses,
            method: Method::Post,
            headers: message.headers,
            body: message.body.into_bytes(),
            is_awaited: false,
        };
        send(&*self.sender, &request, matches!(sink.form, Form::SecurityEventToken { .. })).await
    }
}

/// Sends a message. The error says why it was not taken, where `is_pushed` with the error that RFC 8935 has for it.
pub(super) async fn send(
    sender: &dyn HookCaller,
    request: &HookRequest,
    is_pushed: bool,
) -> Result<(), String> {
    let answer = tokio::time::timeout(PATIENCE, sender.call(request)).await;
    match answer.map_err(|_| format!("it did not answer within {PATIENCE:?}"))? {
        Ok(Reply::Told(_) | Reply::Well) => Ok(()),
        Ok(Reply::Refused(Refusal { said, body }) | Reply::Forbidden(Refusal { said, body })) => {
            let error = error_code(&body).filter(|_| is_pushed);
            Err(error.map_or_else(|| said.clone(), |error| format!("{said} and the error {error}")))
        }
        Ok(Reply::Troubled(said) | Reply::Strange(said)) => Err(said),
        Err(error) => Err(error.to_string()),
    }
}

/// The error in the answer of a receiver that takes no security event token (RFC 8935, section 2.3), where it is one word, as
/// all are that are registered. What else a receiver says may be anything, and is not shown.
fn error_code(body: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let is_word = |error: &&str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        (1..=LONGEST_ERROR).contains(&error.len()) && error.bytes().all(is_part)
    };
    answer.get("err")?.as_str().filter(is_word).map(str::to_owned)
}
