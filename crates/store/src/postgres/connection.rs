//! Connections to the host that can be written, and what happens on them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult, TimeoutType};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Postgres, Row as _};
use tokio::time::timeout;

use super::dsn::PostgresDsn;
use super::fault;
use crate::error::{Conflict, StoreError};

/// How long a connection may have been idle without being asked whether it is still good.
const UNASKED: Duration = Duration::from_secs(1);

/// The hosts of a cluster, of which one can be written.
#[derive(Debug)]
pub(super) struct Hosts {
    dsn: PostgresDsn,
    /// The one that could be written when it was last asked.
    current: AtomicUsize,
}

/// A connection to one of the hosts.
pub(super) struct Link {
    connection: PgConnection,
    host: usize,
}

impl Hosts {
    pub(super) fn new(dsn: PostgresDsn) -> Self {
        Self { dsn, current: AtomicUsize::new(0) }
    }

    pub(super) const fn dsn(&self) -> &PostgresDsn {
        &self.dsn
    }

    /// How the host that can be written is reached.
    pub(super) async fn primary(&self) -> Result<PgConnectOptions, StoreError> {
        let (connection, host) = self.connect().await?;
        // It has told what it was asked for.
        let _ = connection.close().await;
        Ok(self.dsn.hosts[host].clone())
    }

    /// Connects to the first host that can be written, beginning with the one that could be last.
    /// Returns its position among the hosts with it.
    pub(super) async fn connect(&self) -> Result<(PgConnection, usize), StoreError> {
        let count = self.dsn.hosts.len();
        let first = self.current.load(Ordering::Relaxed);
        let mut problems = Vec::new();
        for host in (0..count).map(|n| (first + n) % count) {
            let options = &self.dsn.hosts[host];
            let connected = timeout(self.dsn.connect_timeout, async {
                let mut connection = options.connect().await.map_err(fault::from_sqlx)?;
                if self.dsn.is_postgres && is_standby(&mut connection).await? {
                    return Err(StoreError::Unavailable("it is a standby".into()));
                }
                Ok(connection)
            });
            match connected.await {
                Ok(Ok(connection)) => {
                    self.current.store(host, Ordering::Relaxed);
                    return Ok((connection, host));
                }
                Ok(Err(error)) => problems.push(error),
                Err(_) => problems.push(StoreError::Unavailable("it does not answer".into())),
            }
        }
        if count == 1 {
            return Err(problems.remove(0));
        }
        let hosts = self.dsn.hosts.iter().zip(&problems);
        let each: Vec<String> =
            hosts.map(|(host, problem)| format!("{}: {problem}", host.get_host())).collect();
        Err(StoreError::Unavailable(format!("no host of the dsn can be written ({})", each.join("; "))))
    }
}

async fn is_standby(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let row = connection.fetch_one("SELECT pg_is_in_recovery()").await.map_err(fault::from_sqlx)?;
    row.try_get(0).map_err(fault::from_sqlx)
}

impl managed::Manager for Hosts {
    type Type = Link;
    type Error = StoreError;

    async fn create(&self) -> Result<Link, StoreError> {
        // Boxed, as everything that may need a connection would carry the room for it.
        let (mut connection, host) = Box::pin(self.connect()).await?;
        let limit = self.dsn.statement_timeout.as_millis();
        let limits =
            format!("SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit}");
        connection.execute(sqlx::AssertSqlSafe(limits)).await.map_err(fault::from_sqlx)?;
        Ok(Link { connection, host })
    }

    async fn recycle(&self, link: &mut Link, metrics: &Metrics) -> RecycleResult<StoreError> {
        if link.host != self.current.load(Ordering::Relaxed) || metrics.age() > self.dsn.max_lifetime {
            return Err(RecycleError::message("it is to be replaced"));
        }
        if metrics.last_used() < UNASKED {
            return Ok(());
        }
        if !self.dsn.is_postgres {
            let asked = link.connection.execute("SELECT 1").await;
            return asked.map(|_| ()).map_err(|error| fault::from_sqlx(error).into());
        }
        if is_standby(&mut link.connection).await? {
            return Err(RecycleError::message("it has become a standby"));
        }
        Ok(())
    }
}

/// What a failed wait for a connection means.
pub(super) fn from_pool(error: PoolError<StoreError>) -> StoreError {
    match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(TimeoutType::Wait) => StoreError::Unavailable(
            "all connections are in use; raise max_conns in the dsn if the database has room for more".into(),
        ),
        PoolError::Timeout(_) => StoreError::Unavailable("no connection could be made in time".into()),
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// A connection in use. One that is dropped in the middle of something is closed, so nobody else gets
/// what was asked on it, and the database undoes what was not finished.
pub(super) struct Connection {
    /// Absent only while it is dropped.
    link: Option<Object<Hosts>>,
    /// A statement was sent and its end was not seen.
    unfinished: bool,
    in_transaction: bool,
    /// The last failure was a clash with another transaction.
    clashed: bool,
}

impl Connection {
    pub(super) const fn new(link: Object<Hosts>) -> Self {
        Self { link: Some(link), unfinished: false, in_transaction: false, clashed: false }
    }

    /// Runs a statement; returns how many rows it touched.
    pub(super) async fn execute(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<u64, StoreError> {
        let outcome = query.execute(self.begun()?).await;
        self.ended(outcome).map(|done| done.rows_affected())
    }

    /// The first row, if there is one.
    pub(super) async fn optional(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Option<PgRow>, StoreError> {
        let outcome = query.fetch_optional(self.begun()?).await;
        none_for_unstorable(self.ended(outcome))
    }

    /// All rows.
    pub(super) async fn all(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let outcome = query.fetch_all(self.begun()?).await;
        none_for_unstorable(self.ended(outcome))
    }

    /// Opens a transaction.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        self.clashed = false;
        self.in_transaction = true;
        self.execute(sqlx::query("BEGIN")).await.map(|_| ())
    }

    /// Ends the transaction. When it returns `Ok`, all of it is on disk; when the connection broke, all
    /// or nothing of it is.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        self.execute(sqlx::query("COMMIT")).await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Undoes the transaction. Returns whether it may succeed when it is done again: it clashed with
    /// another one.
    pub(super) async fn roll_back(&mut self) -> bool {
        let usable = !self.unfinished;
        let clashed = self.clashed;
        if usable && self.execute(sqlx::query("ROLLBACK")).await.is_ok() {
            self.in_transaction = false;
        }
        usable && clashed
    }

    fn begun(&mut self) -> Result<&mut PgConnection, StoreError> {
        self.unfinished = true;
        let link =
            self.link.as_mut().ok_or_else(|| StoreError::Unavailable("the connection is closed".into()))?;
        Ok(&mut link.connection)
    }

    fn ended<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        outcome
            .inspect(|_| self.unfinished = false)
            .inspect_err(|error| {
                self.unfinished = fault::ends_connection(error);
                self.clashed = fault::is_clash(error);
            })
            .map_err(fault::from_sqlx)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if (self.unfinished || self.in_transaction)
            && let Some(link) = self.link.take()
        {
            drop(Object::take(link));
        }
    }
}

/// Nothing is stored under a text that cannot be stored.
fn none_for_unstorable<T: Default>(outcome: Result<T, StoreError>) -> Result<T, StoreError> {
    match outcome {
        Err(StoreError::Conflict(Conflict::Unstorable)) => Ok(T::default()),
        other => other,
    }
}
