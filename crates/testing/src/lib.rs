//! What the tests of several crates need. No program depends on it.

mod answer;
pub mod growth;
mod recording;
mod waiting;

use std::sync::Arc;

use sessera_model::{FixedClock, Random, SystemRandom, Timestamp};
use sessera_store::sqlite::{SqliteOptions, SqliteStore};
use sessera_store::{Cipher, Store, StoreError};
use tempfile::TempDir;

pub use answer::Answer;
pub use recording::Recording;
pub use waiting::{at_once, until};

/// A password that every policy takes.
pub const PASSWORD: &str = "Zx-long-enough-1234";

/// The secret under which [`TestStore`] encrypts.
pub const CIPHER_SECRET: &str = "32-characters-for-cipher-tests-1";

/// A store in a temporary folder, with a clock that stands still.
pub struct TestStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock, which a test sets.
    pub clock: Arc<FixedClock>,
    /// Where ids come from.
    pub random: Arc<dyn Random>,
    /// The folder, which is deleted when this is dropped.
    pub folder: TempDir,
}

impl TestStore {
    /// Makes an empty one.
    pub async fn open() -> Result<Self, StoreError> {
        let folder = tempfile::tempdir().map_err(|error| StoreError::NotWritable(error.to_string()))?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
        let options = SqliteOptions {
            path: folder.path().join("test.sqlite"),
            cipher: Arc::new(Cipher::new(&[CIPHER_SECRET.into()])?),
            random: random.clone(),
        };
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
        Ok(Self { store: Arc::new(SqliteStore::open(options).await?), clock, random, folder })
    }
}
