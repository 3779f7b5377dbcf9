//! Reading the tables of an Ory Kratos, on SQLite or PostgreSQL. Every value is read as text.

use sessera_model::Timestamp;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, PgPool, Row as _, SqlitePool};

use crate::error::StoreError;
use crate::postgres::PostgresDsn;
use crate::scheme::is_postgres;
use crate::sqlite::parse_dsn_for_reading;

/// The values of a row, as text.
pub(super) type Texts = Vec<Option<String>>;

/// The database of an Ory Kratos.
pub(super) enum Source {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// How a column is converted to text.
#[derive(Clone, Copy)]
pub(super) enum As {
    Text,
    Time,
}

impl Source {
    /// Opens the database for reading. A file has to exist already.
    pub(super) async fn open(dsn: &str) -> Result<Self, StoreError> {
        if is_postgres(dsn) {
            let options = PostgresDsn::parse(dsn)?.hosts.swap_remove(0);
            let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await;
            return pool.map(Self::Postgres).map_err(unreadable);
        }
        let options = SqliteConnectOptions::new().filename(parse_dsn_for_reading(dsn)?).read_only(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
        pool.map(Self::Sqlite).map_err(unreadable)
    }

    /// Reads columns of a table. `rest` is what follows the table's name in the statement.
    pub(super) async fn read(
        &self,
        columns: &[(&str, As)],
        table: &str,
        rest: &str,
    ) -> Result<Vec<Texts>, StoreError> {
        let texts: Vec<String> = columns.iter().map(|(name, kind)| self.text_of(name, *kind)).collect();
        let statement = format!("SELECT {} FROM {table} {rest}", texts.join(", "));
        let count = columns.len();
        match self {
            Self::Sqlite(pool) => {
                let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(pool).await.map_err(unreadable)?;
                rows.iter()
                    .map(|row| (0..count).map(|n| row.try_get(n).map_err(unreadable)).collect())
                    .collect()
            }
            Self::Postgres(pool) => {
                let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(pool).await.map_err(unreadable)?;
                rows.iter()
                    .map(|row| (0..count).map(|n| row.try_get(n).map_err(unreadable)).collect())
                    .collect()
            }
        }
    }

    /// Whether a table has a column that only some versions of Kratos have.
    pub(super) async fn has_column(&self, table: &str, column: &str) -> Result<bool, StoreError> {
        let (catalogue, condition) = match self {
            Self::Sqlite(_) => (format!("pragma_table_info('{table}')"), format!("WHERE name = '{column}'")),
            Self::Postgres(_) => (
                "information_schema.columns".to_owned(),
                format!("WHERE table_name = '{table}' AND column_name = '{column}'"),
            ),
        };
        Ok(!self.read(&[("1", As::Text)], &catalogue, &condition).await?.is_empty())
    }

    fn text_of(&self, column: &str, kind: As) -> String {
        match (self, kind) {
            (Self::Postgres(_), As::Time) => {
                format!("to_char({column}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
            }
            _ => format!("CAST({column} AS TEXT)"),
        }
    }
}

fn unreadable(error: sqlx::Error) -> StoreError {
    StoreError::Corrupt(format!("it is not the database of an Ory Kratos 1.0 or newer: {error}"))
}

/// Whether a text is what one of the databases writes for a truth value that is true.
pub(super) fn is_true(text: &str) -> bool {
    matches!(text, "1" | "true" | "t")
}

/// Reads a time as either database writes it, such as `2024-05-06T07:08:09.123456Z`,
/// `2024-05-06 07:08:09+00:00`, `2024-05-06 07:08:09.1 +0000 UTC` or `2024-05-06 07:08:09`.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim().trim_end_matches(" UTC").trim_end_matches(" +0000").replacen(' ', "T", 1);
    Timestamp::parse(&text).or_else(|| Timestamp::parse(&format!("{text}Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_either_database_writes_them() {
        let expected = Timestamp::from_micros(1_714_979_289_100_000);
        for text in [
            "2024-05-06T07:08:09.100000Z",
            "2024-05-06 07:08:09.1+00:00",
            "2024-05-06 07:08:09.1 +0000 UTC",
            "2024-05-06 07:08:09.1",
            "2024-05-06 09:08:09.1+02:00",
        ] {
            assert_eq!(time(text), Some(expected), "{text}");
        }
        assert_eq!(time("yesterday"), None);
    }
}
