//! The embedded engine, SQLite, with one connection that writes and several that read.
//!
//! With the write-ahead log readers never wait for the writer. Every commit is synced to disk before
//! it is acknowledged.

mod admin_tokens;
mod audit;
mod codes;
mod columns;
mod commit;
mod counters;
mod deliveries;
mod flows;
mod identities;
mod keys;
mod open;
mod outbox;
mod places;
mod readers;
mod revisions;
mod sessions;
mod sweep;
mod transfer;
mod wipe;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use sessera_model::{Credential, CredentialKind, Identity, Session, StatusIndex, Timestamp, TokenHash, Uuid};
use sqlx::SqlitePool;

use crate::Store;
use crate::admin_token::AdminToken;
use crate::audit::{AuditEntry, AuditPage, Ends};
use crate::change::Change;
use crate::counter::{Counter, CounterKey};
use crate::delivery::{Delivery, DeliveryPage, SinkState, TakingSink};
use crate::error::StoreError;
use crate::line::Line;
use crate::lock::FileLock;
use crate::records::{
    AssignedStatusIndex, Code, CodePurpose, DueRechecks, Ended, Flow, IdentityFilter, KeySet, Message,
    MessageFilter, Outstanding, Page, PoolUse, Revision, RevisionSummary, SentMessage, SessionFilter,
    StoredSession,
};
use crate::sealer::Sealer;
use readers::Readers;
use wipe::Wiper;

pub use open::{SqliteOptions, could_be_made, parse_dsn, parse_dsn_for_reading};

/// A store on SQLite.
pub struct SqliteStore {
    writer: SqlitePool,
    readers: Readers,
    wiper: Wiper,
    sealer: Sealer,
    line: Line,
    deployment_id: Uuid,
    /// Held by whoever opened the database alone, until it is closed.
    lock: Mutex<Option<FileLock>>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("deployment_id", &self.deployment_id).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.readers.one(sqlx::query("SELECT 1")).await.map(drop)
    }

    async fn deployment_id(&self) -> Result<Uuid, StoreError> {
        Ok(self.deployment_id)
    }

    async fn identity(&self, id: Uuid) -> Result<Option<Identity>, StoreError> {
        self.find_identity(id).await
    }

    async fn identity_by_external_id(&self, external_id: &str) -> Result<Option<Identity>, StoreError> {
        self.find_identity_by_external_id(external_id).await
    }

    async fn identity_by_identifier(
        &self,
        kind: CredentialKind,
        identifier: &str,
    ) -> Result<Option<Identity>, StoreError> {
        self.find_identity_by_identifier(kind, identifier).await
    }

    async fn identity_by_address(&self, via: &str, value: &str) -> Result<Option<Identity>, StoreError> {
        self.find_identity_by_address(via, value).await
    }

    async fn identities(&self, filter: &IdentityFilter, page: &Page) -> Result<Vec<Identity>, StoreError> {
        self.list_identities(filter, page).await
    }

    async fn count_identities(&self) -> Result<u64, StoreError> {
        self.count_all_identities().await
    }

    async fn credentials(&self, identity_id: Uuid) -> Result<Vec<Credential>, StoreError> {
        self.find_credentials(identity_id).await
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
        self.find_session_by_token(token).await
    }

    async fn session(&self, id: Uuid) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        self.find_session(id).await
    }

    async fn session_by_status(
        &self,
        index: StatusIndex,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        self.find_session_by_status(index).await
    }

    async fn status_list(&self, list: u64, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        self.make_status_list(list, now).await
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
        self.list_sessions(filter, page).await
    }

    async fn count_sessions(&self, filter: &SessionFilter) -> Result<u64, StoreError> {
        self.count_listed_sessions(filter).await
    }

    async fn flow(&self, id: Uuid) -> Result<Option<Flow>, StoreError> {
        self.find_flow(id).await
    }

    async fn code(&self, flow_id: Uuid, purpose: CodePurpose) -> Result<Option<Code>, StoreError> {
        self.find_code(flow_id, purpose).await
    }

    async fn counters(&self, keys: &[CounterKey]) -> Result<Vec<Counter>, StoreError> {
        self.find_counters(keys).await
    }

    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError> {
        self.list_due_messages(now, limit).await
    }

    async fn messages(&self, filter: &MessageFilter, page: &Page) -> Result<Vec<SentMessage>, StoreError> {
        self.list_messages(filter, page).await
    }

    async fn message(&self, id: Uuid) -> Result<Option<SentMessage>, StoreError> {
        self.find_message(id).await
    }

    async fn key_set(&self, name: &str) -> Result<Option<KeySet>, StoreError> {
        self.find_key_set(name).await
    }

    async fn key_sets(&self) -> Result<Vec<KeySet>, StoreError> {
        self.list_key_sets().await
    }

    async fn admin_token(&self, hash: &TokenHash) -> Result<Option<AdminToken>, StoreError> {
        self.find_admin_token(hash).await
    }

    async fn admin_tokens(&self) -> Result<Vec<AdminToken>, StoreError> {
        self.list_admin_tokens().await
    }

    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreError> {
        self.list_audit(page).await
    }

    async fn audit_ends(&self) -> Result<Ends, StoreError> {
        self.find_audit_ends().await
    }

    async fn chain_audit(&self, limit: u32) -> Result<u64, StoreError> {
        self.put_audit_in_order(limit).await
    }

    async fn sweep_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.sweep_old_audit(before, limit).await
    }

    async fn take_sink(&self, taking: &TakingSink) -> Result<Option<i64>, StoreError> {
        self.take_one_sink(taking).await
    }

    async fn due_deliveries(
        &self,
        sink: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.find_due_deliveries(sink, now, limit).await
    }

    async fn deliveries(&self, page: &DeliveryPage) -> Result<Vec<Delivery>, StoreError> {
        self.list_deliveries(page).await
    }

    async fn sinks(&self) -> Result<Vec<SinkState>, StoreError> {
        self.list_sinks().await
    }

    async fn newest_revision(&self) -> Result<Option<Revision>, StoreError> {
        self.find_newest_revision().await
    }

    async fn revision(&self, id: Uuid) -> Result<Option<Revision>, StoreError> {
        self.find_revision(id).await
    }

    async fn revisions(&self, page: &Page) -> Result<Vec<RevisionSummary>, StoreError> {
        self.list_revisions(page).await
    }

    async fn configuration_version(&self) -> Result<[i64; 4], StoreError> {
        self.find_configuration_version().await
    }

    fn line(&self) -> &Line {
        &self.line
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.apply_all(changes).await?;
        if changes.iter().any(wipe::takes_secrets_away) {
            self.wiper.ask();
        }
        Ok(())
    }

    async fn sweep(&self, ended: Ended, limit: u32) -> Result<u64, StoreError> {
        let gone = self.sweep_ended(ended, limit).await?;
        if gone > 0 {
            self.wiper.ask();
        }
        Ok(gone)
    }

    fn pools(&self) -> Vec<PoolUse> {
        let (all, idle) = (self.writer.size() as usize, self.writer.num_idle());
        let writer = PoolUse {
            name: "writer",
            most: self.writer.options().get_max_connections() as usize,
            in_use: all.saturating_sub(idle),
            idle: idle.min(all),
            waiting: None,
        };
        vec![self.readers.usage(), writer]
    }

    async fn close(&self) {
        self.wiper.end().await;
        self.readers.close().await;
        // Where others have the file open too, closing it leaves the log as it is. What cannot be done stays for them.
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await;
        self.writer.close().await;
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        AuditFrom, AuditOf, AuditPage, Cipher, FlowKind, IdentifierFilter, Matching, Span, listings,
        records::Flow,
    };
    use sessera_model::{Secret, SystemRandom};
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
    use sqlx::{ConnectOptions as _, Connection as _, Row as _, Sqlite};
    use std::sync::Arc;

    fn options(folder: &tempfile::TempDir) -> SqliteOptions {
        SqliteOptions {
            path: folder.path().join("db.sqlite"),
            cipher: Arc::new(Cipher::new(&[Secret::new("secret")]).unwrap()),
            random: Arc::new(SystemRandom::default()),
        }
    }

    async fn open() -> (SqliteStore, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder);
        (SqliteStore::open(options).await.unwrap(), folder)
    }

    #[tokio::test]
    async fn a_closed_database_is_there_for_others_alone() {
        let (store, folder) = open().await;
        store.close().await;
        for _ in 0..20 {
            let store = SqliteStore::open(options(&folder)).await.unwrap();
            // The log is asked to be cut off at the start, by a connection of its own.
            tokio::task::yield_now().await;
            store.close().await;
            let alone = SqliteConnectOptions::new()
                .filename(folder.path().join("db.sqlite"))
                .busy_timeout(std::time::Duration::ZERO)
                .journal_mode(SqliteJournalMode::Delete);
            alone.connect().await.unwrap().close().await.unwrap();
        }
    }

    /// The plan by which SQLite would run a query.
    async fn plan(store: &SqliteStore, query: &str) -> String {
        let query = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
        let steps = store.readers.rows(sqlx::query(query)).await.unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step.get("detail")).collect();
        steps.join("; ")
    }

    #[tokio::test]
    async fn every_page_of_a_list_is_found_by_its_key() {
        let (store, _folder) = open().await;
        let id = Uuid::from_u128(1);
        let page = Page { after: Some(id), limit: 100 };
        let people = |filter: IdentityFilter| listings::identities::<Sqlite>(&filter, &page).sql();
        let by = |matching| {
            let identifier = IdentifierFilter { typed: "ada".into(), link: "a:1".into(), matching };
            people(IdentityFilter { identifier: Some(identifier), ..IdentityFilter::default() })
        };
        let to_ada = MessageFilter { recipient: Some("ada".into()), ..MessageFilter::default() };
        let of_one = SessionFilter { identity_id: Some(id), ..SessionFilter::default() };
        let record = |of| {
            let from = AuditFrom::Latest(Span { of, ..Span::ALL });
            listings::audit::<Sqlite>(&AuditPage { from, limit: 100 }).sql()
        };
        let live =
            SessionFilter { live: Some((true, Timestamp::from_seconds(1))), ..SessionFilter::default() };
        let of_all = |page: &Page| sessions::listing(&SessionFilter::default(), page).sql();
        for (query, index) in [
            (
                people(IdentityFilter::default()),
                "identities USING INDEX sqlite_autoindex_identities_1 (id>?)",
            ),
            (by(Matching::Whole), "identifiers USING PRIMARY KEY (kind=? AND identifier=?)"),
            (
                by(Matching::Beginning),
                "identifiers USING PRIMARY KEY (kind=? AND identifier>? AND identifier<?)",
            ),
            (
                outbox::listing(&MessageFilter::default(), &page).sql(),
                "outbox USING INDEX outbox_by_creation",
            ),
            (outbox::listing(&to_ada, &page).sql(), "outbox USING INDEX outbox_by_recipient (recipient=?"),
            (of_all(&page), "sessions USING INDEX sessions_by_issue"),
            (
                sessions::listing(&live, &Page { after: None, limit: 3 }).sql(),
                "sessions USING INDEX sessions_by_issue",
            ),
            (of_all(&Page { after: None, limit: 100 }), "sessions USING INDEX sessions_by_issue"),
            (record(AuditOf::All), "audit USING INDEX sqlite_autoindex_audit_1 (id>? AND id<?)"),
            (record(AuditOf::Identity(id)), "INDEX audit_by_identity (identity_id=? AND id>? AND id<?)"),
            (record(AuditOf::Session(id)), "INDEX audit_by_session (<expr>=? AND id>? AND id<?)"),
            (record(AuditOf::Action("a".into())), "INDEX audit_by_action (<expr>=? AND id>? AND id<?)"),
            (record(AuditOf::Actor("a".into())), "INDEX audit_by_actor (<expr>=? AND id>? AND id<?)"),
            (record(AuditOf::Tokens), "INDEX audit_by_tokens (id>? AND id<?)"),
            (record(AuditOf::Refusals), "INDEX audit_of_refusals (id>? AND id<?)"),
            (
                sessions::listing(&of_one, &page).sql(),
                "sessions USING INDEX sessions_by_identity (identity_id=?",
            ),
        ] {
            let plan = plan(&store, query.as_str()).await;
            assert!(plan.contains(index), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "nothing is sorted: {plan}");
        }
        let first = plan(&store, by(Matching::FirstBeginning).as_str()).await;
        assert!(
            first.matches("identifiers USING PRIMARY KEY (kind=? AND identifier>? AND identifier<?)").count()
                == 4
                && first.contains("identities USING INDEX sqlite_autoindex_identities_1 (id=?)"),
            "{first}"
        );
        for statement in sweep::SESSIONS.into_iter().chain(sweep::OTHERS).chain([sweep::MESSAGES]) {
            let plan = plan(&store, statement).await;
            assert!(!plan.contains("SCAN"), "{plan}");
        }
    }

    #[tokio::test]
    async fn who_reads_does_not_wait_for_what_is_swept() {
        let (store, _folder) = open().await;
        let flow = Flow {
            id: Uuid::from_u128(1),
            kind: FlowKind::Login,
            body: "x".into(),
            expires_at: Timestamp::from_seconds(1),
            version: 1,
        };
        store.commit(&[Change::InsertFlow(flow.clone())]).await.unwrap();
        // A batch stays in the middle of its work for as long as the test wants.
        let mut batch = store.writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
        sqlx::query("DELETE FROM flows").execute(&mut *batch).await.unwrap();
        assert_eq!(store.flow(flow.id).await.unwrap().as_ref(), Some(&flow));
        assert_eq!(store.session_by_token(&TokenHash::of("x")).await.unwrap(), None);
        batch.commit().await.unwrap();
        assert_eq!(store.flow(flow.id).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_full_disk_is_said_and_nothing_is_half_done() {
        let (store, _folder) = open().await;
        let flow = |id, size| Flow {
            id: Uuid::from_u128(id),
            kind: FlowKind::Login,
            body: "x".repeat(size),
            expires_at: Timestamp::default(),
            version: 1,
        };
        let small = Change::InsertFlow(flow(1, 10));
        sqlx::query("PRAGMA max_page_count = 1").execute(&store.writer).await.unwrap();
        let full = store.commit(&[small.clone(), Change::InsertFlow(flow(2, 1_000_000))]).await;
        assert!(matches!(full, Err(StoreError::NotWritable(_))), "{full:?}");
        assert_eq!(store.flow(Uuid::from_u128(1)).await.unwrap(), None);
        // The limit belonged to that connection, so the next one has room.
        store.commit(&[small, Change::InsertFlow(flow(2, 1_000_000))]).await.unwrap();
        assert!(store.flow(Uuid::from_u128(1)).await.unwrap().is_some());
    }
}
