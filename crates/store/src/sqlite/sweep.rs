//! Removing what has ended, in small batches.

use super::SqliteStore;
use crate::error::{StoreError, from_sqlx};
use crate::records::Ended;

/// The statements that remove sessions, and what is remembered of them.
pub(super) const SESSIONS: [&str; 3] = [
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < ? LIMIT ?)",
    "DELETE FROM deleted_sessions WHERE status_index IN (SELECT status_index FROM deleted_sessions WHERE expires_at < ? LIMIT ?)",
    "DELETE FROM sessions_elsewhere WHERE id IN (SELECT id FROM sessions_elsewhere WHERE ended_at < ? LIMIT ?)",
];

/// The statements that remove everything else that has ended.
pub(super) const OTHERS: [&str; 3] = [
    "DELETE FROM flows WHERE id IN (SELECT id FROM flows WHERE expires_at < ? LIMIT ?)",
    "DELETE FROM codes WHERE id IN (SELECT id FROM codes WHERE expires_at < ? LIMIT ?)",
    "DELETE FROM counters WHERE key IN (SELECT key FROM counters WHERE expires_at < ? LIMIT ?)",
];

/// The statement that removes messages that were sent or given up.
pub(super) const MESSAGES: &str =
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE due_at IS NULL AND created_at < ? LIMIT ?)";

impl SqliteStore {
    pub(super) async fn sweep_ended(&self, ended: Ended, limit: u32) -> Result<u64, StoreError> {
        let mut gone = 0;
        let sessions = SESSIONS.map(|statement| (statement, ended.sessions));
        let others = OTHERS.map(|statement| (statement, ended.others));
        for (statement, before) in sessions.into_iter().chain(others).chain([(MESSAGES, ended.messages)]) {
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
