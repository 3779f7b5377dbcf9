//! What happens here, in numbers.

use prometheus::core::Collector;
use prometheus::{Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts};

/// Bounds of times in seconds: from what memory answers to what a client gives up on.
const SECONDS: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// Bounds of evaluation steps of a mapper.
const STEPS: [f64; 8] = [10.0, 50.0, 100.0, 500.0, 1_000.0, 10_000.0, 100_000.0, 500_000.0];

/// The numbers of this crate. Clones count together.
#[derive(Clone, Debug)]
pub struct IssuerMetrics {
    /// Sessions that were asked for and found in memory.
    pub cache_hits: IntCounter,
    /// Sessions that were asked for and read from where they are kept.
    pub cache_misses: IntCounter,
    /// Sessions that were answered from memory although they were too old, because they could not be read.
    pub stale_answers: IntCounter,
    /// Questions to an upstream, by what became of them.
    pub upstream_seconds: HistogramVec,
    /// Questions to an upstream that were not asked because the same one was under way.
    pub upstream_joined: IntCounter,
    /// How long nobody asked about the session whose turn came when status lists were rechecked, in seconds.
    pub recheck_age: Gauge,
    /// Evaluating a claims mapper.
    pub mapper_seconds: Histogram,
    /// Steps that a claims mapper took.
    pub mapper_fuel: Histogram,
    /// Signing a token.
    pub signing_seconds: Histogram,
    /// Tokens that could not be made, by why.
    pub refused_tokens: IntCounterVec,
    /// Tokens whose claims were made for an earlier one, but for their times and their id.
    pub filled_forms: IntCounter,
    /// Tokens that were given again instead of being made.
    pub reused_tokens: IntCounter,
    /// By how much the database's clock is ahead of this machine's, in seconds.
    pub clock_difference: Gauge,
}

impl IssuerMetrics {
    /// Numbers that all are zero. The error is a name that cannot be one, which a test would show.
    pub fn new() -> prometheus::Result<Self> {
        let times = |name: &str, help: &str| {
            Histogram::with_opts(HistogramOpts::new(name, help).buckets(SECONDS.to_vec()))
        };
        let fuel = HistogramOpts::new("sessera_mapper_fuel", "Evaluation steps of claims mappers.");
        Ok(Self {
            cache_hits: IntCounter::new("sessera_session_cache_hits_total", "Sessions found in memory.")?,
            cache_misses: IntCounter::new(
                "sessera_session_cache_misses_total",
                "Sessions read from the store because they were not in memory.",
            )?,
            stale_answers: IntCounter::new(
                "sessera_stale_answers_total",
                "Sessions answered from memory although they were too old, because they could not be read.",
            )?,
            upstream_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "sessera_upstream_seconds",
                    "Time of questions to the upstream, by outcome: session, refused, limited, failed, busy (no turn within session.upstream.timeout).",
                )
                .buckets(SECONDS.to_vec()),
                &["outcome"],
            )?,
            upstream_joined: IntCounter::new(
                "sessera_upstream_joined_total",
                "Questions to the upstream that were not asked because the same one was under way.",
            )?,
            recheck_age: Gauge::new(
                "sessera_upstream_recheck_age_seconds",
                "How long nobody asked the upstream about the session whose turn came last for its status list.",
            )?,
            mapper_seconds: times("sessera_mapper_seconds", "Time of evaluating claims mappers.")?,
            mapper_fuel: Histogram::with_opts(fuel.buckets(STEPS.to_vec()))?,
            signing_seconds: times("sessera_signing_seconds", "Time of encoding and signing tokens.")?,
            refused_tokens: IntCounterVec::new(
                Opts::new(
                    "sessera_refused_tokens_total",
                    "Tokens that could not be made, by why: limit (a mapper took too much), mapper, signing.",
                ),
                &["why"],
            )?,
            filled_forms: IntCounter::new(
                "sessera_filled_forms_total",
                "Tokens that took the claims of an earlier one of the same session, with other times and another id.",
            )?,
            reused_tokens: IntCounter::new(
                "sessera_reused_tokens_total",
                "Tokens that were given to a proxy again instead of being made.",
            )?,
            clock_difference: Gauge::new(
                "sessera_clock_difference_seconds",
                "By how much the database's clock is ahead of this machine's.",
            )?,
        })
    }

    /// All numbers, to be registered.
    pub fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.cache_hits.clone()),
            Box::new(self.cache_misses.clone()),
            Box::new(self.stale_answers.clone()),
            Box::new(self.upstream_seconds.clone()),
            Box::new(self.upstream_joined.clone()),
            Box::new(self.recheck_age.clone()),
            Box::new(self.mapper_seconds.clone()),
            Box::new(self.mapper_fuel.clone()),
            Box::new(self.signing_seconds.clone()),
            Box::new(self.refused_tokens.clone()),
            Box::new(self.filled_forms.clone()),
            Box::new(self.reused_tokens.clone()),
            Box::new(self.clock_difference.clone()),
        ]
    }
}
