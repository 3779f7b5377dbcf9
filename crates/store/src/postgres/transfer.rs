//! Reading and writing whole tables, for moving them.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder, Row as _};

use super::{PostgresStore, row};
use crate::Store as _;
use crate::error::StoreError;
use crate::transfer::{Kind, Row, Table, Tables, Value};

#[async_trait]
impl Tables for PostgresStore {
    async fn read(&self, table: &Table, after: Option<&Row>, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT ");
        query.push(table.names()).push(" FROM ").push(table.name);
        if let Some(after) = after {
            query.push(" WHERE (").push(table.key_names()).push(") > (");
            for (position, value) in after.iter().take(table.key).enumerate() {
                if position > 0 {
                    query.push(", ");
                }
                push(&mut query, value, table.columns[position].1);
            }
            query.push(")");
        }
        query.push(" ORDER BY ").push(table.key_names()).push(" LIMIT ").push_bind(i64::from(limit));
        let rows = self.connection().await?.all(query.build()).await?;
        rows.iter().map(|found| values(table, found)).collect()
    }

    async fn write(&self, table: &Table, rows: &[Row]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::<Postgres>::new("INSERT INTO ");
        query.push(table.name).push(" (").push(table.names()).push(") VALUES ");
        for (number, row) in rows.iter().enumerate() {
            query.push(if number > 0 { ", (" } else { "(" });
            for (position, value) in row.iter().enumerate() {
                if position > 0 {
                    query.push(", ");
                }
                push(&mut query, value, table.columns[position].1);
            }
            query.push(")");
        }
        if table.name == "meta" {
            query.push(" ON CONFLICT (name) DO UPDATE SET value = excluded.value");
        }
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
        let (name, kind) = table.columns[column];
        let mut query = QueryBuilder::<Postgres>::new("UPDATE ");
        query.push(table.name).push(" SET ").push(name).push(" = changes.new FROM (");
        for (number, (row, new)) in changes.iter().enumerate() {
            query.push(if number > 0 { " UNION ALL SELECT " } else { "SELECT " });
            for (position, value) in row.iter().enumerate().take(table.key) {
                push(&mut query, value, table.columns[position].1);
                query.push(format!(" AS key{position}, "));
            }
            push(&mut query, &row[column], kind);
            query.push(" AS old, ");
            push(&mut query, &Value::Bytes(new.clone()), kind);
            query.push(" AS new");
        }
        query.push(format!(") AS changes WHERE {}.{name} = changes.old", table.name));
        for (position, (name, _)) in table.columns.iter().take(table.key).enumerate() {
            query.push(format!(" AND {}.{name} = changes.key{position}", table.name));
        }
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

fn push(query: &mut QueryBuilder<Postgres>, value: &Value, kind: Kind) {
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

fn values(table: &Table, found: &PgRow) -> Result<Row, StoreError> {
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
