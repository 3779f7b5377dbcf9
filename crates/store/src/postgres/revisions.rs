//! Revisions of the configuration. Their content is encrypted, because it holds keys and passwords.

use sessera_model::Uuid;
use sqlx::postgres::{PgConnection, PgRow};

use super::PostgresStore;
use super::connection::Connection;
use super::fault::from_sqlx;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError};
use crate::records::{NO_DIFFERENCE, Page, Revision, RevisionSummary};
use crate::row;
use crate::sealer::Sealer;

/// The version of configuration and key sets.
const VERSION: &str = "SELECT coalesce((SELECT max(number) FROM revisions), 0) AS revision, \
     coalesce((SELECT CAST(sum(version) AS BIGINT) FROM key_sets), 0) AS versions, \
     (SELECT count(*) FROM key_sets) AS sets, \
     coalesce((SELECT max(created_at) FROM keys), 0) AS newest_key";

fn version_in(found: Option<PgRow>) -> Result<[i64; 4], StoreError> {
    let found = found.ok_or_else(|| row::corrupt("number"))?;
    let number = |column| row::integer(&found, column);
    Ok([number("revision")?, number("versions")?, number("sets")?, number("newest_key")?])
}

impl PostgresStore {
    pub(super) async fn find_newest_revision(&self) -> Result<Option<Revision>, StoreError> {
        let found = self
            .connection()
            .await?
            .optional(sqlx::query("SELECT * FROM revisions ORDER BY number DESC LIMIT 1"))
            .await?;
        found.as_ref().map(|found| row::revision(found, &self.sealer)).transpose()
    }

    pub(super) async fn find_revision(&self, id: Uuid) -> Result<Option<Revision>, StoreError> {
        let found = self
            .connection()
            .await?
            .optional(sqlx::query("SELECT * FROM revisions WHERE id = $1").bind(id))
            .await?;
        found.as_ref().map(|found| row::revision(found, &self.sealer)).transpose()
    }

    pub(super) async fn find_configuration_version(&self) -> Result<[i64; 4], StoreError> {
        let found = self.connection().await?.optional(sqlx::query(VERSION)).await?;
        version_in(found)
    }

    /// On PostgreSQL whoever else changes configuration or key sets waits from here to the end of the transaction, so of
    /// two changes at once the second sees the first. CockroachDB refuses one of two that see different things.
    pub(super) async fn check_version(
        &self,
        connection: &mut Connection,
        judged_by: [i64; 4],
    ) -> Result<(), StoreError> {
        if self.pool.manager().dsn().is_postgres {
            let lock = "LOCK TABLE revisions, key_sets IN SHARE ROW EXCLUSIVE MODE";
            connection.execute(sqlx::query(lock)).await?;
        }
        let found = connection.optional(sqlx::query(VERSION)).await?;
        refused_unless(version_in(found)? == judged_by, Conflict::Changed)
    }

    pub(super) async fn list_revisions(&self, page: &Page) -> Result<Vec<RevisionSummary>, StoreError> {
        let rows = self
            .connection()
            .await?
            .all(
                sqlx::query(
                    "SELECT id, parent, created_at, made_by, diff, sealed_diff FROM revisions \
             WHERE $1::uuid IS NULL OR number < (SELECT number FROM revisions WHERE id = $1) \
             ORDER BY number DESC LIMIT $2",
                )
                .bind(page.after)
                .bind(i64::from(page.limit)),
            )
            .await?;
        rows.iter().map(|found| row::revision_summary(found, &self.sealer)).collect()
    }

    pub(super) async fn insert_revision(
        &self,
        connection: &mut Connection,
        revision: &Revision,
    ) -> Result<(), StoreError> {
        let newest = connection
            .optional(sqlx::query("SELECT number, id FROM revisions ORDER BY number DESC LIMIT 1"))
            .await?;
        let parent = newest.as_ref().map(|found| row::id(found, "id")).transpose()?;
        if parent != revision.parent {
            return Err(Conflict::Changed.into());
        }
        let number = newest.map_or(Ok(0), |found| row::integer(&found, "number"))? + 1;
        connection
            .execute(
                sqlx::query(
                    "INSERT INTO revisions (number, id, parent, created_at, made_by, sealed_config, diff, sealed_diff) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                )
                .bind(number)
                .bind(revision.id)
                .bind(revision.parent)
                .bind(revision.created_at.micros())
                .bind(&revision.made_by)
                .bind(self.sealer.seal("revisions.config", revision.id, revision.config.expose().as_bytes()))
                .bind(NO_DIFFERENCE)
                .bind(self.sealer.seal("revisions.diff", revision.id, revision.diff.as_bytes())),
            )
            .await?;
        Ok(())
    }
}

/// Encrypts the differences that older versions stored in clear. Several nodes may do it at once.
pub(super) async fn seal_differences(
    connection: &mut PgConnection,
    sealer: &Sealer,
) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT id, diff FROM revisions WHERE sealed_diff IS NULL")
        .fetch_all(&mut *connection)
        .await
        .map_err(from_sqlx)?;
    for found in &rows {
        let id = row::id(found, "id")?;
        sqlx::query("UPDATE revisions SET diff = $1, sealed_diff = $2 WHERE id = $3 AND sealed_diff IS NULL")
            .bind(NO_DIFFERENCE)
            .bind(sealer.seal("revisions.diff", id, row::text(found, "diff")?.as_bytes()))
            .bind(id)
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
    }
    Ok(())
}
