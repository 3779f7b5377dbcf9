//! Connections to the host that can be written or to a standby, and what happens on them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult, TimeoutType};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Postgres, Row as _};
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::dsn::PostgresDsn;
use super::fault;
use crate::error::{Conflict, StoreError};
use crate::line::Position;
use crate::records::PoolUse;

/// How long a connection may be idle and still be used without being checked first.
const UNASKED: Duration = Duration::from_secs(1);

/// Which hosts of a cluster are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The host that can be written.
    Primary,
    /// The hosts that replay its log.
    Standby,
}

/// The hosts of a cluster. Those that have the role are used.
#[derive(Debug)]
pub(super) struct Hosts {
    dsn: PostgresDsn,
    role: Role,
    /// The host that had the role when it was last asked.
    current: AtomicUsize,
}

/// A connection to one of the hosts.
pub(super) struct Link {
    connection: PgConnection,
    host: usize,
    /// The server process at the other end.
    backend: i32,
    /// How far a standby had replayed when it was last asked over this connection. The server at the other
    /// end stays the same, so it only ever gets further.
    replayed: Option<Position>,
}

impl Hosts {
    pub(super) fn new(dsn: PostgresDsn, role: Role) -> Self {
        Self { dsn, role, current: AtomicUsize::new(0) }
    }

    pub(super) const fn dsn(&self) -> &PostgresDsn {
        &self.dsn
    }

    /// How the host that can be written is reached.
    pub(super) async fn primary(&self) -> Result<PgConnectOptions, StoreError> {
        let link = self.connect().await?;
        // The connection has served its purpose, so an error at its end does not matter.
        let _ = link.connection.close().await;
        Ok(self.dsn.hosts[link.host].clone())
    }

    /// Connects to the first host that has the role, beginning with the one that had it last.
    pub(super) async fn connect(&self) -> Result<Link, StoreError> {
        let count = self.dsn.hosts.len();
        let first = self.current.load(Ordering::Relaxed);
        let mut problems = Vec::new();
        for host in (0..count).map(|n| (first + n) % count) {
            let options = &self.dsn.hosts[host];
            let connected = timeout(self.dsn.connect_timeout, async {
                let mut connection = options.connect().await.map_err(fault::from_sqlx)?;
                let backend = if self.dsn.is_postgres { self.backend(&mut connection).await? } else { 0 };
                Ok(Link { connection, host, backend, replayed: None })
            });
            match connected.await {
                Ok(Ok(link)) => {
                    self.current.store(host, Ordering::Relaxed);
                    return Ok(link);
                }
                Ok(Err(error)) => problems.push(error),
                Err(_) => problems.push(StoreError::Unavailable("it does not answer".into())),
            }
        }
        if count == 1 {
            let host = &self.dsn.hosts[0];
            let address = match host.get_socket() {
                Some(folder) => folder.display().to_string(),
                None => format!("{}:{}", host.get_host(), host.get_port()),
            };
            return Err(problems.remove(0).of(&address));
        }
        let hosts = self.dsn.hosts.iter().zip(&problems);
        let each: Vec<String> =
            hosts.map(|(host, problem)| format!("{}: {problem}", host.get_host())).collect();
        let wanted = match self.role {
            Role::Primary => "no host of the dsn can be written",
            Role::Standby => "no host of dsn_read_only is a standby",
        };
        Err(StoreError::Unavailable(format!("{wanted} ({})", each.join("; "))))
    }

    /// Asks for the server process at the other end. It fails when the host does not have the role.
    async fn backend(&self, connection: &mut PgConnection) -> Result<i32, StoreError> {
        let query = "SELECT pg_is_in_recovery() AS standby, pg_backend_pid() AS backend";
        let row = connection.fetch_one(query).await.map_err(fault::from_sqlx)?;
        let standby = row.try_get::<bool, _>("standby").map_err(fault::from_sqlx)?;
        match (self.role, standby) {
            (Role::Primary, true) => Err(StoreError::Unavailable("it is a standby".into())),
            (Role::Standby, false) => Err(StoreError::Unavailable("it is not a standby".into())),
            _ => row.try_get("backend").map_err(fault::from_sqlx),
        }
    }
}

impl Link {
    /// Connects for work that needs a connection before there is a pool.
    pub(super) const fn raw(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Closes the connection properly.
    pub(super) async fn close(self) {
        // If that fails, the server notices that the connection is gone.
        let _ = self.connection.close().await;
    }
}

impl managed::Manager for Hosts {
    type Type = Link;
    type Error = StoreError;

    async fn create(&self) -> Result<Link, StoreError> {
        // The future is boxed, because everything that may need a connection would carry the room for it
        // otherwise.
        let mut link = Box::pin(self.connect()).await?;
        let limit = self.dsn.statement_timeout.as_millis();
        let limits =
            format!("SET statement_timeout = {limit}; SET idle_in_transaction_session_timeout = {limit}");
        link.connection.execute(AssertSqlSafe(limits)).await.map_err(fault::from_sqlx)?;
        Ok(link)
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
        self.backend(&mut link.connection).await.map(|_| ()).map_err(RecycleError::Backend)
    }
}

/// Says what a failed wait for a connection means.
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

/// How the connections of a pool are used at present.
pub(super) fn in_use(name: &'static str, pool: &Pool<Hosts>) -> PoolUse {
    let status = pool.status();
    PoolUse {
        name,
        most: status.max_size,
        in_use: status.size.saturating_sub(status.available),
        idle: status.available,
        waiting: Some(status.waiting),
    }
}

/// How far a transaction has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transaction {
    /// There is no transaction.
    None,
    /// The end of the transaction was not sent yet.
    Open,
    /// The end of the transaction was sent, and its answer was not seen yet.
    Committing,
}

/// A connection in use. When it is dropped in the middle of something, it is closed. Nobody else then gets
/// the answer to what was asked on it, and the database undoes what was not finished.
pub(super) struct Connection {
    /// The connection, which is absent only while this is dropped.
    link: Option<Object<Hosts>>,
    /// Whether a statement was sent and its end was not seen yet.
    unfinished: bool,
    transaction: Transaction,
    /// Whether the last failure was a clash with another transaction.
    clashed: bool,
}

impl Connection {
    pub(super) const fn new(link: Object<Hosts>) -> Self {
        Self { link: Some(link), unfinished: false, transaction: Transaction::None, clashed: false }
    }

    /// Runs a statement and returns how many rows it touched.
    pub(super) async fn execute(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<u64, StoreError> {
        let outcome = query.execute(self.begun()?).await;
        self.ended(outcome).map(|done| done.rows_affected())
    }

    /// Runs a query and returns the first row, if there is one.
    pub(super) async fn optional(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Option<PgRow>, StoreError> {
        let outcome = query.fetch_optional(self.begun()?).await;
        none_for_unstorable(self.ended(outcome))
    }

    /// Runs a query and returns all rows.
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
        self.transaction = Transaction::Open;
        self.execute(sqlx::query("BEGIN")).await.map(|_| ())
    }

    /// Ends the transaction. When it returns `Ok`, all of the transaction is on disk. When the connection
    /// broke, either all or nothing of it is.
    ///
    /// The time-out of statements does not hold for the commit. Where synchronous standbys are configured
    /// it waits for them, and a time-out would end that wait with a warning and *success*, so that a change
    /// would be acknowledged that the standby lacks. A caller that gives up waiting does not know how the
    /// commit ends, and says so.
    pub(super) async fn commit(&mut self) -> Result<(), StoreError> {
        let statement = if self.is_postgres() { "SET LOCAL statement_timeout = 0; COMMIT" } else { "COMMIT" };
        self.transaction = Transaction::Committing;
        let outcome = self.begun()?.execute(statement).await;
        self.ended(outcome)?;
        self.transaction = Transaction::None;
        Ok(())
    }

    /// How far the standby at the other end had replayed when it was last asked.
    pub(super) fn replayed(&self) -> Option<Position> {
        self.link.as_ref().and_then(|link| link.replayed)
    }

    /// Notes how far the standby has replayed.
    pub(super) fn note_replayed(&mut self, position: Position) {
        if let Some(link) = &mut self.link {
            link.replayed = Some(position);
        }
    }

    fn is_postgres(&self) -> bool {
        let pool = self.link.as_ref().and_then(Object::pool);
        pool.is_some_and(|pool| pool.manager().dsn().is_postgres)
    }

    /// Undoes the transaction. Returns whether it clashed with another one and so may succeed when it is
    /// tried again.
    pub(super) async fn roll_back(&mut self) -> bool {
        let usable = !self.unfinished;
        let clashed = self.clashed;
        if usable && self.execute(sqlx::query("ROLLBACK")).await.is_ok() {
            self.transaction = Transaction::None;
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
        if (self.unfinished || self.transaction != Transaction::None)
            && let Some(link) = self.link.take()
        {
            let (pool, link) = (Object::pool(&link), Object::take(link));
            if self.transaction == Transaction::Committing
                && link.backend != 0
                && let (Some(pool), Ok(runtime)) = (pool, Handle::try_current())
            {
                runtime.spawn(end_backend(pool, link.backend));
            }
        }
    }
}

/// Ends a process of the server whose commit nobody waits for any more. One that waits for a synchronous
/// standby does not notice that its client is gone; without this, commits that were given up would use up
/// the server's connections until the standby is back.
async fn end_backend(pool: Pool<Hosts>, backend: i32) {
    let limit = pool.manager().dsn().limit();
    let ended = timeout(limit, async {
        let mut connection = Connection::new(pool.get().await.map_err(from_pool)?);
        connection.execute(sqlx::query("SELECT pg_terminate_backend($1)").bind(backend)).await
    });
    if let Ok(Err(error)) = ended.await {
        tracing::debug!(%error, "a commit that was given up could not be ended");
    }
}

/// Finds nothing for a text that cannot be stored, because nothing is stored under it.
fn none_for_unstorable<T: Default>(outcome: Result<T, StoreError>) -> Result<T, StoreError> {
    match outcome {
        Err(StoreError::Conflict(Conflict::Unstorable)) => Ok(T::default()),
        other => other,
    }
}
