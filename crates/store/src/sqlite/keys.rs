//! Key sets. Each key is encrypted and bound to its set and id.

use sqlx::{Connection as _, SqliteConnection};

use super::SqliteStore;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::records::{KeySet, StoredKey};
use crate::row;
use crate::sealer::key_row;

impl SqliteStore {
    pub(super) async fn find_key_set(&self, name: &str) -> Result<Option<KeySet>, StoreError> {
        // Everything is read in one transaction, so that versions and keys are of the same moment.
        let mut lent = self.readers.lend().await?;
        let mut transaction = lent.connection.begin().await.map_err(from_sqlx)?;
        let set = self.read_key_set(&mut transaction, name).await?;
        transaction.commit().await.map_err(from_sqlx)?;
        self.readers.give_back(lent);
        Ok(set)
    }

    pub(super) async fn list_key_sets(&self) -> Result<Vec<KeySet>, StoreError> {
        let mut lent = self.readers.lend().await?;
        let mut transaction = lent.connection.begin().await.map_err(from_sqlx)?;
        let rows = sqlx::query("SELECT name FROM key_sets ORDER BY name")
            .fetch_all(&mut *transaction)
            .await
            .map_err(from_sqlx)?;
        let mut sets = Vec::with_capacity(rows.len());
        for found in &rows {
            sets.extend(self.read_key_set(&mut transaction, row::text(found, "name")?).await?);
        }
        transaction.commit().await.map_err(from_sqlx)?;
        self.readers.give_back(lent);
        Ok(sets)
    }

    async fn read_key_set(
        &self,
        connection: &mut SqliteConnection,
        name: &str,
    ) -> Result<Option<KeySet>, StoreError> {
        let found = sqlx::query("SELECT version, managed FROM key_sets WHERE name = ?")
            .bind(name)
            .fetch_optional(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        let Some(found) = found else { return Ok(None) };
        let rows = sqlx::query("SELECT * FROM keys WHERE set_name = ? ORDER BY position")
            .bind(name)
            .fetch_all(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        let keys = rows
            .iter()
            .map(|key| {
                let kid = row::text(key, "kid")?.to_owned();
                let jwk =
                    self.sealer.unseal("keys.jwk", key_row(name, &kid), row::bytes(key, "sealed_jwk")?)?;
                Ok(StoredKey { kid, jwk: jwk.into(), created_at: row::time(key, "created_at")? })
            })
            .collect::<Result<_, StoreError>>()?;
        let managed = row::optional_text(&found, "managed")?
            .map(|json| serde_json::from_str(json).map_err(|error| StoreError::Corrupt(error.to_string())))
            .transpose()?;
        Ok(Some(KeySet { name: name.to_owned(), keys, managed, version: row::integer(&found, "version")? }))
    }

    pub(super) async fn put_key_set(
        &self,
        connection: &mut SqliteConnection,
        set: &KeySet,
    ) -> Result<(), StoreError> {
        // This is plain data, which always serialises.
        let managed = set.managed.as_ref().and_then(|managed| serde_json::to_string(managed).ok());
        let changed = if set.version == 0 {
            sqlx::query(
                "INSERT INTO key_sets (name, managed, version) VALUES (?, ?, 1) ON CONFLICT DO NOTHING",
            )
            .bind(&set.name)
            .bind(managed)
            .execute(&mut *connection)
            .await
        } else {
            sqlx::query(
                "UPDATE key_sets SET version = version + 1, managed = ? WHERE name = ? AND version = ?",
            )
            .bind(managed)
            .bind(&set.name)
            .bind(set.version)
            .execute(&mut *connection)
            .await
        };
        refused_unless(changed.map_err(from_sqlx)?.rows_affected() == 1, Conflict::Changed)?;
        sqlx::query("DELETE FROM keys WHERE set_name = ?")
            .bind(&set.name)
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        for (key, position) in set.keys.iter().zip(0_i64..) {
            sqlx::query(
                "INSERT INTO keys (set_name, kid, position, sealed_jwk, created_at) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(&set.name)
            .bind(&key.kid)
            .bind(position)
            .bind(self.sealer.seal("keys.jwk", key_row(&set.name, &key.kid), key.jwk.expose().as_bytes()))
            .bind(key.created_at.micros())
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        }
        Ok(())
    }

    pub(super) async fn delete_key_set(
        &self,
        connection: &mut SqliteConnection,
        name: &str,
    ) -> Result<(), StoreError> {
        let gone = sqlx::query("DELETE FROM key_sets WHERE name = ?")
            .bind(name)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        refused_unless(gone.rows_affected() == 1, Conflict::Missing)
    }
}
