//! Removing what has ended, in small batches.

use sessera_model::Timestamp;

use super::SqliteStore;
use crate::error::{StoreError, from_sqlx};

/// The statements that remove what has ended, one for each kind.
pub(super) const STATEMENTS: [&str; 5] = [
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < ? LIMIT ?)",
    "DELETE FROM deleted_sessions WHERE status_index IN (SELECT status_index FROM deleted_sessions WHERE expires_at < ? LIMIT ?)",
    "DELETE FROM flows WHERE id IN (SELECT id FROM flows WHERE expires_at < ? LIMIT ?)",
    "DELETE FROM codes WHERE id IN (SELECT id FROM codes WHERE expires_at < ? LIMIT ?)",
    // These messages were given up.
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE due_at IS NULL AND created_at < ? LIMIT ?)",
];

impl SqliteStore {
    pub(super) async fn sweep_ended(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut gone = 0;
        for statement in STATEMENTS {
            let swept = sqlx::query(statement)
                .bind(before.micros())
                .bind(limit)
                .execute(&self.writer)
                .await
                .map_err(from_sqlx)?;
            gone += swept.rows_affected();
        }
        Ok(gone)
    }
}
