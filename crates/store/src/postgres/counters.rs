//! Counters against abuse.

use sessera_model::Timestamp;

use super::PostgresStore;
use super::connection::Connection;
use crate::counter::{Allowance, Counter, CounterKey};
use crate::error::{Conflict, StoreError};
use crate::row;

impl PostgresStore {
    pub(super) async fn find_counters(&self, keys: &[CounterKey]) -> Result<Vec<Counter>, StoreError> {
        let mut connection = self.connection().await?;
        let mut counters = Vec::with_capacity(keys.len());
        for key in keys {
            let query = sqlx::query("SELECT count, at FROM counters WHERE key = $1").bind(key.0.as_slice());
            let found = connection.optional(query).await?;
            counters.push(found.as_ref().map_or(Ok(Counter::default()), row::counter)?);
        }
        Ok(counters)
    }

    /// Each row is locked as it is read, in the order of the keys, so that attempts at once count one after the other
    /// and never wait for each other in a circle. One statement makes the row, locks it and reads it: between two,
    /// another sign-in that succeeds could take the row away again.
    pub(super) async fn take_attempt(
        &self,
        connection: &mut Connection,
        counters: &[(CounterKey, Allowance)],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut counters = counters.to_vec();
        counters.sort_unstable_by_key(|(key, _)| *key);
        for (key, allowance) in counters {
            let locked = sqlx::query(
                "INSERT INTO counters (key, count, at, expires_at) VALUES ($1, 0, 0, 0) \
                 ON CONFLICT (key) DO UPDATE SET count = counters.count RETURNING count, at",
            );
            let found = connection.optional(locked.bind(key.0.as_slice())).await?;
            let mut taken = found.as_ref().map_or(Ok(Counter::default()), row::counter)?;
            taken.take(allowance, at).map_err(|_| Conflict::Limited)?;
            let update =
                sqlx::query("UPDATE counters SET count = $2, at = $3, expires_at = $4 WHERE key = $1")
                    .bind(key.0.as_slice())
                    .bind(taken.count)
                    .bind(taken.at.micros())
                    .bind(taken.ends_at(allowance).micros());
            connection.execute(update).await?;
        }
        Ok(())
    }

    pub(super) async fn give_back_attempt(
        &self,
        connection: &mut Connection,
        keys: &[CounterKey],
    ) -> Result<(), StoreError> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        for key in keys {
            let update = sqlx::query("UPDATE counters SET count = greatest(count - 1, 0) WHERE key = $1");
            connection.execute(update.bind(key.0.as_slice())).await?;
        }
        Ok(())
    }

    pub(super) async fn forget_attempts(
        &self,
        connection: &mut Connection,
        key: &CounterKey,
    ) -> Result<(), StoreError> {
        let gone = sqlx::query("DELETE FROM counters WHERE key = $1").bind(key.0.as_slice());
        connection.execute(gone).await.map(drop)
    }
}
