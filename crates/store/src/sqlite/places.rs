//! Places in the status lists of sessions that are kept elsewhere.

use sessera_model::{StatusIndex, Timestamp, Uuid};
use sqlx::SqliteConnection;

use super::SqliteStore;
use crate::error::{StoreError, from_sqlx};
use crate::records::{AssignedStatusIndex, DueRechecks, Outstanding};
use crate::row;

impl SqliteStore {
    pub(super) async fn find_place(&self, id: Uuid) -> Result<Option<AssignedStatusIndex>, StoreError> {
        let query =
            sqlx::query("SELECT status_index, ended_at FROM sessions_elsewhere WHERE id = ?").bind(id);
        let found = self.readers.row(query).await?;
        found.as_ref().map(row::given_place).transpose()
    }

    pub(super) async fn find_session_elsewhere(
        &self,
        index: StatusIndex,
    ) -> Result<Option<Uuid>, StoreError> {
        let number = i64::try_from(index.number()).ok();
        let query = sqlx::query("SELECT id FROM sessions_elsewhere WHERE status_index = ?").bind(number);
        let found = self.readers.row(query).await?;
        found.map(|found| row::id(&found, "id")).transpose()
    }

    pub(super) async fn take_outstanding(&self, taking: DueRechecks) -> Result<Vec<Outstanding>, StoreError> {
        let rows = sqlx::query(
            "UPDATE sessions_elsewhere SET taken_until = ?1 WHERE id IN ( \
             SELECT id FROM sessions_elsewhere WHERE ended_at IS NULL AND asked_at <= ?2 AND taken_until <= ?3 \
             ORDER BY asked_at LIMIT ?4) RETURNING id, identity_id, asked_at",
        )
        .bind(taking.until.micros())
        .bind(taking.asked_before.micros())
        .bind(taking.now.micros())
        .bind(taking.limit)
        .fetch_all(&self.writer)
        .await
        .map_err(from_sqlx)?;
        let taken = rows.iter().map(|found| {
            let (id, identity_id) = (row::id(found, "id")?, row::id(found, "identity_id")?);
            Ok(Outstanding { id, identity_id, asked_at: row::time(found, "asked_at")? })
        });
        taken.collect()
    }

    /// The transaction has the database for itself, so nobody gives the place in between.
    pub(super) async fn place_session(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
        identity_id: Uuid,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let known = sqlx::query("SELECT 1 FROM sessions_elsewhere WHERE id = ?").bind(id);
        if known.fetch_optional(&mut *connection).await.map_err(from_sqlx)?.is_some() {
            // It was taken for one that is over, and is known to be live since.
            sqlx::query(
                "UPDATE sessions_elsewhere SET ended_at = NULL, asked_at = ?1, taken_until = 0 \
                 WHERE id = ?2 AND ended_at < ?1",
            )
            .bind(at.micros())
            .bind(id)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
            return Ok(());
        }
        let next = sqlx::query("UPDATE status_counter SET next = next + 1");
        next.execute(&mut *connection).await.map_err(from_sqlx)?;
        sqlx::query(
            "INSERT INTO sessions_elsewhere (id, identity_id, status_index, asked_at, taken_until) \
             SELECT ?, ?, next - 1, ?, 0 FROM status_counter",
        )
        .bind(id)
        .bind(identity_id)
        .bind(at.micros())
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        Ok(())
    }

    pub(super) async fn note_live_elsewhere(
        &self,
        connection: &mut SqliteConnection,
        ids: &[Uuid],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        for id in ids {
            // What was changed after the question has to be asked about again.
            sqlx::query(
                "UPDATE sessions_elsewhere SET asked_at = ?1, taken_until = 0 \
                 WHERE id = ?2 AND ended_at IS NULL AND taken_until > 0",
            )
            .bind(at.micros())
            .bind(id)
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        }
        Ok(())
    }

    pub(super) async fn end_elsewhere(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions_elsewhere SET ended_at = ? WHERE id = ? AND ended_at IS NULL")
            .bind(at.micros())
            .bind(id)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }

    pub(super) async fn forget_elsewhere(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE sessions_elsewhere SET asked_at = 0, taken_until = 0 \
             WHERE (id = ?1 OR identity_id = ?1) AND ended_at IS NULL",
        )
        .bind(id)
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        Ok(())
    }
}
