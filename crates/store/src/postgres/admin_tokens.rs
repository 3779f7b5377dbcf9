//! Tokens of the admin API.

use sessera_model::{Timestamp, TokenHash};

use super::PostgresStore;
use super::connection::Connection;
use super::sessions::refused_unless;
use crate::admin_token::AdminToken;
use crate::error::{Conflict, StoreError};
use crate::row;

impl PostgresStore {
    pub(super) async fn find_admin_token(&self, hash: &TokenHash) -> Result<Option<AdminToken>, StoreError> {
        let query =
            sqlx::query("SELECT * FROM admin_tokens WHERE hash = $1").bind(hash.as_bytes().as_slice());
        self.connection().await?.optional(query).await?.as_ref().map(row::admin_token).transpose()
    }

    pub(super) async fn list_admin_tokens(&self) -> Result<Vec<AdminToken>, StoreError> {
        let rows = self.connection().await?.all(sqlx::query("SELECT * FROM admin_tokens")).await?;
        let mut tokens = rows.iter().map(row::admin_token).collect::<Result<Vec<_>, _>>()?;
        // The database orders by its own locale, so the tokens are sorted here.
        tokens.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tokens)
    }

    pub(super) async fn insert_admin_token(
        &self,
        connection: &mut Connection,
        token: &AdminToken,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO admin_tokens (name, role, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(&token.name)
        .bind(token.role.as_str())
        .bind(token.hash.as_bytes().as_slice())
        .bind(token.created_at.micros())
        .bind(token.expires_at.map(Timestamp::micros));
        refused_unless(connection.execute(query).await? == 1, Conflict::Changed)
    }

    pub(super) async fn delete_admin_token(
        &self,
        connection: &mut Connection,
        name: &str,
    ) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM admin_tokens WHERE name = $1").bind(name);
        refused_unless(connection.execute(query).await? == 1, Conflict::Missing)
    }
}
