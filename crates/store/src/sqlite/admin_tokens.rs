//! Tokens of the admin API.

use sessera_model::{Timestamp, TokenHash};
use sqlx::SqliteConnection;

use super::SqliteStore;
use super::sessions::refused_unless;
use crate::admin_token::AdminToken;
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::row;

impl SqliteStore {
    pub(super) async fn find_admin_token(&self, hash: &TokenHash) -> Result<Option<AdminToken>, StoreError> {
        let query = sqlx::query("SELECT * FROM admin_tokens WHERE hash = ?").bind(hash.as_bytes().as_slice());
        self.readers.row(query).await?.as_ref().map(row::admin_token).transpose()
    }

    pub(super) async fn list_admin_tokens(&self) -> Result<Vec<AdminToken>, StoreError> {
        let rows = self.readers.rows(sqlx::query("SELECT * FROM admin_tokens ORDER BY name")).await?;
        rows.iter().map(row::admin_token).collect()
    }

    pub(super) async fn insert_admin_token(
        &self,
        connection: &mut SqliteConnection,
        token: &AdminToken,
    ) -> Result<(), StoreError> {
        let added = sqlx::query(
            "INSERT INTO admin_tokens (name, role, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(&token.name)
        .bind(token.role.as_str())
        .bind(token.hash.as_bytes().as_slice())
        .bind(token.created_at.micros())
        .bind(token.expires_at.map(Timestamp::micros))
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        refused_unless(added.rows_affected() == 1, Conflict::Changed)
    }

    pub(super) async fn delete_admin_token(
        &self,
        connection: &mut SqliteConnection,
        name: &str,
    ) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM admin_tokens WHERE name = ?").bind(name);
        let gone = query.execute(connection).await.map_err(from_sqlx)?;
        refused_unless(gone.rows_affected() == 1, Conflict::Missing)
    }
}
