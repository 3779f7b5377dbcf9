//! Reading sessions from standbys where that is as good as reading from the primary.
//!
//! A standby is behind by some time that nobody bounds. It is asked only while two things hold:
//!
//! 1. The line to other nodes is trusted. Then this node was told of every change that was committed before
//!    the heartbeat that is trusted, less than a second ago.
//! 2. The standby has replayed at least the [position](crate::line::Line::position), which lies behind the
//!    commit of every change that this node was told of or has made. The position is that of the primary
//!    which the line leads to. A standby of another cluster, or one that follows another history (an old
//!    primary that was left behind by a promotion), never has it.
//!
//! What a standby answers is therefore as new as what may be answered from memory. It is asked how far it has
//! replayed
//! *before* the statement that reads, since a statement sees what was there when it began. What is told
//! while it reads drops what was read, as with the primary, because the numbers of changes are compared when
//! a session is put into memory. Only sessions are read here, and only a good session counts. When it is not
//! there, or has ended, the primary has the last word.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use deadpool::managed::Pool;
use sessera_model::{Identity, TokenHash};
use tokio::time::timeout;

use super::connection::{Connection, Hosts, from_pool, in_use};
use super::sessions;
use crate::error::StoreError;
use crate::line::{Line, Position};
use crate::records::{PoolUse, StoredSession};
use crate::row;

/// How long standbys may take before the primary is asked.
const LIMIT: Duration = Duration::from_millis(250);

/// How long standbys are left alone after a failure.
const REST: Duration = Duration::from_secs(1);

/// The standbys of `dsn_read_only`.
pub(super) struct Standbys {
    pool: Pool<Hosts>,
    rest_until: Mutex<Option<Instant>>,
    /// Whether the last attempt failed, so that a failure is logged once.
    failing: AtomicBool,
}

impl Standbys {
    pub(super) const fn new(pool: Pool<Hosts>) -> Self {
        Self { pool, rest_until: Mutex::new(None), failing: AtomicBool::new(false) }
    }

    pub(super) fn in_use(&self) -> PoolUse {
        in_use("standbys", &self.pool)
    }

    pub(super) fn close(&self) {
        self.pool.close();
    }

    /// The session of a token, where a standby may be asked and has it.
    pub(super) async fn session_by_token(
        &self,
        line: &Line,
        token: &TokenHash,
    ) -> Option<(StoredSession, Identity)> {
        if self.rests() || !line.is_trusted() {
            return None;
        }
        let position = line.position()?;
        let outcome = timeout(LIMIT, self.read(position, token)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".into())));
        match outcome {
            Ok(found) => {
                self.failing.store(false, Ordering::Relaxed);
                found
            }
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the standby cannot be read; the primary is asked instead");
                }
                *self.rest_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
                None
            }
        }
    }

    fn rests(&self) -> bool {
        let until = *self.rest_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    async fn read(
        &self,
        position: Position,
        token: &TokenHash,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError> {
        let mut connection = Connection::new(self.pool.get().await.map_err(from_pool)?);
        if !has(&mut connection, &position).await? {
            return Ok(None);
        }
        let found = connection.optional(sessions::by_token(token).build()).await?;
        found.map(|found| Ok((row::session(&found)?, row::identity(&found)?))).transpose()
    }
}

/// Whether the standby at the other end has replayed up to a position.
async fn has(connection: &mut Connection, position: &Position) -> Result<bool, StoreError> {
    let covers = |replayed: Option<Position>| replayed.is_some_and(|replayed| replayed.covers(position));
    if covers(connection.replayed()) {
        return Ok(true);
    }
    // The history is that of the last restart point, so a standby that follows a promotion counts again
    // after its next one. A server that was promoted has no position at all.
    let query = sqlx::query(
        "SELECT system_identifier AS system, CAST(timeline_id AS BIGINT) AS timeline, \
         CAST(coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0' AS BIGINT) AS log \
         FROM pg_control_system(), pg_control_checkpoint() WHERE pg_is_in_recovery()",
    );
    let Some(found) = connection.optional(query).await? else { return Ok(false) };
    connection.note_replayed(Position {
        system: row::integer(&found, "system")?,
        timeline: row::integer(&found, "timeline")?,
        log: row::integer(&found, "log")?,
    });
    Ok(covers(connection.replayed()))
}
