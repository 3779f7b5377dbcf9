//! A node for tests: its configuration on a database in a temporary folder, with a clock that stands still.

use std::sync::Arc;

use serde_json::{Value, json};
use sessera_issuer::key_sets::NewKey;
use sessera_issuer::{KeySets, SessionCache};
use sessera_model::{FixedClock, Identity, Random, Role, Timestamp};
use sessera_store::{Committer, Store};
use sessera_testing::{CIPHER_SECRET, TestStore};
use tempfile::TempDir;

use crate::configuration::{
    Addresses, ChangeError, Changed, ConfigOrigin, Configuration, DeploymentId, Given, Hopeless,
    Surroundings, Terms,
};
use crate::snapshot::Snapshots;

/// A node without listeners.
pub(crate) struct TestNode {
    pub(crate) configuration: Configuration,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) committer: Committer,
    key_sets: KeySets,
    /// Deleted when the test ends.
    _folder: TempDir,
}

impl TestNode {
    /// A node with a configuration: an object whose members replace those of the default one.
    pub(crate) async fn configured(configuration: Value) -> Self {
        let mut base = json!({
            "secrets": {"cookie": ["a cookie secret for tests"], "cipher": [CIPHER_SECRET]},
        });
        for (name, value) in configuration.as_object().unwrap() {
            base[name] = value.clone();
        }
        let TestStore { store, clock, random, folder } = TestStore::open().await.unwrap();
        let given = Given {
            origin: ConfigOrigin::default(),
            addresses: Addresses::new(),
            started: base.clone(),
            base,
            generated: vec![],
            revision: None,
        };
        let snapshots = Snapshots::new(given.compile(&[]).unwrap());
        let committer = Committer::new(store.clone(), vec![]);
        let surroundings = Surroundings {
            store: store.clone(),
            committer: committer.clone(),
            clock: clock.clone(),
            random,
            deployment_id: DeploymentId(store.deployment_id().await.unwrap()),
            snapshots,
            cache: Arc::new(SessionCache::new(1 << 20)),
        };
        Self {
            configuration: Configuration::new(given, surroundings),
            key_sets: KeySets::new(store.clone(), committer.clone(), clock.clone()),
            store,
            clock,
            committer,
            _folder: folder,
        }
    }

    /// Adds a key to a set, and returns its id.
    pub(crate) async fn add_key(&self, set: &str, algorithm: &str, kid: &str) -> String {
        let algorithm = algorithm.parse().unwrap();
        let new = NewKey { algorithm, kid: kid.to_owned(), key_use: "sig", bits: None };
        let jwk = new.generate().await.unwrap();
        let turn = self.configuration.turn().await;
        self.key_sets.add(&turn.snapshot().issuer, set, &jwk).await.unwrap();
        turn.recompile().await.unwrap();
        jwk.kid().to_owned()
    }

    /// Patches the newest revision.
    pub(crate) async fn patch(&self, operations: Value) -> Result<Changed, ChangeError> {
        self.patch_as(Role::Owner, operations).await
    }

    /// Patches the newest revision as somebody with a role.
    pub(crate) async fn patch_as(&self, role: Role, operations: Value) -> Result<Changed, ChangeError> {
        let terms = Terms { hopeless: Hopeless::Refused, role };
        self.configuration.patch(&operations, None, terms).await
    }

    /// How many revisions are stored.
    pub(crate) async fn revisions(&self) -> usize {
        let page = sessera_store::Page { after: None, limit: 100 };
        self.store.revisions(&page).await.unwrap().len()
    }
}

/// Somebody.
pub(crate) fn person(random: &dyn Random, now: Timestamp) -> Identity {
    Identity::new(random.uuid(), "default", json!({"email": "ada@example.org"}), now)
}
