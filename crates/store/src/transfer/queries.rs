//! The queries that read and write whole tables, which all engines understand.

use sqlx::{Database, QueryBuilder};

use super::{Kind, Row, Table, Value};
use crate::error::StoreError;
use crate::row::Columns;

/// How an engine is handed a value.
pub(crate) trait BindValue: Database {
    /// Adds a value of a column of some kind to a query.
    fn push(query: &mut QueryBuilder<Self>, value: &Value, kind: Kind);
}

/// Adds the first values of a row, with commas between them.
fn push_all<DB: BindValue>(query: &mut QueryBuilder<DB>, table: &Table, row: &[Value]) {
    for (position, (value, (_, kind))) in row.iter().zip(table.columns).enumerate() {
        if position > 0 {
            query.push(", ");
        }
        DB::push(query, value, *kind);
    }
}

/// Reads the rows behind one in the order of their keys.
pub(crate) fn read<DB: BindValue>(table: &Table, after: Option<&Row>, limit: u32) -> QueryBuilder<DB> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(table.names()).push(" FROM ").push(table.name);
    if let Some(after) = after {
        query.push(" WHERE (").push(table.key_names()).push(") > (");
        push_all(&mut query, table, &after[..table.key]);
        query.push(")");
    }
    query.push(" ORDER BY ").push(table.key_names()).push(" LIMIT ");
    DB::push(&mut query, &Value::Integer(limit.into()), Kind::Integer);
    query
}

/// Adds rows, of which there is one at least.
pub(crate) fn write<DB: BindValue>(table: &Table, rows: &[Row]) -> QueryBuilder<DB> {
    let mut query = QueryBuilder::new("INSERT INTO ");
    query.push(table.name).push(" (").push(table.names()).push(") VALUES ");
    for (number, row) in rows.iter().enumerate() {
        query.push(if number > 0 { ", (" } else { "(" });
        push_all(&mut query, table, row);
        query.push(")");
    }
    if table.name == "meta" {
        query.push(" ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    }
    query
}

/// Replaces a column of rows, of which there is one at least, where it still holds what was read.
pub(crate) fn replace<DB: BindValue>(
    table: &Table,
    column: usize,
    changes: &[(Row, Vec<u8>)],
) -> QueryBuilder<DB> {
    let (name, kind) = table.columns[column];
    let mut query = QueryBuilder::new("UPDATE ");
    query.push(table.name).push(" SET ").push(name).push(" = changes.new FROM (");
    for (number, (row, new)) in changes.iter().enumerate() {
        query.push(if number > 0 { " UNION ALL SELECT " } else { "SELECT " });
        for (position, value) in row.iter().enumerate().take(table.key) {
            DB::push(&mut query, value, table.columns[position].1);
            query.push(format!(" AS key{position}, "));
        }
        DB::push(&mut query, &row[column], kind);
        query.push(" AS old, ");
        DB::push(&mut query, &Value::Bytes(new.clone()), kind);
        query.push(" AS new");
    }
    query.push(format!(") AS changes WHERE {}.{name} = changes.old", table.name));
    for (position, (name, _)) in table.columns.iter().take(table.key).enumerate() {
        query.push(format!(" AND {}.{name} = changes.key{position}", table.name));
    }
    query
}

/// The values of a row that was read.
pub(crate) fn values(table: &Table, found: &impl Columns) -> Result<Row, StoreError> {
    let read = |(name, kind): &(&'static str, Kind)| {
        let value = match kind {
            Kind::Id => found.optional_id(name)?.map(Value::Id),
            Kind::Text => found.optional_text(name)?.map(|text| Value::Text(text.to_owned())),
            Kind::Bytes => found.optional_bytes(name)?.map(|bytes| Value::Bytes(bytes.to_vec())),
            Kind::Integer => found.optional_integer(name)?.map(Value::Integer),
            Kind::Flag => found.optional_flag(name)?.map(Value::Flag),
        };
        Ok(value.unwrap_or(Value::Null))
    };
    table.columns.iter().map(read).collect()
}
