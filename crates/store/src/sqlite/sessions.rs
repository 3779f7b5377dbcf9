//! Sessions.

use sessera_model::{Identity, Session, StatusIndex, Timestamp, TokenHash, Uuid};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::SqliteStore;
use crate::error::{Conflict, StoreError, from_sqlx};
use crate::records::{NewSession, Page, Reauthentication, SessionFilter, StoredSession, before_place};
use crate::row;
use crate::status_list;

/// A session with its identity in one look-up by primary keys.
const COLUMNS: &str = "SELECT sessions.id AS session_id, sessions.kind, sessions.token_hash, sessions.active, \
     sessions.issued_at, sessions.expires_at, sessions.authenticated_at, sessions.assurance_level, \
     sessions.methods, sessions.devices, sessions.last_used_at, \
     sessions.status_index, identities.* \
     FROM sessions JOIN identities ON identities.id = sessions.identity_id";

impl SqliteStore {
    pub(super) async fn find_session_by_token(
        &self,
        token: &TokenHash,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push(" WHERE sessions.token_hash = ").push_bind(token.as_bytes().as_slice());
        self.one(query).await
    }

    pub(super) async fn find_session(
        &self,
        id: Uuid,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push(" WHERE sessions.id = ").push_bind(id);
        self.one(query).await
    }

    pub(super) async fn find_session_by_status(
        &self,
        index: StatusIndex,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
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
        let begun = sqlx::query("SELECT next FROM status_counter WHERE next > ?").bind(first);
        if self.readers.row(begun).await?.is_none() {
            return Ok(None);
        }
        let query = sqlx::query(
            "SELECT (place - ?1) / ?2 AS word, sum(1 << (place % ?2)) AS refused FROM ( \
             SELECT status_index AS place FROM sessions JOIN identities ON identities.id = identity_id \
             WHERE status_index >= ?1 AND status_index < ?3 \
             AND NOT (active AND expires_at > ?4 AND identities.state = 'active') \
             UNION ALL \
             SELECT status_index FROM sessions_elsewhere WHERE status_index >= ?1 AND status_index < ?3 \
             AND ended_at IS NOT NULL \
             UNION ALL \
             SELECT status_index FROM deleted_sessions WHERE status_index >= ?1 AND status_index < ?3) \
             GROUP BY word",
        )
        .bind(first)
        .bind(status_list::PER_WORD)
        .bind(end)
        .bind(now.micros());
        let words = self.readers.rows(query).await?;
        let words: Result<Vec<_>, StoreError> = words
            .iter()
            .map(|found| Ok((row::integer(found, "word")?, row::integer(found, "refused")?)))
            .collect();
        Ok(Some(status_list::list(words?)))
    }

    async fn one(
        &self,
        mut query: QueryBuilder<Sqlite>,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        let found = self.readers.row(query.build()).await?;
        found.map(|found| Ok((row::session(&found)?, row::identity(&found)?))).transpose()
    }

    pub(super) async fn list_sessions(
        &self,
        filter: &SessionFilter,
        page: &Page,
    ) -> Result<Vec<(Session, Identity)>, StoreError> {
        let rows = self.readers.rows(listing(filter, page).build()).await?;
        rows.iter().map(|found| Ok((row::session(found)?.session, row::identity(found)?))).collect()
    }

    pub(super) async fn count_listed_sessions(&self, filter: &SessionFilter) -> Result<u64, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) AS count FROM sessions WHERE 1");
        push_filter(&mut query, filter);
        let row = self.readers.row(query.build()).await?;
        row.as_ref().map_or(Ok(0), row::count)
    }

    pub(super) async fn insert_session(
        &self,
        connection: &mut SqliteConnection,
        stored: &NewSession,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE status_counter SET next = next + 1")
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        let session = &stored.session;
        let inserted = sqlx::query(
            "INSERT INTO sessions (id, identity_id, token_hash, kind, active, issued_at, expires_at, \
             authenticated_at, assurance_level, methods, devices, status_index) \
             SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT next - 1 FROM status_counter) FROM identities WHERE id = ? AND state = 'active'",
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
        .bind(session.identity_id)
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        refused_unless(inserted.rows_affected() == 1, Conflict::Missing)
    }

    pub(super) async fn authenticate_session(
        &self,
        connection: &mut SqliteConnection,
        again: &Reauthentication,
    ) -> Result<(), StoreError> {
        let changed = sqlx::query(
            "UPDATE sessions SET authenticated_at = ?, assurance_level = ?, methods = ?, devices = ?, \
             expires_at = ?, token_hash = coalesce(?, token_hash) \
             WHERE id = ? AND active AND expires_at > ?",
        )
        .bind(again.at.micros())
        .bind(again.assurance_level.as_str())
        .bind(serde_json::to_string(&again.methods).unwrap_or_default())
        .bind(serde_json::to_string(&again.devices).unwrap_or_default())
        .bind(again.expires_at.micros())
        .bind(again.token.map(|token| token.as_bytes().to_vec()))
        .bind(again.id)
        .bind(again.at.micros())
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        refused_unless(changed.rows_affected() == 1, Conflict::Changed)
    }

    pub(super) async fn extend_session(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let changed =
            sqlx::query("UPDATE sessions SET expires_at = ? WHERE id = ? AND active AND expires_at > ?")
                .bind(expires_at.micros())
                .bind(id)
                .bind(at.micros())
                .execute(connection)
                .await
                .map_err(from_sqlx)?;
        refused_unless(changed.rows_affected() == 1, Conflict::Changed)
    }

    pub(super) async fn note_uses(
        &self,
        connection: &mut SqliteConnection,
        uses: &[(Uuid, Timestamp)],
    ) -> Result<(), StoreError> {
        for (id, at) in uses {
            sqlx::query(
                "UPDATE sessions SET last_used_at = ?1 \
                 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at < ?1)",
            )
            .bind(at.micros())
            .bind(id)
            .execute(&mut *connection)
            .await
            .map_err(from_sqlx)?;
        }
        Ok(())
    }

    pub(super) async fn revoke_session_by_token(
        &self,
        connection: &mut SqliteConnection,
        token: &TokenHash,
    ) -> Result<(), StoreError> {
        let changed = sqlx::query("UPDATE sessions SET active = 0 WHERE token_hash = ? AND active")
            .bind(token.as_bytes().as_slice())
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        refused_unless(changed.rows_affected() == 1, Conflict::Missing)
    }

    pub(super) async fn revoke_session(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
        of: Option<Uuid>,
    ) -> Result<(), StoreError> {
        let changed = sqlx::query(
            "UPDATE sessions SET active = 0 WHERE id = ? AND identity_id = coalesce(?, identity_id)",
        )
        .bind(id)
        .bind(of)
        .execute(connection)
        .await
        .map_err(from_sqlx)?;
        refused_unless(changed.rows_affected() == 1, Conflict::Missing)
    }

    pub(super) async fn delete_sessions_of(
        &self,
        connection: &mut SqliteConnection,
        identity_id: Uuid,
    ) -> Result<(), StoreError> {
        for statement in [
            "INSERT INTO deleted_sessions SELECT status_index, expires_at FROM sessions WHERE identity_id = ?",
            "DELETE FROM sessions WHERE identity_id = ?",
        ] {
            sqlx::query(statement).bind(identity_id).execute(&mut *connection).await.map_err(from_sqlx)?;
        }
        Ok(())
    }

    pub(super) async fn delete_session(
        &self,
        connection: &mut SqliteConnection,
        id: Uuid,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO deleted_sessions SELECT status_index, expires_at FROM sessions WHERE id = ?",
        )
        .bind(id)
        .execute(&mut *connection)
        .await
        .map_err(from_sqlx)?;
        let changed = sqlx::query("DELETE FROM sessions WHERE id = ?")
            .bind(id)
            .execute(connection)
            .await
            .map_err(from_sqlx)?;
        refused_unless(changed.rows_affected() == 1, Conflict::Missing)
    }

    pub(super) async fn revoke_sessions(
        &self,
        connection: &mut SqliteConnection,
        filter: &SessionFilter,
    ) -> Result<(), StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("UPDATE sessions SET active = 0 WHERE active");
        push_filter(&mut query, filter);
        query.build().execute(connection).await.map_err(from_sqlx)?;
        Ok(())
    }
}

/// A page begins behind the last session of the one before, so the last page costs no more than the first.
pub(super) fn listing(filter: &SessionFilter, page: &Page) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
    query.push(" WHERE 1");
    push_filter(&mut query, filter);
    if let Some((issued_at, id)) = page.after.map(before_place) {
        query.push(" AND (sessions.issued_at, sessions.id) < (").push_bind(issued_at.micros());
        query.push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY sessions.issued_at DESC, sessions.id DESC LIMIT ").push_bind(page.limit);
    query
}

fn push_filter(query: &mut QueryBuilder<Sqlite>, filter: &SessionFilter) {
    if let Some(identity_id) = filter.identity_id {
        query.push(" AND sessions.identity_id = ").push_bind(identity_id);
    }
    if let Some(except) = filter.except {
        query.push(" AND sessions.id <> ").push_bind(except);
    }
    if let Some((live, now)) = filter.live {
        // Nearly all sessions end later, so their ends (with a plus, which hides them from the planner) must not lead the way:
        // all of them would be sorted.
        query.push(if live {
            " AND (sessions.active AND +sessions.expires_at > "
        } else {
            " AND NOT (sessions.active AND sessions.expires_at > "
        });
        query.push_bind(now.micros()).push(")");
    }
}

pub(super) fn refused_unless(held: bool, conflict: Conflict) -> Result<(), StoreError> {
    if held { Ok(()) } else { Err(conflict.into()) }
}
