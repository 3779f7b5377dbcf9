//! What was deleted for the sake of secrecy leaves the files.
//!
//! SQLite is told to overwrite what is deleted (`secure_delete`), but the pages before the deletion stay in the
//! write-ahead log until it is written over. After such a change the log is written back and cut off. That is done
//! aside, by a connection of its own, which gives up at once when somebody reads and tries again, so that nobody waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::change::Change;

/// How long the writer may be kept waiting for those who read.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long it takes until the log is cut off again, at the soonest: several changes share the work.
const AGAIN: Duration = Duration::from_millis(200);

/// After how many errors the work is left to the next request. The first ones mean that the file is locked just then.
const MOST_FAILURES: u32 = 50;

/// Cuts off the log when that is asked for.
#[derive(Debug)]
pub(super) struct Wiper {
    wanted: Arc<Notify>,
    end: Arc<Notify>,
    /// None once it was waited for.
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Wiper {
    /// Begins to wait for the first request.
    pub(super) fn start(options: &SqliteConnectOptions) -> Self {
        let (wanted, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let options = options.clone().busy_timeout(PATIENCE);
        let task = tokio::spawn(wait(options, wanted.clone(), end.clone()));
        Self { wanted, end, task: Mutex::new(Some(task)) }
    }

    /// Asks for the log to be cut off.
    pub(super) fn ask(&self) {
        self.wanted.notify_one();
    }

    /// Waits until a log that is just being cut off is cut off, and until the connection for it is closed: whoever opens the
    /// file next may want to have it alone.
    pub(super) async fn end(&self) {
        self.end.notify_one();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // One that panicked holds no connection either.
            let _ = task.await;
        }
    }
}

impl Drop for Wiper {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

async fn wait(options: SqliteConnectOptions, wanted: Arc<Notify>, end: Arc<Notify>) {
    let end = end.notified();
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = wanted.notified() => {}
            () = &mut end => return,
        }
        let mut failures = 0;
        // Somebody who reads is waited for. A disk that is full or broken is not; the next change asks again.
        while failures < MOST_FAILURES {
            let done = cut_off(&options).await;
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = &mut end => return,
            }
            match done {
                Ok(true) => break,
                Ok(false) => {}
                Err(_) => failures += 1,
            }
        }
    }
}

/// Writes the log back and cuts it off. Whether that was possible: nobody was reading.
async fn cut_off(options: &SqliteConnectOptions) -> Result<bool, sqlx::Error> {
    let mut connection = options.connect().await?;
    let outcome = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(outcome.try_get::<i64, _>(0)? == 0)
}

/// Whether a change takes away something secret that nobody may find in the files afterwards.
pub(super) fn takes_secrets_away(change: &Change) -> bool {
    match change {
        Change::DeleteIdentity(_)
        | Change::DeleteCredential { .. }
        | Change::DeleteSessionsOf(_)
        | Change::DeleteSession { .. }
        | Change::PutKeySet(..)
        | Change::DeleteKeySet(_) => true,
        // A new one replaces nothing.
        Change::PutCredential(put) => put.credential.updated_at > put.credential.created_at,
        _ => false,
    }
}
