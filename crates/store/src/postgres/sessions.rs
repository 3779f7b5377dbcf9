//! Sessions.

use sessera_model::{Identity, Session, StatusIndex, Timestamp, TokenHash, Uuid};
use sqlx::{Postgres, QueryBuilder};

use super::PostgresStore;
use super::connection::Connection;
use crate::error::{Conflict, StoreError};
use crate::records::{NewSession, Page, Reauthentication, SessionFilter, StoredSession, before_place};
use crate::row;
use crate::status_list;

/// A session with its identity in one look-up by primary keys.
const COLUMNS: &str = "SELECT sessions.id AS session_id, sessions.kind, sessions.token_hash, sessions.active, \
     sessions.issued_at, sessions.expires_at, sessions.authenticated_at, sessions.assurance_level, \
     sessions.methods, sessions.devices, sessions.last_used_at, \
     sessions.status_index, identities.* \
     FROM sessions JOIN identities ON identities.id = sessions.identity_id";

/// Reads the session of a token with its identity.
pub(super) fn by_token(token: &TokenHash) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" WHERE sessions.token_hash = ").push_bind(token.as_bytes().to_vec());
    query
}

impl PostgresStore {
    pub(super) async fn find_session_by_token(
        &self,
        token: &TokenHash,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        self.one(by_token(token)).await
    }

    pub(super) async fn find_session(
        &self,
        id: Uuid,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
        query.push(" WHERE sessions.id = ").push_bind(id);
        self.one(query).await
    }

    pub(super) async fn find_session_by_status(
        &self,
        index: StatusIndex,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
        // A number that does not fit the column belongs to no session.
        query.push(" WHERE sessions.status_index = ").push_bind(i64::try_from(index.number()).ok());
        self.one(query).await
    }

    pub(super) async fn make_status_list(
        &self,
        list: u64,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((first, end)) = status_list::range(list) else { return Ok(None) };
        let mut connection = self.connection().await?;
        let begun = sqlx::query(
            "SELECT 1 FROM session_status_index WHERE last_value > $1 OR (last_value = $1 AND is_called)",
        );
        if connection.optional(begun.bind(first)).await?.is_none() {
            return Ok(None);
        }
        let words = sqlx::query(
            "SELECT (place - $1) / $2 AS word, bit_or(1::bigint << (place % $2)::int) AS refused FROM ( \
             SELECT status_index AS place FROM sessions JOIN identities ON identities.id = identity_id \
             WHERE status_index >= $1 AND status_index < $3 \
             AND NOT (active AND expires_at > $4 AND identities.state = 'active') \
             UNION ALL \
             SELECT status_index FROM sessions_elsewhere WHERE status_index >= $1 AND status_index < $3 \
             AND ended_at IS NOT NULL \
             UNION ALL \
             SELECT status_index FROM deleted_sessions WHERE status_index >= $1 AND status_index < $3) AS places \
             GROUP BY word",
        )
        .bind(first)
        .bind(i64::from(status_list::PER_WORD))
        .bind(end)
        .bind(now.micros());
        let words = connection.all(words).await?;
        let words: Result<Vec<_>, StoreError> = words
            .iter()
            .map(|found| Ok((row::integer(found, "word")?, row::integer(found, "refused")?)))
            .collect();
        Ok(Some(status_list::list(words?)))
    }

    async fn one(
        &self,
        mut query: QueryBuilder<Postgres>,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        let found = self.connection().await?.optional(query.build()).await?;
        found.map(|found| Ok((row::session(&found)?, row::identity(&found)?))).transpose()
    }

    pub(super) async fn list_sessions(
        &self,
        filter: &SessionFilter,
        page: &Page,
    ) -> Result<Vec<(Session, Identity)>, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new(COLUMNS);
        query.push(" WHERE true");
        push_filter(&mut query, filter);
        if let Some((issued_at, id)) = page.after.map(before_place) {
            query.push(" AND (sessions.issued_at, sessions.id) < (").push_bind(issued_at.micros());
            query.push(", ").push_bind(id).push(")");
        }
        query
            .push(" ORDER BY sessions.issued_at DESC, sessions.id DESC LIMIT ")
            .push_bind(i64::from(page.limit));
        let rows = self.connection().await?.all(query.build()).await?;
        rows.iter().map(|found| Ok((row::session(found)?.session, row::identity(found)?))).collect()
    }

    pub(super) async fn count_listed_sessions(&self, filter: &SessionFilter) -> Result<u64, StoreError> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT count(*) AS count FROM sessions WHERE true");
        push_filter(&mut query, filter);
        self.connection().await?.optional(query.build()).await?.as_ref().map_or(Ok(0), row::count)
    }

    pub(super) async fn insert_session(
        &self,
        connection: &mut Connection,
        stored: &NewSession,
    ) -> Result<(), StoreError> {
        let session = &stored.session;
        // The row is locked, so that a person who is being disabled right now gets no session afterwards.
        let inserted = connection.execute(sqlx::query(
            "INSERT INTO sessions (id, identity_id, token_hash, kind, active, issued_at, expires_at, \
             authenticated_at, assurance_level, methods, devices) \
             SELECT $1, id, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM identities WHERE id = $11 AND state = 'active' \
             FOR SHARE",
        )
        .bind(session.id)
        .bind(stored.token.as_bytes().as_slice())
        .bind(stored.kind.as_str())
        .bind(session.active)
        .bind(session.issued_at.micros())
        .bind(session.expires_at.micros())
        .bind(session.authenticated_at.micros())
        .bind(session.assurance_level.as_str())
        .bind(serde_json::to_string(&session.methods).unwrap_or_default())
        .bind(serde_json::to_string(&session.devices).unwrap_or_default())
        .bind(session.identity_id)).await?;
        refused_unless(inserted == 1, Conflict::Missing)
    }

    pub(super) async fn authenticate_session(
        &self,
        connection: &mut Connection,
        again: &Reauthentication,
    ) -> Result<(), StoreError> {
        let changed = connection.execute(sqlx::query(
            "UPDATE sessions SET authenticated_at = $1, assurance_level = $2, methods = $3, devices = $4, \
             expires_at = $5, token_hash = coalesce($6, token_hash) \
             WHERE id = $7 AND active AND expires_at > $8",
        )
        .bind(again.at.micros())
        .bind(again.assurance_level.as_str())
        .bind(serde_json::to_string(&again.methods).unwrap_or_default())
        .bind(serde_json::to_string(&again.devices).unwrap_or_default())
        .bind(again.expires_at.micros())
        .bind(again.token.map(|token| token.as_bytes().to_vec()))
        .bind(again.id)
        .bind(again.at.micros())).await?;
        refused_unless(changed == 1, Conflict::Changed)
    }

    pub(super) async fn extend_session(
        &self,
        connection: &mut Connection,
        id: Uuid,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let changed = connection
            .execute(
                sqlx::query(
                    "UPDATE sessions SET expires_at = $1 WHERE id = $2 AND active AND expires_at > $3",
                )
                .bind(expires_at.micros())
                .bind(id)
                .bind(at.micros()),
            )
            .await?;
        refused_unless(changed == 1, Conflict::Changed)
    }

    pub(super) async fn note_uses(
        &self,
        connection: &mut Connection,
        uses: &[(Uuid, Timestamp)],
    ) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = uses.iter().map(|(id, _)| *id).collect();
        let times: Vec<i64> = uses.iter().map(|(_, at)| at.micros()).collect();
        // The rows of many sessions are written in one round trip.
        connection
            .execute(
                sqlx::query(
                    "UPDATE sessions SET last_used_at = used.at \
                     FROM unnest($1::uuid[], $2::bigint[]) AS used (id, at) \
                     WHERE sessions.id = used.id \
                     AND (sessions.last_used_at IS NULL OR sessions.last_used_at < used.at)",
                )
                .bind(ids)
                .bind(times),
            )
            .await?;
        Ok(())
    }

    pub(super) async fn revoke_session_by_token(
        &self,
        connection: &mut Connection,
        token: &TokenHash,
    ) -> Result<(), StoreError> {
        let changed = connection
            .execute(
                sqlx::query("UPDATE sessions SET active = false WHERE token_hash = $1 AND active")
                    .bind(token.as_bytes().as_slice()),
            )
            .await?;
        refused_unless(changed == 1, Conflict::Missing)
    }

    pub(super) async fn revoke_session(
        &self,
        connection: &mut Connection,
        id: Uuid,
        of: Option<Uuid>,
    ) -> Result<(), StoreError> {
        let changed = connection.execute(sqlx::query(
            "UPDATE sessions SET active = false WHERE id = $1 AND identity_id = coalesce($2, identity_id)",
        )
        .bind(id)
        .bind(of)).await?;
        refused_unless(changed == 1, Conflict::Missing)
    }

    pub(super) async fn delete_sessions_of(
        &self,
        connection: &mut Connection,
        identity_id: Uuid,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "WITH gone AS (DELETE FROM sessions WHERE identity_id = $1 RETURNING status_index, expires_at) \
             INSERT INTO deleted_sessions SELECT status_index, expires_at FROM gone",
        );
        connection.execute(query.bind(identity_id)).await?;
        Ok(())
    }

    pub(super) async fn delete_session(
        &self,
        connection: &mut Connection,
        id: Uuid,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(
            "WITH gone AS (DELETE FROM sessions WHERE id = $1 RETURNING status_index, expires_at) \
             INSERT INTO deleted_sessions SELECT status_index, expires_at FROM gone",
        );
        let changed = connection.execute(query.bind(id)).await?;
        refused_unless(changed == 1, Conflict::Missing)
    }

    pub(super) async fn revoke_sessions(
        &self,
        connection: &mut Connection,
        filter: &SessionFilter,
    ) -> Result<(), StoreError> {
        let mut query = QueryBuilder::<Postgres>::new("UPDATE sessions SET active = false WHERE active");
        push_filter(&mut query, filter);
        connection.execute(query.build()).await?;
        Ok(())
    }
}

fn push_filter(query: &mut QueryBuilder<Postgres>, filter: &SessionFilter) {
    if let Some(identity_id) = filter.identity_id {
        query.push(" AND sessions.identity_id = ").push_bind(identity_id);
    }
    if let Some(except) = filter.except {
        query.push(" AND sessions.id <> ").push_bind(except);
    }
    if let Some((live, now)) = filter.live {
        query.push(if live {
            " AND (sessions.active AND sessions.expires_at > "
        } else {
            " AND NOT (sessions.active AND sessions.expires_at > "
        });
        query.push_bind(now.micros()).push(")");
    }
}

pub(super) fn refused_unless(held: bool, conflict: Conflict) -> Result<(), StoreError> {
    if held { Ok(()) } else { Err(conflict.into()) }
}
