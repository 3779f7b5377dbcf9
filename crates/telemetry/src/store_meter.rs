//! How the store is measured: how long each operation takes, how many are under way, how many fail, and a span
//! for each in the trace of its request.

use std::sync::Arc;
use std::time::Instant;

use opentelemetry::Context;
use sessera_issuer::tokens::Step;
use sessera_store::StoreError;
use sessera_store::observed::StoreObserver;

use crate::metrics::Metrics;
use crate::traces::Traces;
use sessera_http::counted::Counted;

/// Counts and traces the operations of a store.
pub struct StoreMeter {
    /// Where they are counted.
    pub metrics: Arc<Metrics>,
    /// Where they are traced, if anywhere.
    pub traces: Option<Arc<Traces>>,
}

impl StoreMeter {
    fn ended(&self, operation: &str, start: Instant, failed: bool) {
        let took = start.elapsed();
        self.metrics.stored(operation, took, failed);
        if let Some(traces) = &self.traces {
            Context::map_current(|request| {
                traces.step(request, &format!("store {operation}"), Step { start, took, failed });
            });
        }
    }
}

impl StoreObserver for StoreMeter {
    async fn observe<T: Send>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let (start, under_way) = (Instant::now(), Counted::new(&self.metrics.store_under_way));
        let outcome = work.await;
        drop(under_way);
        // Of requests that race, one wins; that is no failure of the store.
        let failed = !matches!(outcome, Ok(_) | Err(StoreError::Conflict(_)));
        self.ended(operation, start, failed);
        outcome
    }

    fn copy_answered(&self, start: Instant) {
        self.ended("session_standby", start, false);
    }
}
