//! Counters against abuse.

use sessera_model::Timestamp;
use sqlx::SqliteConnection;

use super::SqliteStore;
use crate::counter::{Allowance, Counter, CounterKey};
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::row;

const FIND: &str = "SELECT count, at FROM counters WHERE key = ?";

impl SqliteStore {
    pub(super) async fn find_counters(&self, keys: &[CounterKey]) -> Result<Vec<Counter>, StoreError> {
        let mut counters = Vec::with_capacity(keys.len());
        for key in keys {
            let found = self.readers.row(sqlx::query(FIND).bind(key.0.as_slice())).await?;
            counters.push(found.as_ref().map_or(Ok(Counter::default()), row::counter)?);
        }
        Ok(counters)
    }

    /// The transaction has the database for itself, so nobody counts between what is read and what is written.
    pub(super) async fn take_attempt(
        &self,
        connection: &mut SqliteConnection,
        counters: &[(CounterKey, Allowance)],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        for (key, allowance) in counters {
            let found = sqlx::query(FIND).bind(key.0.as_slice()).fetch_optional(&mut *connection);
            let found = found.await.map_err(from_sqlx)?;
            let mut taken = found.as_ref().map_or(Ok(Counter::default()), row::counter)?;
            taken.take(*allowance, at).map_err(|_| Conflict::Limited)?;
            sqlx::query(
                "INSERT INTO counters (key, count, at, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (key) \
                 DO UPDATE SET count = excluded.count, at = excluded.at, expires_at = excluded.expires_at",
            )
            .bind(key.0.as_slice())
            .bind(taken.count)
            .bind(taken.at.micros())
            .bind(taken.ends_at(*allowance).micros())
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        }
        Ok(())
    }

    pub(super) async fn give_back_attempt(
        &self,
        connection: &mut SqliteConnection,
        keys: &[CounterKey],
    ) -> Result<(), StoreError> {
        for key in keys {
            sqlx::query("UPDATE counters SET count = max(count - 1, 0) WHERE key = ?")
                .bind(key.0.as_slice())
                .execute(&mut *connection)
                .await
                .map_err(from_sqlx)?;
        }
        Ok(())
    }

    pub(super) async fn forget_attempts(
        &self,
        connection: &mut SqliteConnection,
        key: &CounterKey,
    ) -> Result<(), StoreError> {
        let gone = sqlx::query("DELETE FROM counters WHERE key = ?").bind(key.0.as_slice());
        gone.execute(connection).await.map_err(from_sqlx)?;
        Ok(())
    }
}
