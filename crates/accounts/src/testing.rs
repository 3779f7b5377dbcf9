//! Accounts for tests, on a database in a temporary folder, with a clock that stands still.

use std::sync::Arc;

use serde_json::{Value, json};
use sessera_config::Config;
use sessera_model::{FixedClock, Random, SystemRandom, Timestamp};
use sessera_store::sqlite::{SqliteOptions, SqliteStore};
use sessera_store::{Cipher, Committer, Store};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::accounts::Accounts;
use crate::courier::WakeCourier;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::password::PasswordHashing;
use crate::snapshot::Snapshot;

/// Accounts for tests.
pub(crate) struct TestAccounts {
    pub(crate) parts: Arc<Accounts>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) clock: Arc<FixedClock>,
    /// Deleted when the test ends.
    _folder: TempDir,
}

impl TestAccounts {
    /// Accounts with a configuration: an object whose members replace those of the default one.
    pub(crate) async fn configured(configuration: Value) -> Self {
        let mut tree = json!({
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
            "secrets": {"cookie": ["a cookie secret for tests"], "cipher": ["32-characters-for-cipher-tests-1"]},
        });
        for (name, value) in configuration.as_object().unwrap() {
            tree[name] = value.clone();
        }
        let snapshot = Snapshot::compile(&Config::from_tree(&tree).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
        let options = SqliteOptions {
            path: folder.path().join("test.sqlite"),
            cipher: Arc::new(Cipher::new(&["32-characters-for-cipher-tests-1".into()]).unwrap()),
            random: random.clone(),
        };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options).await.unwrap());
        let message_waits = Arc::new(Notify::new());
        let wake = Arc::new(WakeCourier(message_waits.clone()));
        let parts = Accounts {
            committer: Committer::new(store.clone(), vec![wake]),
            store,
            clock: clock.clone(),
            passwords: PasswordHashing::with_workers(random.clone(), 2),
            random,
            limits: Limits::default(),
            metrics: Metrics::new().unwrap(),
            message_waits,
        };
        Self { parts: Arc::new(parts), snapshot: Arc::new(snapshot), clock, _folder: folder }
    }
}
