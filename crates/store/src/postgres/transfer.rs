//! Reading and writing whole tables, for moving them.

use async_trait::async_trait;
use sqlx::{Postgres, QueryBuilder};

use super::PostgresStore;
use crate::Store as _;
use crate::error::StoreError;
use crate::row;
use crate::transfer::queries::{self, BindValue};
use crate::transfer::{Kind, Row, Table, Tables, Value};

#[async_trait]
impl Tables for PostgresStore {
    async fn read(&self, table: &Table, after: Option<&Row>, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut query = queries::read::<Postgres>(table, after, limit);
        let rows = self.connection().await?.all(query.build()).await?;
        rows.iter().map(|found| queries::values(table, found)).collect()
    }

    async fn write(&self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut query = queries::write::<Postgres>(table, rows);
        self.connection().await?.execute(query.build()).await?;
        Ok(())
    }

    async fn replace(
        &self,
        table: &Table,
        column: usize,
        changes: &[(Row, Vec<u8>)],
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut query = queries::replace::<Postgres>(table, column, changes);
        self.connection().await?.execute(query.build()).await?;
        Ok(())
    }

    async fn next_status_number(&self) -> Result<i64, StoreError> {
        let query = sqlx::query(
            "SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END AS next FROM session_status_index",
        );
        let found = self.connection().await?.optional(query).await?;
        found.map_or_else(|| Err(row::corrupt("next")), |found| row::integer(&found, "next"))
    }

    async fn begin_status_numbers_at(&self, next: i64) -> Result<(), StoreError> {
        let next = next.max(self.next_status_number().await?);
        let query = sqlx::query("SELECT setval('session_status_index', $1, false)").bind(next);
        self.connection().await?.optional(query).await?;
        Ok(())
    }

    async fn close_tables(&self) {
        self.close().await;
    }
}

impl BindValue for Postgres {
    fn push(query: &mut QueryBuilder<Self>, value: &Value, kind: Kind) {
        match (value, kind) {
            (Value::Null, Kind::Id) => query.push("NULL::uuid"),
            (Value::Null, Kind::Text) => query.push("NULL::text"),
            (Value::Null, Kind::Bytes) => query.push("NULL::bytea"),
            (Value::Null, Kind::Integer) => query.push("NULL::bigint"),
            (Value::Null, Kind::Flag) => query.push("NULL::boolean"),
            (Value::Id(id), _) => query.push_bind(*id),
            (Value::Text(text), _) => query.push_bind(text.clone()),
            (Value::Bytes(bytes), _) => query.push_bind(bytes.clone()),
            (Value::Integer(number), _) => query.push_bind(*number),
            (Value::Flag(flag), _) => query.push_bind(*flag),
        };
    }
}
