//! Reading and writing whole tables, for moving them.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::{SqliteStore, row};
use crate::Store as _;
use crate::error::{StoreError, from_sqlx};
use crate::transfer::{Kind, Row, Table, Tables, Value};

#[async_trait]
impl Tables for SqliteStore {
    async fn read(&self, table: &Table, after: Option<&Row>, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT ");
        query.push(table.names()).push(" FROM ").push(table.name);
        if let Some(after) = after {
            query.push(" WHERE (").push(table.key_names()).push(") > (");
            for (position, value) in after.iter().take(table.key).enumerate() {
                if position > 0 {
                    query.push(", ");
                }
                push(&mut query, value);
            }
            query.push(")");
        }
        query.push(" ORDER BY ").push(table.key_names()).push(" LIMIT ").push_bind(i64::from(limit));
        let rows = self.readers.rows(query.build()).await?;
        rows.iter().map(|found| values(table, found)).collect()
    }

    async fn write(&self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO ");
        query.push(table.name).push(" (").push(table.names()).push(") VALUES ");
        for (number, row) in rows.iter().enumerate() {
            query.push(if number > 0 { ", (" } else { "(" });
            for (position, value) in row.iter().enumerate() {
                if position > 0 {
                    query.push(", ");
                }
                push(&mut query, value);
            }
            query.push(")");
        }
        if table.name == "meta" {
            query.push(" ON CONFLICT (name) DO UPDATE SET value = excluded.value");
        }
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
        let (name, _) = table.columns[column];
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE ");
        query.push(table.name).push(" SET ").push(name).push(" = changes.new FROM (");
        for (number, (row, new)) in changes.iter().enumerate() {
            query.push(if number > 0 { " UNION ALL SELECT " } else { "SELECT " });
            for (position, value) in row.iter().enumerate().take(table.key) {
                push(&mut query, value);
                query.push(format!(" AS key{position}, "));
            }
            push(&mut query, &row[column]);
            query.push(" AS old, ");
            push(&mut query, &Value::Bytes(new.clone()));
            query.push(" AS new");
        }
        query.push(format!(") AS changes WHERE {}.{name} = changes.old", table.name));
        for (position, (name, _)) in table.columns.iter().take(table.key).enumerate() {
            query.push(format!(" AND {}.{name} = changes.key{position}", table.name));
        }
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

fn push(query: &mut QueryBuilder<Sqlite>, value: &Value) {
    match value {
        Value::Null => query.push("NULL"),
        Value::Id(id) => query.push_bind(*id),
        Value::Text(text) => query.push_bind(text.clone()),
        Value::Bytes(bytes) => query.push_bind(bytes.clone()),
        Value::Integer(number) => query.push_bind(*number),
        Value::Flag(flag) => query.push_bind(*flag),
    };
}

fn values(table: &Table, found: &SqliteRow) -> Result<Row, StoreError> {
    let read = |(name, kind): &(&'static str, Kind)| {
        let value = match kind {
            Kind::Id => found.try_get::<Option<_>, _>(*name).map(|id| id.map(Value::Id)),
            Kind::Text => found.try_get::<Option<_>, _>(*name).map(|text| text.map(Value::Text)),
            Kind::Bytes => found.try_get::<Option<_>, _>(*name).map(|bytes| bytes.map(Value::Bytes)),
            Kind::Integer => found.try_get::<Option<_>, _>(*name).map(|number| number.map(Value::Integer)),
            Kind::Flag => found.try_get::<Option<_>, _>(*name).map(|flag| flag.map(Value::Flag)),
        };
        value.map(|value| value.unwrap_or(Value::Null)).map_err(|_| row::corrupt(name))
    };
    table.columns.iter().map(read).collect()
}
