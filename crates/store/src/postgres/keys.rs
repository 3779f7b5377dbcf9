//! Key sets. Each key is encrypted and bound to its set and id.

use sqlx::postgres::PgRow;
use sqlx::{Postgres, QueryBuilder};

use super::PostgresStore;
use super::connection::Connection;
use super::sessions::refused_unless;
use crate::error::{Conflict, StoreError};
use crate::records::{KeySet, StoredKey};
use crate::row;
use crate::sealer::key_row;

/// Reads sets with their keys in one statement, so that versions and keys are of the same moment.
const COLUMNS: &str = "SELECT key_sets.name, key_sets.version, key_sets.managed, \
     keys.kid, keys.sealed_jwk, keys.created_at FROM key_sets LEFT JOIN keys ON keys.set_name = key_sets.name";

impl PostgresStore {
    pub(super) async fn find_key_set(&self, name: &str) -> Result<Option<KeySet>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
        query.push(" WHERE key_sets.name = ").push_bind(name).push(" ORDER BY keys.position");
        let rows = self.connection().await?.all(query.build()).await?;
        Ok(self.read_key_sets(&rows)?.pop())
    }

    pub(super) async fn list_key_sets(&self) -> Result<Vec<KeySet>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
        query.push(" ORDER BY key_sets.name, keys.position");
        let rows = self.connection().await?.all(query.build()).await?;
        let mut sets = self.read_key_sets(&rows)?;
        // The database orders by its own locale, so the sets are sorted here.
        sets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(sets)
    }

    fn read_key_sets(&self, rows: &[PgRow]) -> Result<Vec<KeySet>, StoreError> {
        let mut sets: Vec<KeySet> = Vec::new();
        for found in rows {
            let name = row::text(found, "name")?;
            if sets.last().is_none_or(|set| set.name != name) {
                let managed = row::optional_text(found, "managed")?.map(serde_json::from_str).transpose();
                sets.push(KeySet {
                    name: name.to_owned(),
                    keys: Vec::new(),
                    managed: managed.map_err(|_| row::corrupt("managed"))?,
                    version: row::integer(found, "version")?,
                });
            }
            // A set without keys has one row without a key.
            let (Some(kid), Some(set)) = (row::optional_text(found, "kid")?, sets.last_mut()) else {
                continue;
            };
            let sealed = row::bytes(found, "sealed_jwk")?;
            let jwk = self.sealer.unseal("keys.jwk", key_row(&set.name, kid), sealed)?;
            let created_at = row::time(found, "created_at")?;
            set.keys.push(StoredKey { kid: kid.to_owned(), jwk: jwk.into(), created_at });
        }
        Ok(sets)
    }

    pub(super) async fn put_key_set(
        &self,
        connection: &mut Connection,
        set: &KeySet,
    ) -> Result<(), StoreError> {
        // This is plain data, which always serialises.
        let managed = set.managed.as_ref().and_then(|managed| serde_json::to_string(managed).ok());
        let put = if set.version == 0 {
            sqlx::query(
                "INSERT INTO key_sets (name, managed, version) VALUES ($1, $2, 1) ON CONFLICT DO NOTHING",
            )
            .bind(&set.name)
            .bind(managed)
        } else {
            sqlx::query(
                "UPDATE key_sets SET version = version + 1, managed = $1 WHERE name = $2 AND version = $3",
            )
            .bind(managed)
            .bind(&set.name)
            .bind(set.version)
        };
        refused_unless(connection.execute(put).await? == 1, Conflict::Changed)?;
        connection.execute(sqlx::query("DELETE FROM keys WHERE set_name = $1").bind(&set.name)).await?;
        for (key, position) in set.keys.iter().zip(0_i64..) {
            connection.execute(sqlx::query(
                "INSERT INTO keys (set_name, kid, position, sealed_jwk, created_at) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(&set.name)
            .bind(&key.kid)
            .bind(position)
            .bind(self.sealer.seal("keys.jwk", key_row(&set.name, &key.kid), key.jwk.expose().as_bytes()))
            .bind(key.created_at.micros())).await?;
        }
        Ok(())
    }

    pub(super) async fn delete_key_set(
        &self,
        connection: &mut Connection,
        name: &str,
    ) -> Result<(), StoreError> {
        let gone = connection.execute(sqlx::query("DELETE FROM key_sets WHERE name = $1").bind(name)).await?;
        refused_unless(gone == 1, Conflict::Missing)
    }
}
