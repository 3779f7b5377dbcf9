//! A store whose operations are observed: counted and traced by a server, noted by tests.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use sessera_model::{Credential, CredentialKind, Identity, Session, StatusIndex, Timestamp, TokenHash, Uuid};

use crate::{
    AdminToken, AssignedStatusIndex, AuditEntry, AuditPage, Change, Code, CodePurpose, Counter, CounterKey,
    Delivery, DeliveryPage, DueRechecks, Ended, Ends, Flow, IdentityFilter, KeySet, Line, Message,
    MessageFilter, Outstanding, Page, PoolUse, Revision, RevisionSummary, SentMessage, SessionFilter,
    SinkState, Store, StoreError, StoredSession, TakingSink,
};

/// What observes the operations of a store.
pub trait StoreObserver: Send + Sync + 'static {
    /// Has an operation done, which is known by its name in metrics.
    fn observe<T: Send>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Has changes committed.
    fn observe_commit(
        &self,
        _changes: &[Change],
        work: impl Future<Output = Result<(), StoreError>> + Send,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        self.observe("commit", work)
    }

    /// Hears that a copy of the database has answered a question that was asked at `start`.
    fn copy_answered(&self, _start: Instant) {}
}

/// A store of which each operation goes by an observer.
pub struct ObservedStore<O> {
    store: Arc<dyn Store>,
    observer: O,
}

impl<O> ObservedStore<O> {
    /// A store that is observed from now on.
    pub fn new(store: Arc<dyn Store>, observer: O) -> Self {
        Self { store, observer }
    }

    /// What observes it.
    pub const fn observer(&self) -> &O {
        &self.observer
    }
}

/// Passes questions on, each under the name of its operation.
macro_rules! observed {
    ($($operation:literal $name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl<O: StoreObserver> Store for ObservedStore<O> {
            $(async fn $name(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                self.observer.observe($operation, self.store.$name($($argument),*)).await
            })*

            async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
                self.observer.observe_commit(changes, self.store.commit(changes)).await
            }

            async fn copy_of_session(&self, token: &TokenHash) -> Option<(StoredSession, Identity)> {
                let start = Instant::now();
                let found = self.store.copy_of_session(token).await;
                // Without standbys nothing was asked.
                if found.is_some() {
                    self.observer.copy_answered(start);
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

observed! {
    "ping" ping() -> ();
    "database_time" database_time() -> Option<Timestamp>;
    "deployment_id" deployment_id() -> Uuid;
    "identity" identity(id: Uuid) -> Option<Identity>;
    "identity_by_external_id" identity_by_external_id(external_id: &str) -> Option<Identity>;
    "identity_by_identifier" identity_by_identifier(kind: CredentialKind, identifier: &str) -> Option<Identity>;
    "identity_by_address" identity_by_address(via: &str, value: &str) -> Option<Identity>;
    "identities" identities(filter: &IdentityFilter, page: &Page) -> Vec<Identity>;
    "count_identities" count_identities() -> u64;
    "credentials" credentials(identity_id: Uuid) -> Vec<Credential>;
    "credentials_of" credentials_of(identity_ids: &[Uuid]) -> Vec<(Uuid, Credential)>;
    "session" session_by_token(token: &TokenHash) -> Option<(StoredSession, Identity)>;
    "session_by_id" session(id: Uuid) -> Option<(StoredSession, Identity)>;
    "session_by_status" session_by_status(index: StatusIndex) -> Option<(StoredSession, Identity)>;
    "place" place(session: Uuid) -> Option<AssignedStatusIndex>;
    "session_elsewhere" session_elsewhere(index: StatusIndex) -> Option<Uuid>;
    "take_sessions_elsewhere" take_sessions_elsewhere(taking: DueRechecks) -> Vec<Outstanding>;
    "status_list" status_list(list: u64, now: Timestamp) -> Option<Vec<u8>>;
    "sessions" sessions(filter: &SessionFilter, page: &Page) -> Vec<(Session, Identity)>;
    "count_sessions" count_sessions(filter: &SessionFilter) -> u64;
    "flow" flow(id: Uuid) -> Option<Flow>;
    "code" code(flow_id: Uuid, purpose: CodePurpose) -> Option<Code>;
    "counters" counters(keys: &[CounterKey]) -> Vec<Counter>;
    "due_messages" due_messages(now: Timestamp, limit: u32) -> Vec<Message>;
    "messages" messages(filter: &MessageFilter, page: &Page) -> Vec<SentMessage>;
    "message" message(id: Uuid) -> Option<SentMessage>;
    "key_set" key_set(name: &str) -> Option<KeySet>;
    "key_sets" key_sets() -> Vec<KeySet>;
    "admin_token" admin_token(hash: &TokenHash) -> Option<AdminToken>;
    "admin_tokens" admin_tokens() -> Vec<AdminToken>;
    "audit" audit(page: &AuditPage) -> Vec<AuditEntry>;
    "audit_ends" audit_ends() -> Ends;
    "chain_audit" chain_audit(limit: u32) -> u64;
    "sweep_audit" sweep_audit(before: Timestamp, limit: u32) -> u64;
    "take_sink" take_sink(taking: &TakingSink) -> Option<i64>;
    "due_deliveries" due_deliveries(sink: &str, now: Timestamp, limit: u32) -> Vec<Delivery>;
    "deliveries" deliveries(page: &DeliveryPage) -> Vec<Delivery>;
    "sinks" sinks() -> Vec<SinkState>;
    "newest_revision" newest_revision() -> Option<Revision>;
    "revision" revision(id: Uuid) -> Option<Revision>;
    "revisions" revisions(page: &Page) -> Vec<RevisionSummary>;
    "configuration_version" configuration_version() -> [i64; 4];
    "sweep" sweep(ended: Ended, limit: u32) -> u64;
}
