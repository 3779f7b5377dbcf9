//! Reading and writing whole tables, for moving them.

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite};

use super::SqliteStore;
use crate::Store as _;
use crate::error::{StoreError, from_sqlx};
use crate::row;
use crate::transfer::queries::{self, BindValue};
use crate::transfer::{Kind, Row, Table, Tables, Value};

#[async_trait]
impl Tables for SqliteStore {
    async fn read(&self, table: &Table, after: Option<&Row>, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut query = queries::read::<Sqlite>(table, after, limit);
        let rows = self.readers.rows(query.build()).await?;
        rows.iter().map(|found| queries::values(table, found)).collect()
    }

    async fn write(&self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut query = queries::write::<Sqlite>(table, rows);
        query.build().execute(&self.writer).await.map_err(from_sqlx)?;
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
        let mut query = queries::replace::<Sqlite>(table, column, changes);
        query.build().execute(&self.writer).await.map_err(from_sqlx)?;
        self.wiper.ask();
        Ok(())
    }

    async fn next_status_number(&self) -> Result<i64, StoreError> {
        let found = self.readers.one(sqlx::query("SELECT next FROM status_counter")).await?;
        row::integer(&found, "next")
    }

    async fn begin_status_numbers_at(&self, next: i64) -> Result<(), StoreError> {
        let moved = sqlx::query("UPDATE status_counter SET next = max(next, ?)").bind(next);
        moved.execute(&self.writer).await.map_err(from_sqlx)?;
        Ok(())
    }

    async fn close_tables(&self) {
        self.close().await;
    }
}

impl BindValue for Sqlite {
    fn push(query: &mut QueryBuilder<Self>, value: &Value, _: Kind) {
        match value {
            Value::Null => query.push("NULL"),
            Value::Id(id) => query.push_bind(*id),
            Value::Text(text) => query.push_bind(text.clone()),
            Value::Bytes(bytes) => query.push_bind(bytes.clone()),
            Value::Integer(number) => query.push_bind(*number),
            Value::Flag(flag) => query.push_bind(*flag),
        };
    }
}
