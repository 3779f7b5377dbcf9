//! PostgreSQL, which many nodes share.
//!
//! Whatever happens to the database, an operation ends within a bounded time. Waiting for a connection,
//! connecting and each statement have a time-out, and so has the operation as a whole.

mod admin_tokens;
mod audit;
mod codes;
mod columns;
mod commit;
mod connection;
mod counters;
mod deliveries;
mod dsn;
mod fault;
mod flows;
mod identities;
mod keys;
mod listen;
mod open;
mod outbox;
mod places;
mod revisions;
mod sessions;
mod standby;
mod sweep;
mod transfer;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use deadpool::managed::Pool;
use sessera_model::{Credential, CredentialKind, Identity, Session, StatusIndex, Timestamp, TokenHash, Uuid};

use crate::Store;
use crate::admin_token::AdminToken;
use crate::audit::{AuditEntry, AuditPage, Ends};
use crate::change::Change;
use crate::counter::{Counter, CounterKey};
use crate::delivery::{Delivery, DeliveryPage, SinkState, TakingSink};
use crate::error::StoreError;
use crate::line::{Invalidation, Line};
use crate::records::{
    AssignedStatusIndex, Code, CodePurpose, DueRechecks, Ended, Flow, IdentityFilter, KeySet, Message,
    MessageFilter, Outstanding, Page, PoolUse, Revision, RevisionSummary, SentMessage, SessionFilter,
    StoredSession,
};
use crate::row;
use crate::sealer::Sealer;

use connection::{Connection, Hosts, from_pool};
use standby::Standbys;

pub use dsn::PostgresDsn;
pub use open::PostgresOptions;

/// A store on PostgreSQL.
pub struct PostgresStore {
    pool: Pool<Hosts>,
    standbys: Option<Standbys>,
    sealer: Sealer,
    line: Arc<Line>,
    /// The name of this node in what it tells others.
    node: Uuid,
    deployment_id: Uuid,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("deployment_id", &self.deployment_id).finish_non_exhaustive()
    }
}

impl PostgresStore {
    async fn connection(&self) -> Result<Connection, StoreError> {
        self.pool.get().await.map(Connection::new).map_err(from_pool)
    }

    /// Waits for an operation, and gives up when it takes too long.
    async fn within<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let limit = self.pool.manager().dsn().limit();
        let outcome = tokio::time::timeout(limit, work).await;
        outcome.unwrap_or_else(|_| {
            Err(StoreError::Unavailable(format!("it did not answer within {} ms", limit.as_millis())))
        })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.within(async { self.connection().await?.execute(sqlx::query("SELECT 1")).await.map(|_| ()) })
            .await
    }

    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError> {
        self.within(async {
            let query = sqlx::query(
                "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT) AS micros",
            );
            let found = self.connection().await?.optional(query).await?;
            found.map(|found| row::time(&found, "micros")).transpose()
        })
        .await
    }

    async fn deployment_id(&self) -> Result<Uuid, StoreError> {
        Ok(self.deployment_id)
    }

    async fn identity(&self, id: Uuid) -> Result<Option<Identity>, StoreError> {
        self.within(self.find_identity(id)).await
    }

    async fn identity_by_external_id(&self, external_id: &str) -> Result<Option<Identity>, StoreError> {
        self.within(self.find_identity_by_external_id(external_id)).await
    }

    async fn identity_by_identifier(
        &self,
        kind: CredentialKind,
        identifier: &str,
    ) -> Result<Option<Identity>, StoreError> {
        self.within(self.find_identity_by_identifier(kind, identifier)).await
    }

    async fn identity_by_address(&self, via: &str, value: &str) -> Result<Option<Identity>, StoreError> {
        self.within(self.find_identity_by_address(via, value)).await
    }

    async fn identities(&self, filter: &IdentityFilter, page: &Page) -> Result<Vec<Identity>, StoreError> {
        self.within(self.list_identities(filter, page)).await
    }

    async fn count_identities(&self) -> Result<u64, StoreError> {
        self.within(self.count_all_identities()).await
    }

    async fn credentials(&self, identity_id: Uuid) -> Result<Vec<Credential>, StoreError> {
        self.within(self.find_credentials(identity_id)).await
    }

    async fn credentials_of(&self, identity_ids: &[Uuid]) -> Result<Vec<(Uuid, Credential)>, StoreError> {
        let mut all = Vec::new();
        for id in identity_ids {
            all.extend(self.find_credentials(*id).await?.into_iter().map(|credential| (*id, credential)));
        }
        Ok(all)
    }

    async fn session_by_token(
        &self,
        token: &TokenHash,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        self.within(self.find_session_by_token(token)).await
    }

    async fn copy_of_session(&self, token: &TokenHash) -> Option<(StoredSession, Identity)> {
        self.standbys.as_ref()?.session_by_token(&self.line, token).await
    }

    async fn session(&self, id: Uuid) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        self.within(self.find_session(id)).await
    }

    async fn session_by_status(
        &self,
        index: StatusIndex,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        self.within(self.find_session_by_status(index)).await
    }

    async fn status_list(&self, list: u64, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        self.within(self.make_status_list(list, now)).await
    }

    async fn place(&self, session: Uuid) -> Result<Option<AssignedStatusIndex>, StoreError> {
        self.find_place(session).await
    }

    async fn session_elsewhere(&self, index: StatusIndex) -> Result<Option<Uuid>, StoreError> {
        self.find_session_elsewhere(index).await
    }

    async fn take_sessions_elsewhere(&self, taking: DueRechecks) -> Result<Vec<Outstanding>, StoreError> {
        self.take_outstanding(taking).await
    }

    async fn sessions(
        &self,
        filter: &SessionFilter,
        page: &Page,
    ) -> Result<Vec<(Session, Identity)>, StoreError> {
        self.within(self.list_sessions(filter, page)).await
    }

    async fn count_sessions(&self, filter: &SessionFilter) -> Result<u64, StoreError> {
        self.within(self.count_listed_sessions(filter)).await
    }

    async fn flow(&self, id: Uuid) -> Result<Option<Flow>, StoreError> {
        self.within(self.find_flow(id)).await
    }

    async fn code(&self, flow_id: Uuid, purpose: CodePurpose) -> Result<Option<Code>, StoreError> {
        self.within(self.find_code(flow_id, purpose)).await
    }

    async fn counters(&self, keys: &[CounterKey]) -> Result<Vec<Counter>, StoreError> {
        self.within(self.find_counters(keys)).await
    }

    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        self.within(self.list_due_messages(now, limit)).await
    }

    async fn messages(&self, filter: &MessageFilter, page: &Page) -> Result<Vec<SentMessage>, StoreError> {
        self.within(self.list_messages(filter, page)).await
    }

    async fn message(&self, id: Uuid) -> Result<Option<SentMessage>, StoreError> {
        self.within(self.find_message(id)).await
    }

    async fn key_set(&self, name: &str) -> Result<Option<KeySet>, StoreError> {
        self.within(self.find_key_set(name)).await
    }

    async fn key_sets(&self) -> Result<Vec<KeySet>, StoreError> {
        self.within(self.list_key_sets()).await
    }

    async fn admin_token(&self, hash: &TokenHash) -> Result<Option<AdminToken>, StoreError> {
        self.within(self.find_admin_token(hash)).await
    }

    async fn admin_tokens(&self) -> Result<Vec<AdminToken>, StoreError> {
        self.within(self.list_admin_tokens()).await
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreError> {
        self.within(self.list_audit(page)).await
    }

    async fn audit_ends(&self) -> Result<Ends, StoreError> {
        self.within(self.find_audit_ends()).await
    }

    async fn chain_audit(&self, limit: u32) -> Result<u64, StoreError> {
        self.put_audit_in_order(limit).await
    }

    async fn sweep_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.sweep_old_audit(before, limit).await
    }

    async fn take_sink(&self, taking: &TakingSink) -> Result<Option<i64>, StoreError> {
        self.within(self.take_one_sink(taking)).await
    }

    async fn due_deliveries(
        &self,
        sink: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.within(self.find_due_deliveries(sink, now, limit)).await
    }

    async fn deliveries(&self, page: &DeliveryPage) -> Result<Vec<Delivery>, StoreError> {
        self.within(self.list_deliveries(page)).await
    }

    async fn sinks(&self) -> Result<Vec<SinkState>, StoreError> {
        self.within(self.list_sinks()).await
    }

    async fn newest_revision(&self) -> Result<Option<Revision>, StoreError> {
        self.within(self.find_newest_revision()).await
    }

    async fn revision(&self, id: Uuid) -> Result<Option<Revision>, StoreError> {
        self.within(self.find_revision(id)).await
    }

    async fn revisions(&self, page: &Page) -> Result<Vec<RevisionSummary>, StoreError> {
        self.within(self.list_revisions(page)).await
    }

    async fn configuration_version(&self) -> Result<[i64; 4], StoreError> {
        self.within(self.find_configuration_version()).await
    }

    fn line(&self) -> &Line {
        &self.line
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let outcome = self.within(self.apply_all(changes)).await;
        // The change happened, or nobody knows whether it did. In both cases standbys may lack it.
        if changes.iter().any(|change| Invalidation::of(change).is_some()) {
            self.line.moves();
        }
        outcome
    }

    async fn sweep(&self, ended: Ended, limit: u32) -> Result<u64, StoreError> {
        self.within(self.sweep_ended(ended, limit)).await
    }

    fn pools(&self) -> Vec<PoolUse> {
        let mut all = vec![connection::in_use("primary", &self.pool)];
        all.extend(self.standbys.as_ref().map(Standbys::in_use));
        all
    }

    async fn close(&self) {
        self.pool.close();
        if let Some(standbys) = &self.standbys {
            standbys.close();
        }
    }
}
