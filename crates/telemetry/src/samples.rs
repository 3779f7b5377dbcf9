//! What was counted in the last hour, for pictures of it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sessera_model::Timestamp;

use crate::metrics::{Counted, Metrics};

/// How often is looked at what was counted.
pub const EVERY: Duration = Duration::from_secs(30);

/// How many looks are kept: those of an hour, and the one before it.
const KEPT: usize = 121;

/// What was counted at a time, since the server started.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// When it was looked at.
    pub at: Timestamp,
    /// What was counted until then.
    pub counted: Counted,
}

/// The looks of the last hour, the oldest first.
#[derive(Debug, Default)]
pub struct Samples(Mutex<VecDeque<Sample>>);

impl Samples {
    /// Looks at what was counted.
    pub fn take(&self, metrics: &Metrics, at: Timestamp) {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() == KEPT {
            samples.pop_front();
        }
        samples.push_back(Sample { at, counted: metrics.counted() });
    }

    /// All of them, the oldest first.
    pub fn all(&self) -> Vec<Sample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_http::status::Status;

    #[test]
    fn an_hour_is_kept_and_what_happens_moves_the_numbers() {
        let metrics = Metrics::default();
        let samples = Samples::default();
        for seconds in 0..200 {
            metrics.answered("public", "/x", "GET", Status::UNAVAILABLE, Duration::ZERO);
            metrics.sign_ins.inc_by(2);
            metrics.gateway_decisions.with_label_values(&["r", "nginx", "pass"]).inc();
            metrics.gateway_decisions.with_label_values(&["r", "nginx", "forbidden"]).inc();
            metrics.issuer.signing_seconds.observe(0.001);
            metrics.issuer.refused_tokens.with_label_values(&["mapper"]).inc();
            samples.take(&metrics, Timestamp::from_seconds(seconds));
        }
        let all = samples.all();
        let (first, last) = (all[0], all[all.len() - 1]);
        assert_eq!((all.len(), first.at.seconds(), last.at.seconds()), (KEPT, 79, 199));
        let Counted { tokens, refused_tokens, reused, decisions, sign_ins, errors } = last.counted;
        assert_eq!(
            (tokens, refused_tokens, reused, decisions, sign_ins, errors),
            (200, 200, 0, 400, 400, 200)
        );
        assert_eq!(first.counted.errors, 80);
    }
}
