//! Whoever has to hear of changes hears of them, whatever becomes of the caller.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use sessera_model::{Secret, SystemRandom};
use sessera_store::sqlite::{SqliteOptions, SqliteStore};
use sessera_store::{Change, Cipher, CommitListener, Committer, KeySet, Outcome, Store, StoreError};
use tempfile::TempDir;
use tokio::sync::Notify;

/// What listeners were told: their name, how many changes, the outcome.
type Told = Arc<Mutex<Vec<(&'static str, usize, Outcome)>>>;

struct Listener {
    name: &'static str,
    told: Told,
    heard: Arc<Notify>,
}

impl CommitListener for Listener {
    fn name(&self) -> &'static str {
        self.name
    }

    fn told(&self, changes: &[Change], outcome: Outcome) {
        self.told.lock().unwrap().push((self.name, changes.len(), outcome));
        self.heard.notify_one();
    }
}

struct Setting {
    store: Arc<dyn Store>,
    committer: Committer,
    told: Told,
    heard: Arc<Notify>,
    /// Deleted when the test ends.
    _folder: TempDir,
}

async fn setting() -> Setting {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        path: folder.path().join("db.sqlite"),
        cipher: Arc::new(Cipher::new(&[Secret::new("a secret of thirty-two characters")]).unwrap()),
        random: Arc::new(SystemRandom::default()),
    };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).await.unwrap());
    let (told, heard) = (Told::default(), Arc::new(Notify::new()));
    let listener = |name| -> Arc<dyn CommitListener> {
        Arc::new(Listener { name, told: told.clone(), heard: heard.clone() })
    };
    let committer = Committer::new(store.clone(), vec![listener("first"), listener("second")]);
    Setting { store, committer, told, heard, _folder: folder }
}

fn key_set(name: &str) -> Change {
    Change::PutKeySet(KeySet::new(name.into(), Vec::new()), vec![])
}

#[tokio::test]
async fn listeners_are_told_in_their_order() {
    let Setting { store, committer, told, .. } = setting().await;
    committer.commit(&[key_set("a"), key_set("b")]).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [("first", 2, Outcome::Committed), ("second", 2, Outcome::Committed)]);
    assert_eq!(store.key_sets().await.unwrap().len(), 2);
    assert_eq!(format!("{committer:?}"), "Committer { listeners: [\"first\", \"second\"], .. }");
}

#[tokio::test]
async fn listeners_are_told_of_what_failed_too() {
    let Setting { store, committer, told, .. } = setting().await;
    let refused = committer.commit(&[key_set("a"), Change::DeleteKeySet("none".into())]).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(*told.lock().unwrap(), [("first", 2, Outcome::Uncertain), ("second", 2, Outcome::Uncertain)]);
    assert!(store.key_sets().await.unwrap().is_empty(), "all or nothing");
}

#[tokio::test]
async fn a_caller_that_gives_up_changes_nothing_about_it() {
    let Setting { store, committer, told, heard, .. } = setting().await;
    {
        let changes = [key_set("a")];
        let mut given_up = pin!(committer.commit(&changes));
        let first = std::future::poll_fn(|context| Poll::Ready(given_up.as_mut().poll(context))).await;
        assert!(first.is_pending(), "the commit has not ended at once");
    }
    while told.lock().unwrap().len() < 2 {
        heard.notified().await;
    }
    assert_eq!(told.lock().unwrap()[0], ("first", 1, Outcome::Committed));
    assert_eq!(store.key_sets().await.unwrap().len(), 1);
}
