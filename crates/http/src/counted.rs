//! What is counted for as long as it lives.

use prometheus::IntGauge;

/// Counts in a gauge for as long as it lives: also what is given up in the middle is counted off.
#[derive(Debug)]
pub struct Counted(IntGauge);

impl Counted {
    /// Counts one more.
    pub fn new(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
