//! Moving everything from one database into another, whatever their engines.
//!
//! Rows are copied as they are, table by table in pages by key. Sealed values stay sealed. They belong to a
//! table, column and row, which are the same in every engine, so both sides must have the same
//! `secrets.cipher`.

pub(crate) mod queries;

use std::fmt;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use sessera_model::Uuid;

use crate::error::StoreError;

/// How many rows go at once.
const PAGE: u32 = 500;

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A UUID.
    Id,
    /// A text.
    Text,
    /// A sequence of bytes.
    Bytes,
    /// A whole number.
    Integer,
    /// A truth value.
    Flag,
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// No value.
    Null,
    /// A UUID.
    Id(Uuid),
    /// A text.
    Text(String),
    /// A sequence of bytes.
    Bytes(Vec<u8>),
    /// A whole number.
    Integer(i64),
    /// A truth value.
    Flag(bool),
}

/// The values of a row in the order of its table's columns.
pub type Row = Vec<Value>;

/// A table with its columns, of which the first `key` ones are the primary key.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// How many of the columns are its primary key.
    pub key: usize,
    /// Its columns.
    pub columns: &'static [(&'static str, Kind)],
}

use Kind::{Bytes, Flag, Id, Integer, Text};

/// All tables. Those that others refer to come first.
pub const TABLES: &[Table] = &[
    Table { name: "meta", key: 1, columns: &[("name", Text), ("value", Bytes)] },
    Table {
        name: "identities",
        key: 1,
        columns: &[
            ("id", Id),
            ("external_id", Text),
            ("schema_id", Text),
            ("state", Text),
            ("state_changed_at", Integer),
            ("traits", Text),
            ("verifiable_addresses", Text),
            ("recovery_addresses", Text),
            ("metadata_public", Text),
            ("metadata_admin", Text),
            ("created_at", Integer),
            ("updated_at", Integer),
            ("version", Integer),
        ],
    },
    Table {
        name: "addresses",
        key: 3,
        columns: &[("purpose", Text), ("via", Text), ("value", Text), ("identity_id", Id)],
    },
    Table {
        name: "credentials",
        key: 2,
        columns: &[
            ("identity_id", Id),
            ("kind", Text),
            ("sealed_config", Bytes),
            ("identifiers", Text),
            ("version", Integer),
            ("created_at", Integer),
            ("updated_at", Integer),
        ],
    },
    Table {
        name: "identifiers",
        key: 2,
        columns: &[("kind", Text), ("identifier", Text), ("identity_id", Id)],
    },
    Table {
        name: "sessions",
        key: 1,
        columns: &[
            ("id", Id),
            ("identity_id", Id),
            ("token_hash", Bytes),
            ("kind", Text),
            ("active", Flag),
            ("issued_at", Integer),
            ("expires_at", Integer),
            ("authenticated_at", Integer),
            ("assurance_level", Text),
            ("methods", Text),
            ("devices", Text),
            ("last_used_at", Integer),
            ("status_index", Integer),
        ],
    },
    Table {
        name: "deleted_sessions",
        key: 1,
        columns: &[("status_index", Integer), ("expires_at", Integer)],
    },
    Table {
        name: "sessions_elsewhere",
        key: 1,
        columns: &[
            ("id", Id),
            ("identity_id", Id),
            ("status_index", Integer),
            ("asked_at", Integer),
            ("taken_until", Integer),
            ("ended_at", Integer),
        ],
    },
    Table {
        name: "flows",
        key: 1,
        columns: &[
            ("id", Id),
            ("kind", Text),
            ("sealed_body", Bytes),
            ("expires_at", Integer),
            ("version", Integer),
        ],
    },
    Table {
        name: "codes",
        key: 1,
        columns: &[
            ("id", Id),
            ("flow_id", Id),
            ("purpose", Text),
            ("identity_id", Id),
            ("address", Text),
            ("hash", Bytes),
            ("used", Flag),
            ("expires_at", Integer),
        ],
    },
    Table {
        name: "counters",
        key: 1,
        columns: &[("key", Bytes), ("count", Integer), ("at", Integer), ("expires_at", Integer)],
    },
    Table {
        name: "outbox",
        key: 1,
        columns: &[
            ("id", Id),
            ("sealed", Bytes),
            ("template", Text),
            ("attempts", Integer),
            ("created_at", Integer),
            ("due_at", Integer),
            ("status", Text),
            ("recipient", Text),
            ("dispatches", Text),
            ("updated_at", Integer),
        ],
    },
    Table { name: "key_sets", key: 1, columns: &[("name", Text), ("managed", Text), ("version", Integer)] },
    Table {
        name: "keys",
        key: 2,
        columns: &[
            ("set_name", Text),
            ("kid", Text),
            ("position", Integer),
            ("sealed_jwk", Bytes),
            ("created_at", Integer),
        ],
    },
    Table {
        name: "admin_tokens",
        key: 1,
        columns: &[
            ("name", Text),
            ("role", Text),
            ("hash", Bytes),
            ("created_at", Integer),
            ("expires_at", Integer),
        ],
    },
    Table {
        name: "audit",
        key: 1,
        columns: &[
            ("id", Id),
            ("at", Integer),
            ("identity_id", Id),
            ("content", Text),
            ("number", Integer),
            ("hash", Bytes),
        ],
    },
    Table {
        name: "sinks",
        key: 1,
        columns: &[
            ("name", Text),
            ("number", Integer),
            ("taken_by", Id),
            ("taken_until", Integer),
            ("configured_at", Integer),
        ],
    },
    Table {
        name: "deliveries",
        key: 2,
        columns: &[
            ("sink", Text),
            ("number", Integer),
            ("subject", Text),
            ("since", Integer),
            ("attempts", Integer),
            ("due_at", Integer),
            ("problem", Text),
        ],
    },
    Table {
        name: "revisions",
        key: 1,
        columns: &[
            ("number", Integer),
            ("id", Id),
            ("parent", Id),
            ("created_at", Integer),
            ("sealed_config", Bytes),
            ("diff", Text),
            ("sealed_diff", Bytes),
            ("made_by", Text),
        ],
    },
];

/// The table of what a database knows about itself.
pub(crate) const META: &Table = &TABLES[0];

/// A database whose tables can be read and written as they are.
#[async_trait]
pub trait Tables: Send + Sync {
    /// Rows of a table in the order of its key, at most `limit` of them behind the row `after`.
    async fn read(&self, table: &Table, after: Option<&Row>, limit: u32) -> Result<Vec<Row>, StoreError>;

    /// Adds rows to a table, all of them or none. Rows of `meta` replace those of the same name.
    async fn write(&self, table: &Table, rows: &[Row]) -> Result<(), StoreError>;

    /// Replaces the values of a column of bytes in rows that were read, all of them at once. Rows that were
    /// changed in the meantime are left alone.
    async fn replace(
        &self,
        table: &Table,
        column: usize,
        changes: &[(Row, Vec<u8>)],
    ) -> Result<(), StoreError>;

    /// The number of the place in the status lists that the next session gets.
    async fn next_status_number(&self) -> Result<i64, StoreError>;

    /// Makes sure that no session gets a number below `next` from now on.
    async fn begin_status_numbers_at(&self, next: i64) -> Result<(), StoreError>;

    /// Writes everything back and closes all connections.
    async fn close_tables(&self);
}

/// How many rows a table has, and what they are, whatever their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rows there are.
    pub rows: u64,
    /// The sum of their SHA-256 digests, as far as 128 bits go.
    pub checksum: u128,
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, checksum {:032x}", self.rows, self.checksum)
    }
}

impl Sum {
    fn add(&mut self, row: &Row) {
        let mut bytes = Vec::new();
        for value in row {
            let (kind, content): (u8, &[u8]) = match value {
                Value::Null => (0, &[]),
                Value::Id(id) => (1, id.as_bytes()),
                Value::Text(text) => (2, text.as_bytes()),
                Value::Bytes(content) => (3, content),
                Value::Integer(number) => (4, &number.to_be_bytes()),
                Value::Flag(flag) => (5, &[u8::from(*flag)]),
            };
            bytes.push(kind);
            bytes.extend_from_slice(&content.len().to_be_bytes());
            bytes.extend_from_slice(content);
        }
        let digest = digest(&SHA256, &bytes);
        let part: [u8; 16] = std::array::from_fn(|n| digest.as_ref()[n]);
        self.rows += 1;
        self.checksum = self.checksum.wrapping_add(u128::from_be_bytes(part));
    }
}

/// Why not everything was moved.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target holds something already.
    #[error("the target database is not empty: its table {0} has rows. Give an empty one")]
    NotEmpty(&'static str),
    /// The source was written to in the meantime.
    #[error(
        "the table {0} of the source was changed while it was read: stop all servers that use it, empty the target and start again"
    )]
    Changed(&'static str),
    /// The target does not hold what was written to it.
    #[error("the table {table} differs: the source has {source_sum}, the target {target_sum}")]
    Differs {
        /// The table that differs.
        table: &'static str,
        /// Rows and checksum of what was read from the source.
        source_sum: Sum,
        /// What was found afterwards.
        target_sum: Sum,
    },
}

/// Checks that a database has no rows but those of `meta`.
pub async fn require_empty(target: &dyn Tables) -> Result<(), TransferError> {
    for table in TABLES.iter().filter(|table| table.name != "meta") {
        if !target.read(table, None, 1).await?.is_empty() {
            return Err(TransferError::NotEmpty(table.name));
        }
    }
    Ok(())
}

/// Copies everything, and proves it by reading both sides again and comparing counts and checksums. `told`
/// is called when a table is done.
pub async fn transfer(
    source: &dyn Tables,
    target: &dyn Tables,
    mut told: impl FnMut(&'static str, Sum),
) -> Result<(), TransferError> {
    require_empty(target).await?;
    let mut copied = Vec::new();
    for table in TABLES {
        let mut sum = Sum::default();
        let mut after = None;
        loop {
            let rows = source.read(table, after.as_ref(), PAGE).await?;
            target.write(table, &rows).await?;
            for row in &rows {
                sum.add(row);
            }
            match rows.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        copied.push((table, sum));
    }
    // Numbers of sessions that are gone must not be given again.
    target.begin_status_numbers_at(source.next_status_number().await?).await?;
    for (table, sum) in copied {
        if sum_of(source, table).await? != sum {
            return Err(TransferError::Changed(table.name));
        }
        let target_sum = sum_of(target, table).await?;
        if target_sum != sum {
            return Err(TransferError::Differs { table: table.name, source_sum: sum, target_sum });
        }
        told(table.name, sum);
    }
    Ok(())
}

async fn sum_of(tables: &dyn Tables, table: &Table) -> Result<Sum, StoreError> {
    let mut sum = Sum::default();
    let mut after = None;
    loop {
        let rows = tables.read(table, after.as_ref(), PAGE).await?;
        for row in &rows {
            sum.add(row);
        }
        match rows.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(sum),
        }
    }
}

impl Table {
    /// The names of the columns, separated by commas.
    pub(crate) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// The names of the key's columns, separated by commas.
    pub(crate) fn key_names(&self) -> String {
        self.columns[..self.key].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}
