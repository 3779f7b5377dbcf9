//! Codes that were sent to an address.

use sessera_model::Uuid;

use super::PostgresStore;
use super::connection::Connection;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError};
use crate::records::{Code, CodePurpose};
use crate::row;

impl PostgresStore {
    pub(super) async fn find_code(
        &self,
        flow_id: Uuid,
        purpose: CodePurpose,
    ) -> Result<Option<Code>, StoreError> {
        let found = self
            .connection()
            .await?
            .optional(
                sqlx::query("SELECT * FROM codes WHERE flow_id = $1 AND purpose = $2 AND NOT used")
                    .bind(flow_id)
                    .bind(purpose.as_str()),
            )
            .await?;
        found.map(|found| row::code(&found, flow_id, purpose)).transpose()
    }

    pub(super) async fn insert_code(
        &self,
        connection: &mut Connection,
        code: &Code,
    ) -> Result<(), StoreError> {
        connection
            .execute(
                sqlx::query(
                    "INSERT INTO codes (id, flow_id, purpose, identity_id, address, hash, used, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, false, $7) \
             ON CONFLICT (flow_id, purpose) DO UPDATE SET id = excluded.id, \
             identity_id = excluded.identity_id, address = excluded.address, hash = excluded.hash, \
             used = false, expires_at = excluded.expires_at",
                )
                .bind(code.id)
                .bind(code.flow_id)
                .bind(code.purpose.as_str())
                .bind(code.identity_id)
                .bind(&code.address)
                .bind(code.hash.as_bytes().as_slice())
                .bind(code.expires_at.micros()),
            )
            .await?;
        Ok(())
    }

    pub(super) async fn use_code(&self, connection: &mut Connection, id: Uuid) -> Result<(), StoreError> {
        let changed = connection
            .execute(sqlx::query("UPDATE codes SET used = true WHERE id = $1 AND NOT used").bind(id))
            .await?;
        refused_unless(changed == 1, Conflict::Changed)
    }
}
