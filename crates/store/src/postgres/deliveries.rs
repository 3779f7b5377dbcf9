//! Entries of the record on their way to sinks.

use std::ops::RangeInclusive;

use sessera_model::Timestamp;
use sqlx::{Postgres, QueryBuilder};

use super::PostgresStore;
use super::audit::ends;
use super::connection::Connection;
use super::sessions::refused_unless;
use crate::audit::AT_ONCE;
use crate::delivery::{Delivery, DeliveryPage, SinkState, Taken, TakingSink};
use crate::error::{Conflict, StoreError};
use crate::row;

impl PostgresStore {
    pub(super) async fn take_one_sink(&self, taking: &TakingSink) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query(
            "UPDATE sinks SET taken_by = $1, taken_until = $2 \
             WHERE name = $3 AND (taken_by = $1 OR taken_until <= $4) RETURNING number",
        )
        .bind(taking.node)
        .bind(taking.until.micros())
        .bind(&taking.sink)
        .bind(taking.now.micros());
        let found = self.connection().await?.optional(query).await?;
        found.map(|found| row::integer(&found, "number")).transpose()
    }

    pub(super) async fn find_due_deliveries(
        &self,
        sink: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let query = sqlx::query(
            "SELECT deliveries.*, audit.id, audit.at, audit.identity_id, audit.hash, audit.content FROM deliveries \
             JOIN audit ON audit.number = deliveries.number \
             WHERE deliveries.sink = $1 AND deliveries.due_at <= $2 AND NOT EXISTS ( \
             SELECT 1 FROM deliveries AS earlier WHERE earlier.sink = $1 AND earlier.subject = deliveries.subject \
             AND earlier.due_at IS NOT NULL AND earlier.number < deliveries.number) \
             ORDER BY deliveries.number LIMIT $3",
        )
        .bind(sink)
        .bind(now.micros())
        .bind(i64::from(limit));
        self.connection().await?.all(query).await?.iter().map(row::delivery).collect()
    }

    pub(super) async fn list_deliveries(&self, page: &DeliveryPage) -> Result<Vec<Delivery>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(
            "SELECT deliveries.*, audit.id, audit.at, audit.identity_id, audit.hash, audit.content FROM deliveries \
             JOIN audit ON audit.number = deliveries.number WHERE deliveries.sink = ",
        );
        query.push_bind(&page.sink).push(" AND deliveries.number > ").push_bind(page.after);
        match page.given_up {
            Some(true) => query.push(" AND due_at IS NULL"),
            Some(false) => query.push(" AND due_at IS NOT NULL"),
            None => &mut query,
        };
        query.push(" ORDER BY deliveries.number LIMIT ").push_bind(i64::from(page.limit));
        self.connection().await?.all(query.build()).await?.iter().map(row::delivery).collect()
    }

    pub(super) async fn list_sinks(&self) -> Result<Vec<SinkState>, StoreError> {
        let query = sqlx::query(
            "SELECT name, sinks.number, count(due_at) AS waiting, count(deliveries.number) - count(due_at) AS given_up, \
             min(CASE WHEN due_at IS NOT NULL THEN since END) AS oldest, \
             max(CASE WHEN due_at IS NOT NULL THEN problem END) AS problem \
             FROM sinks LEFT JOIN deliveries ON deliveries.sink = name GROUP BY name, sinks.number",
        );
        let rows = self.connection().await?.all(query).await?;
        let mut sinks = rows.iter().map(row::sink_state).collect::<Result<Vec<_>, _>>()?;
        // Databases order texts by rules of their own.
        sinks.sort_by(|a, b| a.sink.cmp(&b.sink));
        Ok(sinks)
    }

    pub(super) async fn begin_sink(
        &self,
        connection: &mut Connection,
        sink: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let ends = ends(connection).await?;
        let query = sqlx::query(
            "INSERT INTO sinks (name, number, taken_until, configured_at) VALUES ($1, $2, 0, $3) \
             ON CONFLICT (name) DO UPDATE SET configured_at = excluded.configured_at",
        )
        .bind(sink)
        .bind(ends.last.number)
        .bind(at.micros());
        connection.execute(query).await?;
        Ok(())
    }

    pub(super) async fn forget_sinks(
        &self,
        connection: &mut Connection,
        but: &[String],
        wanted_since: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut query = QueryBuilder::<Postgres>::new("DELETE FROM sinks WHERE taken_until <= ");
        query.push_bind(at.micros()).push(" AND configured_at < ").push_bind(wanted_since.micros());
        for name in but {
            query.push(" AND name <> ").push_bind(name);
        }
        let forgotten = connection.execute(query.build()).await?;
        if forgotten == 0 {
            return Ok(());
        }
        let query = sqlx::query("DELETE FROM deliveries WHERE sink NOT IN (SELECT name FROM sinks)");
        connection.execute(query).await?;
        Ok(())
    }

    pub(super) async fn take_from_record(
        &self,
        connection: &mut Connection,
        taken: &Taken,
    ) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE sinks SET number = $1 WHERE name = $2 AND number = $3")
            .bind(taken.to)
            .bind(&taken.sink)
            .bind(taken.from);
        let moved = connection.execute(query).await?;
        refused_unless(moved == 1, Conflict::Changed)?;
        for deliveries in taken.deliveries.chunks(AT_ONCE) {
            let mut query = QueryBuilder::<Postgres>::new(
                "INSERT INTO deliveries (sink, number, subject, since, attempts, due_at) ",
            );
            query.push_values(deliveries, |mut values, delivery| {
                values
                    .push_bind(&taken.sink)
                    .push_bind(delivery.number)
                    .push_bind(&delivery.subject)
                    .push_bind(taken.at.micros())
                    .push_bind(0_i64)
                    .push_bind(taken.at.micros());
            });
            // What is delivered once more begins anew.
            query.push(
                " ON CONFLICT (sink, number) DO UPDATE SET since = excluded.since, attempts = 0, \
                 due_at = excluded.due_at, problem = NULL",
            );
            connection.execute(query.build()).await?;
        }
        Ok(())
    }

    pub(super) async fn delivered(
        &self,
        connection: &mut Connection,
        sink: &str,
        numbers: &[i64],
    ) -> Result<(), StoreError> {
        for number in numbers {
            let query =
                sqlx::query("DELETE FROM deliveries WHERE sink = $1 AND number = $2").bind(sink).bind(number);
            connection.execute(query).await?;
        }
        Ok(())
    }

    pub(super) async fn delivery_failed(
        &self,
        connection: &mut Connection,
        sink: &str,
        number: i64,
        due_at: Option<Timestamp>,
        problem: &str,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE deliveries SET attempts = attempts + 1, due_at = $1, problem = $2 WHERE sink = $3 AND number = $4",
        )
        .bind(due_at.map(Timestamp::micros))
        .bind(problem)
        .bind(sink)
        .bind(number);
        connection.execute(query).await?;
        Ok(())
    }

    pub(super) async fn hasten(
        &self,
        connection: &mut Connection,
        sink: &str,
        numbers: &RangeInclusive<i64>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE deliveries SET due_at = $2 WHERE sink = $1 AND due_at > $2 AND number >= $3 AND number <= $4",
        )
        .bind(sink)
        .bind(at.micros())
        .bind(numbers.start())
        .bind(numbers.end());
        connection.execute(query).await?;
        Ok(())
    }

    pub(super) async fn replay(
        &self,
        connection: &mut Connection,
        sink: &str,
        after: Option<i64>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        // What it took behind that entry is taken once more. What waits there already is left to that.
        let query = sqlx::query(
            "UPDATE sinks SET number = CASE WHEN number > $1 THEN $1 ELSE number END WHERE name = $2",
        )
        .bind(after.unwrap_or(i64::MAX))
        .bind(sink);
        let known = connection.execute(query).await?;
        refused_unless(known == 1, Conflict::Missing)?;
        // What was given up begins anew. What waits is tried at once and keeps what is known of it.
        let query = match after {
            Some(after) => {
                sqlx::query("DELETE FROM deliveries WHERE sink = $1 AND number > $2").bind(sink).bind(after)
            }
            None => sqlx::query(
                "UPDATE deliveries SET due_at = $2, since = CASE WHEN due_at IS NULL THEN $2 ELSE since END, \
                 attempts = CASE WHEN due_at IS NULL THEN 0 ELSE attempts END, \
                 problem = CASE WHEN due_at IS NULL THEN NULL ELSE problem END \
                 WHERE sink = $1 AND (due_at IS NULL OR due_at > $2)",
            )
            .bind(sink)
            .bind(at.micros()),
        };
        connection.execute(query).await?;
        Ok(())
    }
}
