//! The record of what happened.

use sessera_model::Timestamp;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::SqliteStore;
use crate::audit::{AT_ONCE, AuditEntry, AuditPage, Ends, NewEntry};
use crate::error::{StoreError, from_sqlx};
use crate::listings::{self, Bytes, Parts, SqlDialect};
use crate::row;

impl SqlDialect for Sqlite {
    const PARTS: Parts = Parts {
        action: " AND json_extract(content, '$.action') = ",
        actor: " AND coalesce(json_extract(content, '$.actor.name'), json_extract(content, '$.actor.id'), json_extract(content, '$.actor.kind')) = ",
        session: " AND json_extract(content, '$.about.session_id') = ",
        tokens: " AND json_extract(content, '$.actor.kind') = 'token'",
        refusals: " AND json_extract(content, '$.outcome') = 'refused'",
    };
    const BYTES: Bytes = Bytes { from: " >= ", below: " < ", ordered: "", collated: "" };
}

impl SqliteStore {
    pub(super) async fn record(
        &self,
        connection: &mut SqliteConnection,
        entries: &[NewEntry],
    ) -> Result<(), StoreError> {
        for entries in entries.chunks(AT_ONCE) {
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO audit (id, at, identity_id, content) ");
            query.push_values(entries, |mut values, entry| {
                values
                    .push_bind(entry.id)
                    .push_bind(entry.at.micros())
                    .push_bind(entry.identity_id)
                    .push_bind(&entry.content);
            });
            query.build().execute(&mut *connection).await.map_err(from_sqlx)?;
        }
        Ok(())
    }

    pub(super) async fn list_audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = self.readers.rows(listings::audit(page).build()).await?;
        rows.iter().map(row::audit_entry).collect()
    }

    pub(super) async fn find_audit_ends(&self) -> Result<Ends, StoreError> {
        let query = sqlx::query("SELECT value FROM meta WHERE name = ?").bind(Ends::NAME);
        Ends::from_bytes(row::bytes(&self.readers.one(query).await?, "value")?)
    }

    /// The transaction has the database for itself, so nobody else puts entries in order.
    pub(super) async fn put_audit_in_order(&self, limit: u32) -> Result<u64, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(from_sqlx)?;
        let mut ends = ends(&mut transaction).await?;
        let rows = sqlx::query("SELECT id, at, content FROM audit WHERE number IS NULL ORDER BY id LIMIT ?")
            .bind(limit)
            .fetch_all(&mut *transaction)
            .await
            .map_err(from_sqlx)?;
        for found in &rows {
            ends.last = ends.last.next(row::time(found, "at")?, row::text(found, "content")?);
            sqlx::query("UPDATE audit SET number = ?, hash = ? WHERE id = ?")
                .bind(ends.last.number)
                .bind(ends.last.hash.0.as_slice())
                .bind(row::id(found, "id")?)
                .execute(&mut *transaction)
                .await
                .map_err(from_sqlx)?;
        }
        if !rows.is_empty() {
            keep_ends(&mut transaction, ends).await?;
        }
        transaction.commit().await.map_err(from_sqlx)?;
        Ok(rows.len() as u64)
    }

    pub(super) async fn sweep_old_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(from_sqlx)?;
        let mut ends = ends(&mut transaction).await?;
        let rows = sqlx::query("SELECT number, hash, at FROM audit WHERE number > ? ORDER BY number LIMIT ?")
            .bind(ends.swept.number)
            .bind(limit)
            .fetch_all(&mut *transaction)
            .await
            .map_err(from_sqlx)?;
        let mut gone = 0;
        for found in &rows {
            if row::time(found, "at")? >= before {
                break;
            }
            ends.swept = row::link(found)?;
            gone += 1;
        }
        if gone > 0 {
            for table in ["audit", "deliveries"] {
                let mut query = QueryBuilder::<Sqlite>::new("DELETE FROM ");
                query.push(table).push(" WHERE number <= ").push_bind(ends.swept.number);
                query.build().execute(&mut *transaction).await.map_err(from_sqlx)?;
            }
            keep_ends(&mut transaction, ends).await?;
        }
        transaction.commit().await.map_err(from_sqlx)?;
        Ok(gone)
    }
}

pub(super) async fn ends(connection: &mut SqliteConnection) -> Result<Ends, StoreError> {
    let query = sqlx::query("SELECT value FROM meta WHERE name = ?").bind(Ends::NAME);
    Ends::from_bytes(row::bytes(&query.fetch_one(connection).await.map_err(from_sqlx)?, "value")?)
}

async fn keep_ends(connection: &mut SqliteConnection, ends: Ends) -> Result<(), StoreError> {
    let query =
        sqlx::query("UPDATE meta SET value = ? WHERE name = ?").bind(ends.to_bytes()).bind(Ends::NAME);
    query.execute(connection).await.map_err(from_sqlx)?;
    Ok(())
}
