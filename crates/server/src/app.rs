//! What every handler shares: the store, time, randomness and the current configuration.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use sessera_model::{Clock, Random, Uuid};
use sessera_store::{Change, Store, StoreError};

use crate::config::Config;
use crate::flows::self_service::SelfService;
use crate::password::PasswordHashing;
use crate::schema::IdentitySchemas;
use crate::sessions::Sessions;
use crate::tokenizers::Tokenizers;

/// The state of the running server, shared by all requests.
pub struct App {
    /// Durable storage.
    pub store: Arc<dyn Store>,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and tokens come from.
    pub random: Arc<dyn Random>,
    /// Live sessions by token.
    pub sessions: Sessions,
    /// The bounded pool in which passwords are hashed.
    pub passwords: PasswordHashing,
    /// The id of this deployment, which is the id of its one project.
    pub deployment_id: Uuid,
    snapshot: ArcSwap<Snapshot>,
}

/// Everything that follows from the configuration, compiled. It never changes; a new configuration
/// makes a new snapshot.
pub struct Snapshot {
    /// The configuration itself.
    pub config: Config,
    /// The identity schemas, compiled.
    pub schemas: IdentitySchemas,
    /// The tokenizer templates, compiled.
    pub tokenizers: Tokenizers,
    /// The rules of the self-service flows, compiled.
    pub self_service: SelfService,
    /// Where schemas can be read: the public base URL and `schemas/`.
    pub schemas_url: String,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        passwords: PasswordHashing,
        deployment_id: Uuid,
        snapshot: Snapshot,
    ) -> Self {
        Self {
            store,
            clock,
            random,
            sessions: Sessions,
            passwords,
            deployment_id,
            snapshot: ArcSwap::from_pointee(snapshot),
        }
    }

    /// The current snapshot. A request loads it once and keeps to it.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Makes a new snapshot the current one.
    pub fn swap(&self, snapshot: Snapshot) {
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Applies changes to the store, all or nothing. Every change that the server makes goes through
    /// here, so that whatever is kept in memory can be dropped in one place.
    pub async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.store.commit(changes).await
    }
}
