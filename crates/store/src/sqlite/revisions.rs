//! Revisions of the configuration. Their content is encrypted, because it holds keys and passwords.

use sessera_model::Uuid;
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use super::SqliteStore;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::records::{NO_DIFFERENCE, Page, Revision, RevisionSummary};
use crate::row;
use crate::sealer::Sealer;

/// The version of configuration and key sets.
const VERSION: &str = "SELECT coalesce((SELECT max(number) FROM revisions), 0) AS revision, \
     coalesce((SELECT sum(version) FROM key_sets), 0) AS versions, \
     (SELECT count(*) FROM key_sets) AS sets, \
     coalesce((SELECT max(created_at) FROM keys), 0) AS newest_key";

fn version_in(found: &SqliteRow) -> Result<[i64; 4], StoreError> {
    let number = |column| row::integer(found, column);
    Ok([number("revision")?, number("versions")?, number("sets")?, number("newest_key")?])
}

impl SqliteStore {
    pub(super) async fn find_newest_revision(&self) -> Result<Option<Revision>, StoreError> {
        let found =
            self.readers.row(sqlx::query("SELECT * FROM revisions ORDER BY number DESC LIMIT 1")).await?;
        found.as_ref().map(|found| row::revision(found, &self.sealer)).transpose()
    }

    pub(super) async fn find_revision(&self, id: Uuid) -> Result<Option<Revision>, StoreError> {
        let query = sqlx::query("SELECT * FROM revisions WHERE id = ?").bind(id);
        let found = self.readers.row(query).await?;
        found.as_ref().map(|found| row::revision(found, &self.sealer)).transpose()
    }

    pub(super) async fn find_configuration_version(&self) -> Result<[i64; 4], StoreError> {
        version_in(&self.readers.one(sqlx::query(VERSION)).await?)
    }

    pub(super) async fn check_version(
        &self,
        connection: &mut SqliteConnection,
        judged_by: [i64; 4],
    ) -> Result<(), StoreError> {
        let found = sqlx::query(VERSION).fetch_one(connection).await.map_err(from_sqlx)?;
        refused_unless(version_in(&found)? == judged_by, Conflict::Changed)
    }

    pub(super) async fn list_revisions(&self, page: &Page) -> Result<Vec<RevisionSummary>, StoreError> {
        let query = sqlx::query(
            "SELECT id, parent, created_at, made_by, diff, sealed_diff FROM revisions \
             WHERE ?1 IS NULL OR number < (SELECT number FROM revisions WHERE id = ?1) \
             ORDER BY number DESC LIMIT ?2",
        )
        .bind(page.after)
        .bind(page.limit);
        let rows = self.readers.rows(query).await?;
        rows.iter().map(|found| row::revision_summary(found, &self.sealer)).collect()
    }

    pub(super) async fn insert_revision(
        &self,
        connection: &mut SqliteConnection,
        revision: &Revision,
    ) -> Result<(), StoreError> {
        let newest: Option<Uuid> = sqlx::query("SELECT id FROM revisions ORDER BY number DESC LIMIT 1")
            .fetch_optional(&mut *connection)
            .await
            .map_err(from_sqlx)?
            .map(|found| row::id(&found, "id"))
            .transpose()?;
        if newest != revision.parent {
            return Err(Conflict::Changed.into());
        }
        sqlx::query(
            "INSERT INTO revisions (id, parent, created_at, made_by, sealed_config, diff, sealed_diff) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(revision.id)
        .bind(revision.parent)
        .bind(revision.created_at.micros())
        .bind(&revision.made_by)
        .bind(self.sealer.seal("revisions.config", revision.id, revision.config.expose().as_bytes()))
        .bind(NO_DIFFERENCE)
        .bind(self.sealer.seal("revisions.diff", revision.id, revision.diff.as_bytes()))
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        Ok(())
    }
}

/// Encrypts the differences that older versions stored in clear.
pub(super) async fn seal_differences(writer: &SqlitePool, sealer: &Sealer) -> Result<(), StoreError> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(from_sqlx)?;
    let rows = sqlx::query("SELECT id, diff FROM revisions WHERE sealed_diff IS NULL")
        .fetch_all(&mut *transaction)
        .await
        .map_err(from_sqlx)?;
    for found in &rows {
        let id = row::id(found, "id")?;
        sqlx::query("UPDATE revisions SET diff = ?, sealed_diff = ? WHERE id = ?")
            .bind(NO_DIFFERENCE)
            .bind(sealer.seal("revisions.diff", id, row::text(found, "diff")?.as_bytes()))
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(from_sqlx)?;
    }
    transaction.commit().await.map_err(from_sqlx)
}
