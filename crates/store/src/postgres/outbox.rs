//! Messages that wait to be sent. Recipient and content are encrypted, because they hold codes.

use sessera_model::{Timestamp, Uuid};

use super::PostgresStore;
use super::connection::Connection;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError};
use crate::records::Message;
use crate::row;

impl PostgresStore {
    pub(super) async fn list_due_messages(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let rows = self
            .connection()
            .await?
            .all(
                sqlx::query("SELECT * FROM outbox WHERE due_at <= $1 ORDER BY due_at, created_at LIMIT $2")
                    .bind(now.micros())
                    .bind(i64::from(limit)),
            )
            .await?;
        rows.iter().map(|found| row::message(found, &self.sealer)).collect()
    }

    pub(super) async fn enqueue(
        &self,
        connection: &mut Connection,
        message: &Message,
    ) -> Result<(), StoreError> {
        // An address has no line break, so the first one ends it.
        let plain = format!("{}\n{}", message.recipient.replace(['\r', '\n'], ""), message.content.expose());
        connection.execute(sqlx::query("INSERT INTO outbox (id, sealed, template, attempts, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(message.id)
            .bind(self.sealer.seal("outbox", message.id, plain.as_bytes()))
            .bind(&message.template)
            .bind(message.attempts)
            .bind(message.created_at.micros())
            .bind(message.due_at.micros())).await?;
        Ok(())
    }

    pub(super) async fn claim_message(
        &self,
        connection: &mut Connection,
        id: Uuid,
        attempts: i64,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let claim = sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, due_at = $1 \
             WHERE id = $2 AND attempts = $3 AND due_at IS NOT NULL",
        )
        .bind(until.micros())
        .bind(id)
        .bind(attempts);
        refused_unless(connection.execute(claim).await? == 1, Conflict::Changed)
    }

    pub(super) async fn message_sent(&self, connection: &mut Connection, id: Uuid) -> Result<(), StoreError> {
        connection.execute(sqlx::query("DELETE FROM outbox WHERE id = $1").bind(id)).await?;
        Ok(())
    }

    pub(super) async fn message_failed(
        &self,
        connection: &mut Connection,
        id: Uuid,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        connection
            .execute(
                sqlx::query("UPDATE outbox SET due_at = $1 WHERE id = $2")
                    .bind(due_at.map(Timestamp::micros))
                    .bind(id),
            )
            .await?;
        Ok(())
    }
}
