//! Places in the status lists of sessions that are kept elsewhere.

use sessera_model::{StatusIndex, Timestamp, Uuid};

use super::PostgresStore;
use super::connection::Connection;
use crate::error::StoreError;
use crate::records::{AssignedStatusIndex, DueRechecks, Outstanding};
use crate::row;

impl PostgresStore {
    pub(super) async fn find_place(&self, id: Uuid) -> Result<Option<AssignedStatusIndex>, StoreError> {
        let query =
            sqlx::query("SELECT status_index, ended_at FROM sessions_elsewhere WHERE id = $1").bind(id);
        let found = self.connection().await?.optional(query).await?;
        found.as_ref().map(row::given_place).transpose()
    }

    pub(super) async fn find_session_elsewhere(
        &self,
        index: StatusIndex,
    ) -> Result<Option<Uuid>, StoreError> {
        let number = i64::try_from(index.number()).ok();
        let query = sqlx::query("SELECT id FROM sessions_elsewhere WHERE status_index = $1").bind(number);
        let found = self.connection().await?.optional(query).await?;
        found.map(|found| row::id(&found, "id")).transpose()
    }

    pub(super) async fn take_outstanding(&self, taking: DueRechecks) -> Result<Vec<Outstanding>, StoreError> {
        // A node skips the rows that another one is taking.
        let query = sqlx::query(
            "UPDATE sessions_elsewhere SET taken_until = $1 WHERE id IN ( \
             SELECT id FROM sessions_elsewhere WHERE ended_at IS NULL AND asked_at <= $2 AND taken_until <= $3 \
             ORDER BY asked_at LIMIT $4 FOR UPDATE SKIP LOCKED) RETURNING id, identity_id, asked_at",
        )
        .bind(taking.until.micros())
        .bind(taking.asked_before.micros())
        .bind(taking.now.micros())
        .bind(i64::from(taking.limit));
        let rows = self.connection().await?.all(query).await?;
        let taken = rows.iter().map(|found| {
            let (id, identity_id) = (row::id(found, "id")?, row::id(found, "identity_id")?);
            Ok(Outstanding { id, identity_id, asked_at: row::time(found, "asked_at")? })
        });
        taken.collect()
    }

    pub(super) async fn place_session(
        &self,
        connection: &mut Connection,
        id: Uuid,
        identity_id: Uuid,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO sessions_elsewhere (id, identity_id, status_index, asked_at, taken_until) \
             SELECT $1, $2, nextval('session_status_index'), $3, 0 \
             WHERE NOT EXISTS (SELECT 1 FROM sessions_elsewhere WHERE id = $1) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(identity_id)
        .bind(at.micros());
        connection.execute(query).await?;
        // It was taken for one that is over, and is known to be live since.
        let query = sqlx::query(
            "UPDATE sessions_elsewhere SET ended_at = NULL, asked_at = $1, taken_until = 0 \
             WHERE id = $2 AND ended_at < $1",
        );
        connection.execute(query.bind(at.micros()).bind(id)).await?;
        Ok(())
    }

    pub(super) async fn note_live_elsewhere(
        &self,
        connection: &mut Connection,
        ids: &[Uuid],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        // What was changed after the question has to be asked about again.
        let query = sqlx::query(
            "UPDATE sessions_elsewhere SET asked_at = $1, taken_until = 0 \
             WHERE id = ANY($2) AND ended_at IS NULL AND taken_until > 0",
        );
        connection.execute(query.bind(at.micros()).bind(ids)).await?;
        Ok(())
    }

    pub(super) async fn end_elsewhere(
        &self,
        connection: &mut Connection,
        id: Uuid,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let query =
            sqlx::query("UPDATE sessions_elsewhere SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL");
        connection.execute(query.bind(at.micros()).bind(id)).await?;
        Ok(())
    }

    pub(super) async fn forget_elsewhere(
        &self,
        connection: &mut Connection,
        id: Uuid,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE sessions_elsewhere SET asked_at = 0, taken_until = 0 \
             WHERE (id = $1 OR identity_id = $1) AND ended_at IS NULL",
        );
        connection.execute(query.bind(id)).await?;
        Ok(())
    }
}
