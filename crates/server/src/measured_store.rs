//! The store as handlers get it, measured: how long each operation takes, how many are under way, how many fail,
//! and a span for each in the trace of its request.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use opentelemetry::Context;
use sessera_issuer::tokens::Step;
use sessera_model::{Credential, CredentialKind, Identity, Session, StatusIndex, Timestamp, TokenHash, Uuid};
use sessera_store::{
    Change, Code, CodePurpose, Flow, IdentityFilter, KeySet, Line, Message, Page, PoolUse, Revision,
    RevisionSummary, SessionFilter, Store, StoreError, StoredSession,
};

use crate::metrics::{Counted, Metrics};
use crate::traces::Traces;

/// A store whose operations are counted and traced.
pub(crate) struct MeasuredStore {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
    traces: Option<Arc<Traces>>,
}

impl MeasuredStore {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>, traces: Option<Arc<Traces>>) -> Self {
        Self { store, metrics, traces }
    }

    async fn observe<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (start, under_way) = (Instant::now(), Counted::new(&self.metrics.store_under_way));
        let outcome = work.await;
        drop(under_way);
        // Of requests that race, one wins; that is no failure of the store.
        let failed = !matches!(outcome, Ok(_) | Err(StoreError::Conflict(_)));
        self.ended(operation, start, failed);
        outcome
    }

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

/// Gives a macro what a store is asked and answers: the name of the operation, the method, and its types.
/// Changes are not among it.
macro_rules! with_questions {
    ($then:ident) => {
        $then! {
            "ping" ping() -> ();
            "database_time" database_time() -> Option<Timestamp>;
            "deployment_id" deployment_id() -> Uuid;
            "identity" identity(id: Uuid) -> Option<Identity>;
            "identity_by_external_id" identity_by_external_id(external_id: &str) -> Option<Identity>;
            "identity_by_identifier" identity_by_identifier(kind: CredentialKind, identifier: &str) -> Option<Identity>;
            "identity_by_address" identity_by_address(via: &str, value: &str) -> Option<Identity>;
            "identities" identities(filter: &IdentityFilter, page: &Page) -> Vec<Identity>;
            "credentials" credentials(identity_id: Uuid) -> Vec<Credential>;
            "credentials_of" credentials_of(identity_ids: &[Uuid]) -> Vec<(Uuid, Credential)>;
            "session" session_by_token(token: &TokenHash) -> Option<(StoredSession, Identity)>;
            "session_by_id" session(id: Uuid) -> Option<(StoredSession, Identity)>;
            "session_by_status" session_by_status(index: StatusIndex) -> Option<(StoredSession, Identity)>;
            "status_list" status_list(list: u64, now: Timestamp) -> Option<Vec<u8>>;
            "sessions" sessions(filter: &SessionFilter, page: &Page) -> Vec<(Session, Identity)>;
            "flow" flow(id: Uuid) -> Option<Flow>;
            "code" code(flow_id: Uuid, purpose: CodePurpose) -> Option<Code>;
            "recent_codes" recent_codes(identity_id: Uuid, purpose: CodePurpose, after: Timestamp) -> u32;
            "due_messages" due_messages(now: Timestamp, limit: u32) -> Vec<Message>;
            "key_set" key_set(name: &str) -> Option<KeySet>;
            "key_sets" key_sets() -> Vec<KeySet>;
            "newest_revision" newest_revision() -> Option<Revision>;
            "revision" revision(id: Uuid) -> Option<Revision>;
            "revisions" revisions(page: &Page) -> Vec<RevisionSummary>;
            "configuration_version" configuration_version() -> [i64; 4];
            "sweep" sweep(before: Timestamp, limit: u32) -> u64;
        }
    };
}
#[cfg(test)]
pub(crate) use with_questions;

/// Passes methods on, each under the name of its operation.
macro_rules! measured {
    ($($operation:literal $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for MeasuredStore {
            $(async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                self.observe($operation, self.store.$name($($argument),*)).await
            })*

            async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
                self.observe("commit", self.store.commit(changes)).await
            }

            async fn copy_of_session(&self, token: &TokenHash) -> Option<(StoredSession, Identity)> {
                let start = Instant::now();
                let found = self.store.copy_of_session(token).await;
                // Without standbys nothing was asked.
                if found.is_some() {
                    self.ended("session_standby", start, false);
                }
                found
            }

            fn line(&self) -> &Line {
                self.store.line()
            }

            fn pools(&self) -> Vec<PoolUse> {
                self.store.pools()
            }

            async fn close(&self) {
                self.store.close().await;
            }
        }
    };
}

with_questions!(measured);
