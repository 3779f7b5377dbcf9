//! Messages that wait to be sent, and what became of them. Their content is encrypted, because it holds codes, and goes as
//! soon as it is not needed any more.

use sessera_model::{Timestamp, Uuid};
use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};

use super::PostgresStore;
use super::connection::Connection;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError};
use crate::records::{Dispatch, Message, MessageFilter, MessageStatus, Page, SentMessage, before_place};
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

    /// A page begins behind the place of the last message of the one before.
    pub(super) async fn list_messages(
        &self,
        filter: &MessageFilter,
        page: &Page,
    ) -> Result<Vec<SentMessage>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM outbox WHERE true");
        if let Some(recipient) = &filter.recipient {
            query.push(" AND recipient = ").push_bind(recipient);
        }
        if let Some(status) = filter.status {
            query.push(" AND status = ").push_bind(status.as_str());
        }
        for template in filter.without {
            query.push(" AND template <> ").push_bind(*template);
        }
        if let Some((created_at, id)) = page.after.map(before_place) {
            query.push(" AND (created_at, id) < (").push_bind(created_at.micros());
            query.push(", ").push_bind(id).push(")");
        }
        query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(i64::from(page.limit));
        let rows = self.connection().await?.all(query.build()).await?;
        rows.iter().map(|found| row::sent_message(found, &self.sealer)).collect()
    }

    pub(super) async fn find_message(&self, id: Uuid) -> Result<Option<SentMessage>, StoreError> {
        let query = sqlx::query("SELECT * FROM outbox WHERE id = $1").bind(id);
        let found = self.connection().await?.optional(query).await?;
        found.as_ref().map(|found| row::sent_message(found, &self.sealer)).transpose()
    }

    pub(super) async fn enqueue(
        &self,
        connection: &mut Connection,
        message: &Message,
    ) -> Result<(), StoreError> {
        connection.execute(sqlx::query("INSERT INTO outbox (id, sealed, recipient, template, attempts, created_at, due_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(message.id)
            .bind(row::seal_message(&self.sealer, message.id, &message.recipient, message.content.expose()))
            .bind(&message.recipient)
            .bind(&message.template)
            .bind(message.attempts)
            .bind(message.created_at.micros())
            .bind(message.due_at.micros())
            .bind(message.created_at.micros())).await?;
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
            "UPDATE outbox SET attempts = attempts + 1, status = 'processing', due_at = $1 \
             WHERE id = $2 AND attempts = $3 AND due_at IS NOT NULL",
        )
        .bind(until.micros())
        .bind(id)
        .bind(attempts);
        refused_unless(connection.execute(claim).await? == 1, Conflict::Changed)
    }

    pub(super) async fn message_sent(&self, connection: &mut Connection, id: Uuid) -> Result<(), StoreError> {
        self.end_message(connection, id, MessageStatus::Sent).await
    }

    pub(super) async fn message_failed(
        &self,
        connection: &mut Connection,
        id: Uuid,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let Some(due_at) = due_at else {
            return self.end_message(connection, id, MessageStatus::Abandoned).await;
        };
        let again = sqlx::query("UPDATE outbox SET due_at = $1, status = 'queued' WHERE id = $2");
        connection.execute(again.bind(due_at.micros()).bind(id)).await?;
        Ok(())
    }

    async fn end_message(
        &self,
        connection: &mut Connection,
        id: Uuid,
        status: MessageStatus,
    ) -> Result<(), StoreError> {
        let Some(found) = stored(connection, id).await? else { return Ok(()) };
        let ended = sqlx::query("UPDATE outbox SET due_at = NULL, status = $1, sealed = $2 WHERE id = $3")
            .bind(status.as_str())
            .bind(row::emptied_message(&found, id, &self.sealer)?)
            .bind(id);
        connection.execute(ended).await?;
        Ok(())
    }

    pub(super) async fn note_dispatch(
        &self,
        connection: &mut Connection,
        dispatch: &Dispatch,
    ) -> Result<(), StoreError> {
        let Some(found) = stored(connection, dispatch.message_id).await? else { return Ok(()) };
        let noted = sqlx::query("UPDATE outbox SET dispatches = $1, updated_at = $2 WHERE id = $3")
            .bind(row::with_dispatch(&found, dispatch)?)
            .bind(dispatch.at.micros())
            .bind(dispatch.message_id);
        connection.execute(noted).await?;
        Ok(())
    }

    pub(super) async fn drop_message(&self, connection: &mut Connection, id: Uuid) -> Result<(), StoreError> {
        connection.execute(sqlx::query("DELETE FROM outbox WHERE id = $1").bind(id)).await?;
        Ok(())
    }
}

/// The row of a message, which nobody else changes until the end of the transaction.
async fn stored(connection: &mut Connection, id: Uuid) -> Result<Option<PgRow>, StoreError> {
    connection.optional(sqlx::query("SELECT * FROM outbox WHERE id = $1 FOR UPDATE").bind(id)).await
}
