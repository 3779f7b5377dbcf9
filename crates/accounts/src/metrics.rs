//! What happens to accounts, in numbers.

use prometheus::core::Collector;
use prometheus::{IntCounterVec, Opts};

/// The numbers. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    limits_hit: IntCounterVec,
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

impl Metrics {
    /// Numbers that all are zero. The error is a name that cannot be one, which a test would show.
    pub fn new() -> prometheus::Result<Self> {
        let limits_hit = Opts::new(
            "sessera_limits_hit_total",
            "Attempts that a limit against abuse refused: requests, failures, codes, bytes.",
        );
        Ok(Self { limits_hit: IntCounterVec::new(limits_hit, &["limit"])? })
    }

    /// All numbers, to be registered.
    pub fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![Box::new(self.limits_hit.clone())]
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
}
