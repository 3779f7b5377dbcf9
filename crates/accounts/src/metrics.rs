//! What happens to accounts, in numbers.

use prometheus::core::Collector;
use prometheus::{IntCounterVec, Opts};

/// The numbers. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    limits_hit: IntCounterVec,
    web_hooks: IntCounterVec,
    messages: IntCounterVec,
}

/// What became of an attempt to send a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageOutcome {
    /// It was taken.
    Sent,
    /// It was not, and is tried again.
    Failed,
    /// It was not, and is tried no more.
    GivenUp,
}

/// What became of the call of a web hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    /// It answered, and the flow goes on.
    Answered,
    /// It refused that the flow goes on.
    Refused,
    /// It did not answer well.
    Failed,
    /// It was not called, because too many were being called.
    Dropped,
}

/// A limit against abuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// How many forms one client may submit.
    Requests,
    /// How fast passwords may be guessed.
    Failures,
    /// How many codes a person is sent.
    Codes,
    /// How many bytes one client may leave behind.
    Bytes,
}

impl HookOutcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

impl MessageOutcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}

impl Metrics {
    /// Numbers that all are zero. The error is a name that cannot be one, which a test would show.
    pub fn new() -> prometheus::Result<Self> {
        let limits_hit = Opts::new(
            "sessera_limits_hit_total",
            "Attempts that a limit against abuse refused: requests, failures, codes, bytes.",
        );
        let web_hooks = Opts::new(
            "sessera_web_hooks_total",
            "Calls of web hooks by what became of them: answered, refused, failed, dropped.",
        );
        let messages = Opts::new(
            "sessera_courier_messages_total",
            "Attempts to send a message by what became of them: sent, failed, given_up.",
        );
        Ok(Self {
            limits_hit: IntCounterVec::new(limits_hit, &["limit"])?,
            web_hooks: IntCounterVec::new(web_hooks, &["outcome"])?,
            messages: IntCounterVec::new(messages, &["outcome"])?,
        })
    }

    /// All numbers, to be registered.
    pub fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.limits_hit.clone()),
            Box::new(self.web_hooks.clone()),
            Box::new(self.messages.clone()),
        ]
    }

    /// A limit against abuse refused an attempt.
    pub fn limit_hit(&self, limit: Limit) {
        let limit = match limit {
            Limit::Requests => "requests",
            Limit::Failures => "failures",
            Limit::Codes => "codes",
            Limit::Bytes => "bytes",
        };
        self.limits_hit.with_label_values(&[limit]).inc();
    }

    /// A web hook was called, or was not.
    pub fn web_hook(&self, outcome: HookOutcome) {
        self.web_hooks.with_label_values(&[outcome.as_str()]).inc();
    }

    /// A message was sent, or was not.
    pub fn message(&self, outcome: MessageOutcome) {
        self.messages.with_label_values(&[outcome.as_str()]).inc();
    }

    /// How often that was so.
    pub fn messages(&self, outcome: MessageOutcome) -> u64 {
        self.messages.with_label_values(&[outcome.as_str()]).get()
    }

    /// How often that was so.
    pub fn web_hooks(&self, outcome: HookOutcome) -> u64 {
        self.web_hooks.with_label_values(&[outcome.as_str()]).get()
    }
}
