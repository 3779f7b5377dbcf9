//! Removing what has ended, in small batches.

use super::PostgresStore;
use crate::error::StoreError;
use crate::records::Ended;

impl PostgresStore {
    pub(super) async fn sweep_ended(&self, ended: Ended, limit: u32) -> Result<u64, StoreError> {
        let sessions = [
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM deleted_sessions WHERE status_index IN (SELECT status_index FROM deleted_sessions WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM sessions_elsewhere WHERE id IN (SELECT id FROM sessions_elsewhere WHERE ended_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        ];
        let others = [
            "DELETE FROM flows WHERE id IN (SELECT id FROM flows WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM codes WHERE id IN (SELECT id FROM codes WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM counters WHERE key IN (SELECT key FROM counters WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        ];
        // These messages were sent or given up.
        let messages = "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE due_at IS NULL AND created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
        let mut gone = 0;
        let sessions = sessions.map(|statement| (statement, ended.sessions));
        let others = others.map(|statement| (statement, ended.others));
        for (statement, before) in sessions.into_iter().chain(others).chain([(messages, ended.messages)]) {
            // A node skips the rows that another one is sweeping.
            gone += self
                .connection()
                .await?
                .execute(sqlx::query(statement).bind(before.micros()).bind(i64::from(limit)))
                .await?;
        }
        Ok(gone)
    }
}
