//! Self-service flows. Their bodies are encrypted, because they hold form tokens and unfinished secrets.

use sessera_model::Uuid;
use sqlx::SqliteConnection;

use super::SqliteStore;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::records::Flow;
use crate::row;

impl SqliteStore {
    pub(super) async fn find_flow(&self, id: Uuid) -> Result<Option<Flow>, StoreError> {
        let query = sqlx::query("SELECT * FROM flows WHERE id = ?").bind(id);
        let found = self.readers.row(query).await?;
        found.map(|found| row::flow(&found, id, &self.sealer)).transpose()
    }

    pub(super) async fn insert_flow(
        &self,
        connection: &mut SqliteConnection,
        flow: &Flow,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO flows (id, kind, sealed_body, expires_at, version) VALUES (?, ?, ?, ?, 1)")
            .bind(flow.id)
            .bind(flow.kind.as_str())
            .bind(self.sealer.seal("flows.body", flow.id, flow.body.as_bytes()))
            .bind(flow.expires_at.micros())
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        Ok(())
    }

    pub(super) async fn update_flow(
        &self,
        connection: &mut SqliteConnection,
        flow: &Flow,
    ) -> Result<(), StoreError> {
        let changed = sqlx::query(
            "UPDATE flows SET sealed_body = ?, expires_at = ?, version = version + 1 WHERE id = ? AND version = ?",
        )
        .bind(self.sealer.seal("flows.body", flow.id, flow.body.as_bytes()))
        .bind(flow.expires_at.micros())
        .bind(flow.id)
        .bind(flow.version)
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        refused_unless(changed.rows_affected() == 1, Conflict::Changed)
    }

    pub(super) async fn consume_flow(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
        version: i64,
    ) -> Result<(), StoreError> {
        let gone = sqlx::query("DELETE FROM flows WHERE id = ? AND version = ?")
            .bind(id)
            .bind(version)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        refused_unless(gone.rows_affected() == 1, Conflict::Changed)
    }
}
