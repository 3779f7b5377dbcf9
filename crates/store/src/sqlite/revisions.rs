//! Revisions of the configuration. Their content is encrypted, because it holds keys and passwords.

use sessera_model::Uuid;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use super::{SqliteStore, row};
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::records::{Page, Revision, RevisionSummary};

impl SqliteStore {
    pub(super) async fn find_newest_revision(&self) -> Result<Option<Revision>, StoreError> {
        let found =
            self.readers.row(sqlx::query("SELECT * FROM revisions ORDER BY number DESC LIMIT 1")).await?;
        found.as_ref().map(|found| self.read_revision(found)).transpose()
    }

    pub(super) async fn find_revision(&self, id: Uuid) -> Result<Option<Revision>, StoreError> {
        let query = sqlx::query("SELECT * FROM revisions WHERE id = ?").bind(id);
        let found = self.readers.row(query).await?;
        found.as_ref().map(|found| self.read_revision(found)).transpose()
    }

    fn read_revision(&self, found: &SqliteRow) -> Result<Revision, StoreError> {
        let RevisionSummary { id, parent, created_at, diff } = summary(found)?;
        let config = self.sealer.unseal("revisions.config", id, row::bytes(found, "sealed_config")?)?;
        Ok(Revision { id, parent, created_at, config: config.into(), diff })
    }

    pub(super) async fn find_configuration_version(&self) -> Result<[i64; 4], StoreError> {
        let query = sqlx::query(
            "SELECT coalesce((SELECT max(number) FROM revisions), 0) AS revision, \
             coalesce((SELECT sum(version) FROM key_sets), 0) AS versions, \
             (SELECT count(*) FROM key_sets) AS sets, \
             coalesce((SELECT max(created_at) FROM keys), 0) AS newest_key",
        );
        let found = self.readers.one(query).await?;
        let number = |column| row::integer(&found, column);
        Ok([number("revision")?, number("versions")?, number("sets")?, number("newest_key")?])
    }

    pub(super) async fn list_revisions(&self, page: &Page) -> Result<Vec<RevisionSummary>, StoreError> {
        let query = sqlx::query(
            "SELECT id, parent, created_at, diff FROM revisions \
             WHERE number < coalesce((SELECT number FROM revisions WHERE id = ?), 9223372036854775807) \
             ORDER BY number DESC LIMIT ?",
        )
        .bind(page.after)
        .bind(page.limit);
        let rows = self.readers.rows(query).await?;
        rows.iter().map(summary).collect()
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
            "INSERT INTO revisions (id, parent, created_at, sealed_config, diff) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(revision.id)
        .bind(revision.parent)
        .bind(revision.created_at.micros())
        .bind(self.sealer.seal("revisions.config", revision.id, revision.config.expose().as_bytes()))
        .bind(&revision.diff)
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        Ok(())
    }
}

fn summary(found: &SqliteRow) -> Result<RevisionSummary, StoreError> {
    let parent: Option<&[u8]> = found.try_get("parent").map_err(|_| row::corrupt("parent"))?;
    Ok(RevisionSummary {
        id: row::id(found, "id")?,
        parent: parent.map(Uuid::from_slice).transpose().map_err(|_| row::corrupt("parent"))?,
        created_at: row::time(found, "created_at")?,
        diff: row::text(found, "diff")?.to_owned(),
    })
}
