//! The record of what happened.

use sessera_model::Timestamp;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, QueryBuilder};

use super::PostgresStore;
use super::connection::Connection;
use crate::audit::{AT_ONCE, AuditEntry, AuditPage, Ends, NewEntry};
use crate::error::StoreError;
use crate::listings::{self, Bytes, Parts, SqlDialect};
use crate::row;

impl SqlDialect for Postgres {
    const PARTS: Parts = Parts {
        action: r#" AND substring(content from '^\{"action":"([a-z_]+)"') = "#,
        actor: r#" AND substring(content from '^\{"action":"[a-z_]+","outcome":"[a-z]+","actor":\{(?:"kind":"[a-z]+",)?"[a-z]+":"([^"]+)"') = "#,
        session: r#" AND substring(content from '"session_id":"([0-9a-f-]{36})"') = "#,
        tokens: r#" AND content ~ '^\{"action":"[a-z_]+","outcome":"[a-z]+","actor":\{"kind":"token"'"#,
        refusals: r#" AND content ~ '^\{"action":"[a-z_]+","outcome":"refused"'"#,
    };
    const BYTES: Bytes =
        Bytes { from: " ~>=~ ", below: " ~<~ ", ordered: " USING ~<~", collated: r#" COLLATE "C""# };
}

impl PostgresStore {
    pub(super) async fn record(
        &self,
        connection: &mut Connection,
        entries: &[NewEntry],
    ) -> Result<(), StoreError> {
        for entries in entries.chunks(AT_ONCE) {
            let mut query =
                QueryBuilder::<Postgres>::new("INSERT INTO audit (id, at, identity_id, content) ");
            query.push_values(entries, |mut values, entry| {
                values
                    .push_bind(entry.id)
                    .push_bind(entry.at.micros())
                    .push_bind(entry.identity_id)
                    .push_bind(&entry.content);
            });
            connection.execute(query.build()).await?;
        }
        Ok(())
    }

    pub(super) async fn list_audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = self.connection().await?.all(listings::audit(page).build()).await?;
        rows.iter().map(row::audit_entry).collect()
    }

    pub(super) async fn find_audit_ends(&self) -> Result<Ends, StoreError> {
        ends(&mut self.connection().await?).await
    }

    pub(super) async fn put_audit_in_order(&self, limit: u32) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let outcome = order(&mut connection, limit).await;
        ended(&mut connection, outcome).await
    }

    pub(super) async fn sweep_old_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut connection = self.connection().await?;
        let outcome = sweep(&mut connection, before, limit).await;
        ended(&mut connection, outcome).await
    }
}

/// Takes back what was begun where it failed.
async fn ended(connection: &mut Connection, outcome: Result<u64, StoreError>) -> Result<u64, StoreError> {
    if outcome.is_err() {
        connection.roll_back().await;
    }
    outcome
}

async fn order(connection: &mut Connection, limit: u32) -> Result<u64, StoreError> {
    connection.begin().await?;
    let mut ends = locked_ends(connection).await?;
    let query = sqlx::query("SELECT id, at, content FROM audit WHERE number IS NULL ORDER BY id LIMIT $1");
    let rows = connection.all(query.bind(i64::from(limit))).await?;
    let (mut ids, mut numbers, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for found in &rows {
        ends.last = ends.last.next(row::time(found, "at")?, row::text(found, "content")?);
        ids.push(row::id(found, "id")?);
        numbers.push(ends.last.number);
        hashes.push(ends.last.hash.0.to_vec());
    }
    if !rows.is_empty() {
        let query = sqlx::query(
            "UPDATE audit SET number = ordered.number, hash = ordered.hash \
             FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS ordered (id, number, hash) \
             WHERE audit.id = ordered.id",
        );
        connection.execute(query.bind(ids).bind(numbers).bind(hashes)).await?;
        keep_ends(connection, ends).await?;
    }
    connection.commit().await?;
    Ok(rows.len() as u64)
}

async fn sweep(connection: &mut Connection, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    connection.begin().await?;
    let mut ends = locked_ends(connection).await?;
    let query = sqlx::query("SELECT number, hash, at FROM audit WHERE number > $1 ORDER BY number LIMIT $2");
    let rows = connection.all(query.bind(ends.swept.number).bind(i64::from(limit))).await?;
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
            let mut query = QueryBuilder::<Postgres>::new("DELETE FROM ");
            query.push(table).push(" WHERE number <= ").push_bind(ends.swept.number);
            connection.execute(query.build()).await?;
        }
        keep_ends(connection, ends).await?;
    }
    connection.commit().await?;
    Ok(gone)
}

/// The ends of the record. Other nodes wait for them until the transaction ends, so one at a time changes them.
async fn locked_ends(connection: &mut Connection) -> Result<Ends, StoreError> {
    read_ends(connection, sqlx::query("SELECT value FROM meta WHERE name = $1 FOR UPDATE")).await
}

/// The ends of the record as they are for a transaction, which keeps nobody from changing them.
pub(super) async fn ends(connection: &mut Connection) -> Result<Ends, StoreError> {
    read_ends(connection, sqlx::query("SELECT value FROM meta WHERE name = $1")).await
}

async fn read_ends(
    connection: &mut Connection,
    query: Query<'_, Postgres, PgArguments>,
) -> Result<Ends, StoreError> {
    let found = connection.optional(query.bind(Ends::NAME)).await?.ok_or_else(|| row::corrupt("value"))?;
    Ends::from_bytes(row::bytes(&found, "value")?)
}

async fn keep_ends(connection: &mut Connection, ends: Ends) -> Result<(), StoreError> {
    let query =
        sqlx::query("UPDATE meta SET value = $1 WHERE name = $2").bind(ends.to_bytes()).bind(Ends::NAME);
    connection.execute(query).await?;
    Ok(())
}
