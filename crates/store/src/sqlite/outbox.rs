//! Messages that wait to be sent. Recipient and content are encrypted, because they hold codes.

use sessera_model::{Timestamp, Uuid};
use sqlx::SqliteConnection;

use super::SqliteStore;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::records::Message;
use crate::row;

impl SqliteStore {
    pub(super) async fn list_due_messages(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let query = sqlx::query("SELECT * FROM outbox WHERE due_at <= ? ORDER BY due_at, created_at LIMIT ?")
            .bind(now.micros())
            .bind(limit);
        let rows = self.readers.rows(query).await?;
        rows.iter().map(|found| row::message(found, &self.sealer)).collect()
    }

    pub(super) async fn enqueue(
        &self,
        connection: &mut SqliteConnection,
        message: &Message,
    ) -> Result<(), StoreError> {
        // An address has no line break, so the first one ends it.
        let plain = format!("{}\n{}", message.recipient.replace(['\r', '\n'], ""), message.content.expose());
        sqlx::query("INSERT INTO outbox (id, sealed, template, attempts, created_at, due_at) VALUES (?, ?, ?, ?, ?, ?)")
            .bind(message.id)
            .bind(self.sealer.seal("outbox", message.id, plain.as_bytes()))
            .bind(&message.template)
            .bind(message.attempts)
            .bind(message.created_at.micros())
            .bind(message.due_at.micros())
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }

    pub(super) async fn claim_message(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
        attempts: i64,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let claimed = sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, due_at = ? \
             WHERE id = ? AND attempts = ? AND due_at IS NOT NULL",
        )
        .bind(until.micros())
        .bind(id)
        .bind(attempts)
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        refused_unless(claimed.rows_affected() == 1, Conflict::Changed)
    }

    pub(super) async fn message_sent(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM outbox WHERE id = ?")
            .bind(id)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }

    pub(super) async fn message_failed(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE outbox SET due_at = ? WHERE id = ?")
            .bind(due_at.map(Timestamp::micros))
            .bind(id)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }
}
