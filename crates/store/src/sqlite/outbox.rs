//! Messages that wait to be sent, and what became of them. Their content is encrypted, because it holds codes, and goes as
//! soon as it is not needed any more.

use sessera_model::{Timestamp, Uuid};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::SqliteStore;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::records::{Dispatch, Message, MessageFilter, MessageStatus, Page, SentMessage, before_place};
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

    pub(super) async fn list_messages(
        &self,
        filter: &MessageFilter,
        page: &Page,
    ) -> Result<Vec<SentMessage>, StoreError> {
        let rows = self.readers.rows(listing(filter, page).build()).await?;
        rows.iter().map(|found| row::sent_message(found, &self.sealer)).collect()
    }

    pub(super) async fn find_message(&self, id: Uuid) -> Result<Option<SentMessage>, StoreError> {
        let query = sqlx::query("SELECT * FROM outbox WHERE id = ?").bind(id);
        let found = self.readers.row(query).await?;
        found.as_ref().map(|found| row::sent_message(found, &self.sealer)).transpose()
    }

    pub(super) async fn enqueue(
        &self,
        connection: &mut SqliteConnection,
        message: &Message,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO outbox (id, sealed, recipient, template, attempts, created_at, due_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(message.id)
            .bind(row::seal_message(&self.sealer, message.id, &message.recipient, message.content.expose()))
            .bind(&message.recipient)
            .bind(&message.template)
            .bind(message.attempts)
            .bind(message.created_at.micros())
            .bind(message.due_at.micros())
            .bind(message.created_at.micros())
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
            "UPDATE outbox SET attempts = attempts + 1, status = 'processing', due_at = ? \
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
        self.end_message(connection, id, MessageStatus::Sent).await
    }

    pub(super) async fn message_failed(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
        due_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let Some(due_at) = due_at else {
            return self.end_message(connection, id, MessageStatus::Abandoned).await;
        };
        sqlx::query("UPDATE outbox SET due_at = ?, status = 'queued' WHERE id = ?")
            .bind(due_at.micros())
            .bind(id)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }

    async fn end_message(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
        status: MessageStatus,
    ) -> Result<(), StoreError> {
        let Some(found) = stored(connection, id).await? else { return Ok(()) };
        sqlx::query("UPDATE outbox SET due_at = NULL, status = ?, sealed = ? WHERE id = ?")
            .bind(status.as_str())
            .bind(row::emptied_message(&found, id, &self.sealer)?)
            .bind(id)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }

    pub(super) async fn note_dispatch(
        &self,
        connection: &mut SqliteConnection,
        dispatch: &Dispatch,
    ) -> Result<(), StoreError> {
        let Some(found) = stored(connection, dispatch.message_id).await? else { return Ok(()) };
        sqlx::query("UPDATE outbox SET dispatches = ?, updated_at = ? WHERE id = ?")
            .bind(row::with_dispatch(&found, dispatch)?)
            .bind(dispatch.at.micros())
            .bind(dispatch.message_id)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }

    pub(super) async fn drop_message(
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
}

async fn stored(connection: &mut SqliteConnection, id: Uuid) -> Result<Option<SqliteRow>, StoreError> {
    let query = sqlx::query("SELECT * FROM outbox WHERE id = ?").bind(id);
    query.fetch_optional(connection).await.map_err(from_sqlx)
}

/// A page begins behind the place of the last message of the one before.
pub(super) fn listing(filter: &MessageFilter, page: &Page) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM outbox WHERE 1");
    if let Some(recipient) = &filter.recipient {
        query.push(" AND recipient = ").push_bind(recipient.clone());
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
    query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(page.limit);
    query
}
