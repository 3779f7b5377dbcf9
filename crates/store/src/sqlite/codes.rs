//! Codes that were sent to an address.

use sessera_model::Uuid;
use sqlx::SqliteConnection;

use super::SqliteStore;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::records::{Code, CodePurpose};
use crate::row;

impl SqliteStore {
    pub(super) async fn find_code(
        &self,
        flow_id: Uuid,
        purpose: CodePurpose,
    ) -> Result<Option<Code>, StoreError> {
        let query = sqlx::query("SELECT * FROM codes WHERE flow_id = ? AND purpose = ? AND NOT used LIMIT 1")
            .bind(flow_id)
            .bind(purpose.as_str());
        let found = self.readers.row(query).await?;
        found.map(|found| row::code(&found, flow_id, purpose)).transpose()
    }

    pub(super) async fn insert_code(
        &self,
        connection: &mut SqliteConnection,
        code: &Code,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM codes WHERE flow_id = ? AND purpose = ?")
            .bind(code.flow_id)
            .bind(code.purpose.as_str())
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        sqlx::query(
            "INSERT INTO codes (id, flow_id, purpose, identity_id, address, hash, used, expires_at) \
             VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
        )
        .bind(code.id)
        .bind(code.flow_id)
        .bind(code.purpose.as_str())
        .bind(code.identity_id)
        .bind(&code.address)
        .bind(code.hash.as_bytes().as_slice())
        .bind(code.expires_at.micros())
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        Ok(())
    }

    pub(super) async fn use_code(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
    ) -> Result<(), StoreError> {
        let changed = sqlx::query("UPDATE codes SET used = 1 WHERE id = ? AND NOT used")
            .bind(id)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        refused_unless(changed.rows_affected() == 1, Conflict::Changed)
    }
}
