//! How this engine keeps the types of columns.

use sessera_model::Uuid;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::row::{Columns, corrupt};

impl Columns for SqliteRow {
    fn optional_text(&self, column: &str) -> Result<Option<&str>, StoreError> {
        self.try_get(column).map_err(|_| corrupt(column))
    }

    fn optional_bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError> {
        self.try_get(column).map_err(|_| corrupt(column))
    }

    fn optional_integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.try_get(column).map_err(|_| corrupt(column))
    }

    fn optional_id(&self, column: &str) -> Result<Option<Uuid>, StoreError> {
        let bytes = self.optional_bytes(column)?;
        bytes.map(Uuid::from_slice).transpose().map_err(|_| corrupt(column))
    }

    fn optional_flag(&self, column: &str) -> Result<Option<bool>, StoreError> {
        self.try_get(column).map_err(|_| corrupt(column))
    }
}
