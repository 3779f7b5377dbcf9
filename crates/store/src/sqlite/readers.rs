//! Connections that only read, each lent to one query at a time.
//!
//! The library's pool asks a connection before and after each use whether it is still there. For a file
//! opened in the same process that takes longer than most queries and tells nothing, so the connections are
//! kept here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Execute, Executor as _, Sqlite, SqliteConnection};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::error::{StoreError, from_sqlx};
use crate::records::PoolUse;

/// The connections that only read.
pub(super) struct Readers {
    options: SqliteConnectOptions,
    most: u32,
    /// How long a caller waits for a connection.
    patience: Duration,
    places: Semaphore,
    /// The connections that nobody uses, with the last used one last. More are made while there are places.
    free: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    /// Keeps at most `most` connections. The first one is made now, so that a database that cannot be read is
    /// noticed.
    pub(super) async fn open(
        options: SqliteConnectOptions,
        most: u32,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let first = options.connect().await.map_err(from_sqlx)?;
        Ok(Self {
            options,
            most,
            patience,
            places: Semaphore::new(most as usize),
            free: Mutex::new(vec![first]),
        })
    }

    /// Lends a connection as soon as one is free. One that is not given back is closed, because the caller
    /// gave up in the middle of something.
    pub(super) async fn lend(&self) -> Result<BorrowedReader<'_>, StoreError> {
        let busy = |_| StoreError::Unavailable("all connections that read are busy".into());
        let closed = |_| StoreError::Unavailable("the database is closed".into());
        let place = timeout(self.patience, self.places.acquire()).await.map_err(busy)?.map_err(closed)?;
        let free = self.free().pop();
        let connection = match free {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(from_sqlx)?,
        };
        Ok(BorrowedReader { connection, _place: place })
    }

    /// Takes a connection back.
    pub(super) fn give_back(&self, lent: BorrowedReader<'_>) {
        self.free().push(lent.connection);
    }

    /// Returns the row that a query finds, if it finds one.
    pub(super) async fn row<'q>(
        &self,
        query: impl Execute<'q, Sqlite> + 'q,
    ) -> Result<Option<SqliteRow>, StoreError> {
        let mut lent = self.lend().await?;
        let outcome = lent.connection.fetch_optional(query).await;
        self.end(lent, outcome)
    }

    /// Returns the row of a query that always finds one.
    pub(super) async fn one<'q>(
        &self,
        query: impl Execute<'q, Sqlite> + 'q,
    ) -> Result<SqliteRow, StoreError> {
        let mut lent = self.lend().await?;
        let outcome = lent.connection.fetch_one(query).await;
        self.end(lent, outcome)
    }

    /// Returns all rows that a query finds.
    pub(super) async fn rows<'q>(
        &self,
        query: impl Execute<'q, Sqlite> + 'q,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        let mut lent = self.lend().await?;
        let outcome = lent.connection.fetch_all(query).await;
        self.end(lent, outcome)
    }

    fn end<T>(&self, lent: BorrowedReader<'_>, outcome: Result<T, sqlx::Error>) -> Result<T, StoreError> {
        // A connection whose thread is gone is of no more use.
        if !matches!(outcome, Err(sqlx::Error::WorkerCrashed)) {
            self.give_back(lent);
        }
        outcome.map_err(from_sqlx)
    }

    /// How many connections are used.
    pub(super) fn usage(&self) -> PoolUse {
        let most = self.most as usize;
        let in_use = most.saturating_sub(self.places.available_permits());
        PoolUse { name: "readers", most, in_use, idle: self.free().len(), waiting: None }
    }

    /// Waits until no connection is used any more and then closes all of them.
    pub(super) async fn close(&self) {
        // An error means that they are closed already.
        let all = self.places.acquire_many(self.most).await;
        self.places.close();
        drop(all);
        let free = std::mem::take(&mut *self.free());
        for connection in free {
            // Nothing is lost with a connection that cannot be closed, because it only reads.
            let _ = connection.close().await;
        }
    }

    fn free(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that somebody uses.
pub(super) struct BorrowedReader<'a> {
    pub(super) connection: SqliteConnection,
    _place: SemaphorePermit<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn readers(most: u32, patience: Duration) -> (Readers, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let options =
            SqliteConnectOptions::new().filename(folder.path().join("db.sqlite")).create_if_missing(true);
        (Readers::open(options, most, patience).await.unwrap(), folder)
    }

    #[tokio::test]
    async fn who_finds_none_free_waits_for_some_time() {
        let (readers, _folder) = readers(1, Duration::from_millis(10)).await;
        let lent = readers.lend().await.unwrap();
        assert_eq!((readers.usage().in_use, readers.usage().idle), (1, 0));
        let refused = readers.row(sqlx::query("SELECT 1")).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
        readers.give_back(lent);
        readers.one(sqlx::query("SELECT 1")).await.unwrap();
        assert_eq!((readers.usage().in_use, readers.usage().idle), (0, 1));
    }

    #[tokio::test]
    async fn one_that_was_dropped_in_the_middle_is_replaced() {
        let (readers, _folder) = readers(1, Duration::from_secs(60)).await;
        let mut lent = readers.lend().await.unwrap();
        lent.connection.execute("BEGIN").await.unwrap();
        drop(lent);
        assert_eq!(readers.usage().idle, 0);
        readers.one(sqlx::query("SELECT 1")).await.unwrap();
        assert_eq!(readers.usage().idle, 1);
    }

    #[tokio::test]
    async fn nothing_is_read_after_the_end() {
        let (readers, _folder) = readers(2, Duration::from_secs(60)).await;
        let lent = readers.lend().await.unwrap();
        let mut closing = Box::pin(readers.close());
        assert!(is_pending(&mut closing).await, "somebody still reads");
        readers.give_back(lent);
        closing.await;
        assert!(matches!(readers.rows(sqlx::query("SELECT 1")).await, Err(StoreError::Unavailable(_))));
    }

    /// Whether a future is not ready at once.
    async fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }
}
