//! A deployment for tests: a database in a temporary folder, a clock that stands still, Ada and her session.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sessera_issuer::sessions::{OwnStore, Presented};
use sessera_issuer::tokens::TokenSteps;
use sessera_issuer::{
    Assurance, Compiled, Introspection, IssuerMetrics, KeptBy, KeySets, Lease, ManagedKeys, SessionCache,
    Sessions, Settings, StatusLists, Templates, TokenIssuer,
};
use sessera_jose::verify::{Verified, verify};
use sessera_jose::{Algorithm, JwkSet, generate};
use sessera_model::{Clock, FixedClock, GoDuration, Identity, Random, Session, Timestamp, TokenHash};
use sessera_rotation::Timing;
use sessera_store::{Change, Committer, KeySet, NewSession, SessionKind, Store, StoredKey};
use sessera_testing::TestStore;
use tempfile::TempDir;

/// Opens Ada's session.
pub(crate) const TOKEN: &str = "the session token of Ada";

/// The public base URL.
pub(crate) const BASE_URL: &str = "https://id.example.org/";

/// The parts of an issuer on its own store.
pub(crate) struct Deployment {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) committer: Committer,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) tokens: TokenIssuer,
    pub(crate) key_sets: KeySets,
    pub(crate) managed_keys: ManagedKeys,
    pub(crate) status_lists: StatusLists,
    pub(crate) introspection: Introspection,
    pub(crate) metrics: IssuerMetrics,
    pub(crate) ada: Identity,
    /// Ada's session.
    pub(crate) session: Session,
    /// Deleted when the test ends.
    _folder: TempDir,
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        let TestStore { store, clock, random, folder } = TestStore::open().await.unwrap();
        let cache = Arc::new(SessionCache::new(1 << 20));
        let committer = Committer::new(store.clone(), vec![cache.clone()]);
        let metrics = IssuerMetrics::new().unwrap();
        let lease = Arc::new(Lease::default());
        let source = Arc::new(OwnStore::new(store.clone()));
        let sessions = Arc::new(Sessions::new(cache.clone(), source, clock.clone(), metrics.clone()));
        let ada = person(&*random, clock.now());
        committer.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
        let session = session_of(&ada, &*random, clock.now());
        committer.commit(&[insert(&session, TOKEN)]).await.unwrap();
        Self {
            sessions: sessions.clone(),
            tokens: TokenIssuer::new(clock.clone(), random.clone(), lease.clone(), metrics.clone())
                .keeping_forms(cache),
            key_sets: KeySets::new(store.clone(), committer.clone(), clock.clone()),
            managed_keys: ManagedKeys::new(
                store.clone(),
                committer.clone(),
                clock.clone(),
                lease.clone(),
                metrics.clock_difference.clone(),
            ),
            status_lists: StatusLists::new(store.clone(), clock.clone(), lease.clone()),
            introspection: Introspection::new(store.clone(), sessions, clock.clone(), lease.clone()),
            metrics,
            ada,
            store,
            committer,
            clock,
            random,
            lease,
            session,
            _folder: folder,
        }
    }

    /// Compiles templates with the key sets as they are stored now.
    pub(crate) async fn compiled(&self, templates: Value) -> Compiled {
        let Value::Object(templates) = templates else { panic!("templates are an object") };
        self.recompiled(settings(templates)).await
    }

    /// Signs somebody in, whose session `token` then opens.
    pub(crate) async fn sign_in(&self, identity: &Identity, token: &str) -> Session {
        let session = session_of(identity, &*self.random, self.clock.now());
        self.committer.commit(&[insert(&session, token)]).await.unwrap();
        session
    }

    /// Adds somebody else.
    pub(crate) async fn person(&self, metadata_public: Value) -> Identity {
        let person =
            Identity { metadata_public: Some(metadata_public), ..person(&*self.random, self.clock.now()) };
        self.committer.commit(&[Change::InsertIdentity(person.clone())]).await.unwrap();
        person
    }

    /// Gives a key set a new key and no other.
    pub(crate) async fn put_key(&self, set: &str, algorithm: Algorithm) {
        let jwk = generate::key(algorithm, None, 0).unwrap();
        let key = StoredKey {
            kid: jwk.kid().to_owned(),
            jwk: jwk.to_private_json().to_string().into(),
            created_at: self.clock.now(),
        };
        let known = self.store.key_set(set).await.unwrap();
        let known = known.unwrap_or_else(|| KeySet::new(set.to_owned(), Vec::new()));
        self.committer
            .commit(&[Change::PutKeySet(KeySet { keys: vec![key], ..known }, vec![])])
            .await
            .unwrap();
    }

    /// The token of a session by a template.
    pub(crate) async fn token(&self, compiled: &Compiled, template: &str, session_token: &str) -> String {
        let live = self.sessions.live(compiled, Presented::Token(session_token)).await.unwrap();
        self.tokens.token(compiled, template, &live, &mut TokenSteps::default()).await.unwrap()
    }

    /// A token, checked with the published keys of a template.
    pub(crate) fn checked(&self, compiled: &Compiled, template: &str, token: &str) -> Verified {
        let published = compiled.published.set(Some(template), self.clock.now()).unwrap();
        verify(token, &JwkSet::parse(published.json.as_bytes()).unwrap().public()).unwrap()
    }

    /// Does what is due to managed keys as a node does it, and returns what it signs with then.
    pub(crate) async fn maintain(&self, compiled: Compiled) -> Compiled {
        let look = self.managed_keys.look(&compiled).await.unwrap();
        let compiled = if look.outdated { self.recompiled(compiled.settings).await } else { compiled };
        self.managed_keys.confirm(look);
        compiled
    }

    /// Compiles settings with the key sets as they are stored now.
    pub(crate) async fn recompiled(&self, settings: Settings) -> Compiled {
        let sets = self.store.key_sets().await.unwrap();
        Compiled::compile(settings, &sets, &Templates::default()).unwrap()
    }
}

fn settings(templates: Map<String, Value>) -> Settings {
    let seconds = |count| GoDuration::new(Duration::from_secs(count));
    Settings {
        issuer: BASE_URL.into(),
        templates,
        timing: Timing { lease: seconds(60), skew: seconds(5), max_age: seconds(300) },
        status_list_max_age: Duration::from_secs(60),
        max_stale: Duration::ZERO,
        second_factors: Vec::new(),
        assurance: Assurance::One,
        kept_by: KeptBy::Store,
    }
}

fn person(random: &dyn Random, now: Timestamp) -> Identity {
    Identity::new(random.uuid(), "default", serde_json::json!({"email": "ada@example.org"}), now)
}

fn session_of(identity: &Identity, random: &dyn Random, now: Timestamp) -> Session {
    Session::new(random.uuid(), identity.id, now, now + Duration::from_secs(24 * 3600))
}

fn insert(session: &Session, token: &str) -> Change {
    let (session, token) = (session.clone(), TokenHash::of(token));
    Change::InsertSession(NewSession { session, kind: SessionKind::Native, token })
}
