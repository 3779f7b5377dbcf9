//! Self-service flows. Their bodies are encrypted, because they hold form tokens and unfinished secrets.

use sessera_model::Uuid;

use super::PostgresStore;
use super::connection::Connection;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError};
use crate::records::Flow;
use crate::row;

impl PostgresStore {
    pub(super) async fn find_flow(&self, id: Uuid) -> Result<Option<Flow>, StoreError> {
        let found = self
            .connection()
            .await?
            .optional(sqlx::query("SELECT * FROM flows WHERE id = $1").bind(id))
            .await?;
        found.map(|found| row::flow(&found, id, &self.sealer)).transpose()
    }

    pub(super) async fn insert_flow(
        &self,
        connection: &mut Connection,
        flow: &Flow,
    ) -> Result<(), StoreError> {
        connection.execute(sqlx::query("INSERT INTO flows (id, kind, sealed_body, expires_at, version) VALUES ($1, $2, $3, $4, 1)")
            .bind(flow.id)
            .bind(flow.kind.as_str())
            .bind(self.sealer.seal("flows.body", flow.id, flow.body.as_bytes()))
            .bind(flow.expires_at.micros())).await?;
        Ok(())
    }

    pub(super) async fn update_flow(
        &self,
        connection: &mut Connection,
        flow: &Flow,
    ) -> Result<(), StoreError> {
        let changed = connection.execute(sqlx::query(
            "UPDATE flows SET sealed_body = $1, expires_at = $2, version = version + 1 WHERE id = $3 AND version = $4",
        )
        .bind(self.sealer.seal("flows.body", flow.id, flow.body.as_bytes()))
        .bind(flow.expires_at.micros())
        .bind(flow.id)
        .bind(flow.version)).await?;
        refused_unless(changed == 1, Conflict::Changed)
    }

    pub(super) async fn consume_flow(
        &self,
        connection: &mut Connection,
        id: Uuid,
        version: i64,
    ) -> Result<(), StoreError> {
        let gone = connection
            .execute(sqlx::query("DELETE FROM flows WHERE id = $1 AND version = $2").bind(id).bind(version))
            .await?;
        refused_unless(gone == 1, Conflict::Changed)
    }
}
