//! Managed key sets: keys that are made, take turns and end by themselves.
//!
//! What is due follows from stored data and the clock alone (see the crate `sessera-rotation`), so all
//! nodes come to the same conclusion. A set carries a version: of several nodes that do the same at the
//! same time one wins, and the others read what it did.

mod lease;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sessera_jose::{Algorithm, Jwk, KeyError, generate};
use sessera_model::{GoDuration, Timestamp};
use sessera_rotation::{Key, ManagedSet, RevokeError, Revoked, Step, Timing, TimingError};
use sessera_store::{Change, KeySet, Managed, StoreError, StoredKey};
use sessera_tokenizer::Activation;
use tokio::sync::watch;

use crate::app::App;
use crate::error::ApiError;
use crate::live::ChangeError;
use crate::tokenizers::templates_with_set;
use sessera_config::Config;

pub use lease::{Lease, Refusal};

/// The longest and the shortest time between two looks at the keys.
const SLOWEST: Duration = Duration::from_secs(5);
const FASTEST: Duration = Duration::from_millis(200);

/// A change of a managed set is refused.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// There is no such set.
    #[error("there is no key set \"{0}\"")]
    NoSuchSet(String),
    /// The set is there already.
    #[error("the key set \"{0}\" exists already and is managed")]
    AlreadyManaged(String),
    /// The set does not rotate by itself.
    #[error("the key set \"{0}\" is not managed: its first key signs until its owner puts another one first")]
    NotManaged(String),
    /// Keys without a public half cannot be published.
    #[error("a managed set publishes its keys, and {0} has no public ones: choose ES256, for example")]
    Symmetric(Algorithm),
    /// The keys of an adopted set are of several algorithms.
    #[error("the keys of the set are not all of the algorithm {0}, so it cannot be managed")]
    Mixed(Algorithm),
    /// The times do not go together.
    #[error(transparent)]
    Timing(#[from] TimingError),
    /// The key cannot be revoked.
    #[error(transparent)]
    Revoke(#[from] RevokeError),
    /// A key cannot be made or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys cannot be put to use.
    #[error(transparent)]
    Live(#[from] ChangeError),
}

/// Looks at the keys again and again until the server stops.
pub(crate) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    loop {
        let lease = app.snapshot().config.session.rotation.lease.get();
        let pause = (lease / 4).clamp(FASTEST, SLOWEST);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = crate::http::listener::stopped(&mut stop) => return,
        }
        if let Err(error) = maintain(&app).await {
            tracing::error!("managed keys could not be looked after, it is tried again: {error}");
        }
    }
}

/// Reads all sets, does what is due, puts the result to use and confirms the lease.
pub async fn maintain(app: &App) -> Result<(), RotationError> {
    let _turn = app.live.turn().await;
    let asked = app.clock.now();
    let database = app.store.database_time().await?;
    let sets = app.store.key_sets().await?;
    let snapshot = app.snapshot().clone();
    let timing = snapshot.config.session.rotation;
    let mut outdated = versions(&sets) != snapshot.set_versions;
    for set in sets {
        let longest = longest_ttl(&snapshot.config.templates, &set.name);
        let Some(next) = advance(app, set, &timing, longest).await? else { continue };
        outdated = true;
        match app.commit(&[Change::PutKeySet(next)]).await {
            // Another node was faster and did the same.
            Ok(()) | Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if outdated {
        app.live.recompile(app).await?;
    }
    if let Some(there) = database {
        let (ahead, behind) = (there.since(asked), asked.since(there));
        app.metrics.clock_difference.set(ahead.as_secs_f64() - behind.as_secs_f64());
    }
    // The clock is compared with the moment between asking and reading the answer.
    let agrees = database.is_none_or(|there| difference(asked, there) <= timing.skew.get());
    if !agrees {
        tracing::error!(
            here = %asked, database = ?database,
            "the clock differs from the database's by more than session.whoami.tokenizer.rotation.skew; managed keys do not sign until it is set right"
        );
    }
    app.lease.confirm(asked, agrees);
    Ok(())
}

fn difference(a: Timestamp, b: Timestamp) -> Duration {
    a.since(b).max(b.since(a))
}

/// Names and versions of sets: what tells one state of them from another.
pub fn versions(sets: &[KeySet]) -> HashMap<String, i64> {
    sets.iter().map(|set| (set.name.clone(), set.version)).collect()
}

/// The longest life of a token that any template signs with a set; zero when none does.
fn longest_ttl(templates: &Map<String, Value>, set: &str) -> GoDuration {
    let ttls = templates_with_set(templates, set).map(|(_, template)| template.ttl);
    GoDuration::new(ttls.max().unwrap_or_default())
}

/// The sets that must change before a configuration may be used: the longest life of tokens is raised, and
/// prepared keys are put off when they have to be published for longer. They go into the same change as the
/// configuration.
pub fn adapted(sets: &[KeySet], config: &Config, now: Timestamp) -> Vec<KeySet> {
    let adapt = |set: &KeySet| {
        let mut set = set.clone();
        let longest = longest_ttl(&config.templates, &set.name);
        let rotation = &mut set.managed.as_mut()?.rotation;
        let raised = rotation.raise_max_ttl(longest, now);
        (rotation.put_off(now, &config.session.rotation) || raised).then_some(set)
    };
    sets.iter().filter_map(adapt).collect()
}

/// The set after everything that is due was done to it; nothing when nothing is due.
async fn advance(
    app: &App,
    mut set: KeySet,
    timing: &Timing,
    longest: GoDuration,
) -> Result<Option<KeySet>, RotationError> {
    let Some(mut managed) = set.managed.take() else { return Ok(None) };
    let mut changed = managed.rotation.raise_max_ttl(longest, app.clock.now());
    changed |= managed.rotation.put_off(app.clock.now(), timing);
    loop {
        let now = app.clock.now();
        let steps = managed.rotation.due(now, timing);
        if steps.is_empty() {
            break;
        }
        changed = true;
        for step in steps {
            match step {
                Step::Prepare { activates_at } => {
                    let jwk = make_key(&managed.algorithm).await?;
                    managed.rotation.add(jwk.kid().to_owned(), activates_at, longest, now);
                    tracing::info!(set = %set.name, kid = %jwk.kid(), %activates_at, "the next key is published");
                    set.keys.push(stored(&jwk, now));
                }
                Step::DestroyPrivate { kid } => {
                    for key in set.keys.iter_mut().filter(|key| key.kid == kid) {
                        let jwk = Jwk::parse(key.jwk.expose().as_bytes())?;
                        let public = jwk.public().ok_or(KeyError::PublicOnly(kid.clone()))?;
                        key.jwk = serde_json::to_string(&public).unwrap_or_default().into();
                    }
                    managed.rotation.destroyed(&kid, now);
                    tracing::info!(set = %set.name, %kid, "the private half of a key was destroyed");
                }
            }
        }
    }
    set.managed = Some(managed);
    Ok(changed.then_some(set))
}

async fn make_key(algorithm: &str) -> Result<Jwk, RotationError> {
    let algorithm: Algorithm = algorithm.parse()?;
    // Making a long RSA key takes seconds of computing.
    let made =
        tokio::task::spawn_blocking(move || generate::key(algorithm, None, generate::DEFAULT_RSA_BITS));
    Ok(made.await.map_err(|_| KeyError::Generation)??)
}

fn stored(jwk: &Jwk, now: Timestamp) -> StoredKey {
    StoredKey { kid: jwk.kid().to_owned(), jwk: jwk.to_private_json().to_string().into(), created_at: now }
}

/// Makes a managed set with a key that signs at once and one that is prepared.
pub async fn create(
    app: &App,
    name: &str,
    algorithm: Algorithm,
    period: GoDuration,
) -> Result<KeySet, RotationError> {
    if algorithm.is_symmetric() {
        return Err(RotationError::Symmetric(algorithm));
    }
    let timing = app.snapshot().config.session.rotation;
    let rotation = ManagedSet::new(period, &timing, app.clock.now())?;
    let managed = Managed { algorithm: algorithm.as_str().to_owned(), rotation };
    let set = KeySet { managed: Some(managed), ..KeySet::new(name.to_owned(), Vec::new()) };
    put(app, set, &timing).await
}

/// Makes a set of its owner a managed one. Its first key goes on signing.
pub async fn adopt(app: &App, set: KeySet, period: GoDuration) -> Result<KeySet, RotationError> {
    if set.managed.is_some() {
        return Err(RotationError::AlreadyManaged(set.name));
    }
    let keys: Vec<Jwk> =
        set.keys.iter().map(|key| Jwk::parse(key.jwk.expose().as_bytes())).collect::<Result<_, _>>()?;
    let algorithm = keys.first().ok_or(KeyError::EmptySet)?.algorithm()?;
    if algorithm.is_symmetric() {
        return Err(RotationError::Symmetric(algorithm));
    }
    if keys.iter().any(|key| key.algorithm() != Ok(algorithm)) {
        return Err(RotationError::Mixed(algorithm));
    }
    let timing = app.snapshot().config.session.rotation;
    let longest = longest_ttl(&app.snapshot().config.templates, &set.name);
    let kids: Vec<String> = set.keys.iter().map(|key| key.kid.clone()).collect();
    let rotation = ManagedSet::adopt(&kids, period, longest, &timing, app.clock.now())?;
    let managed = Managed { algorithm: algorithm.as_str().to_owned(), rotation };
    put(app, KeySet { managed: Some(managed), ..set }, &timing).await
}

/// Lets the next key sign as soon as all verifiers can know it. Returns its id and that time.
pub async fn rotate(app: &App, set: KeySet) -> Result<(KeySet, String, Timestamp), RotationError> {
    let timing = app.snapshot().config.session.rotation;
    let longest = longest_ttl(&app.snapshot().config.templates, &set.name);
    let mut set = advance(app, set.clone(), &timing, longest).await?.unwrap_or(set);
    let name = set.name.clone();
    let now = app.clock.now();
    let rotation = &mut set.managed.as_mut().ok_or(RotationError::NotManaged(name))?.rotation;
    // What is due was done, so there is a next key.
    let at = rotation.rotate(now, &timing).unwrap_or(now);
    let next = rotation.active(at).map(|key| key.kid.clone()).unwrap_or_default();
    let set = put(app, set, &timing).await?;
    Ok((set, next, at))
}

/// Takes a compromised key out at once.
pub async fn revoke(app: &App, mut set: KeySet, kid: &str) -> Result<(KeySet, Revoked), RotationError> {
    let timing = app.snapshot().config.session.rotation;
    let longest = longest_ttl(&app.snapshot().config.templates, &set.name);
    let name = set.name.clone();
    let managed = set.managed.as_mut().ok_or(RotationError::NotManaged(name))?;
    let mut revoked = managed.rotation.revoke(kid, app.clock.now(), &timing)?;
    if revoked.signer.is_none() {
        let jwk = make_key(&managed.algorithm).await?;
        let now = app.clock.now();
        managed.rotation.add(jwk.kid().to_owned(), now, longest, now);
        revoked.signer = Some(jwk.kid().to_owned());
        set.keys.push(stored(&jwk, now));
    }
    let set = put(app, set, &timing).await?;
    Ok((set, revoked))
}

/// Does what is due, stores the set and puts it to use.
async fn put(app: &App, set: KeySet, timing: &Timing) -> Result<KeySet, RotationError> {
    let longest = longest_ttl(&app.snapshot().config.templates, &set.name);
    let set = advance(app, set.clone(), timing, longest).await?.unwrap_or(set);
    app.commit(&[Change::PutKeySet(set.clone())]).await?;
    app.live.recompile(app).await?;
    Ok(set)
}

/// From which second on each key of a set signs. Keys that are out of service are left out.
pub fn activations(rotation: &ManagedSet) -> Vec<Activation> {
    let active = rotation.active(rotation.floor).map(|key| key.kid.as_str());
    let may_sign = |key: &&Key| {
        key.revoked_at.is_none()
            && key.has_private
            && (key.activates_at > rotation.floor || active == Some(key.kid.as_str()))
    };
    // A key never signs before its time, so parts of a second count up.
    let second = |at: Timestamp| at.seconds() + i64::from(at.micros() % 1_000_000 != 0);
    rotation.keys.iter().filter(may_sign).map(|key| (key.kid.clone(), second(key.activates_at))).collect()
}

/// Refuses to sign with managed keys when this node does not know for sure which ones are good.
pub fn require_lease(app: &App, now: Timestamp) -> Result<(), ApiError> {
    let lease = app.snapshot().config.session.rotation.lease.get();
    app.lease.check(now, lease).map_err(|refusal| {
        ApiError::unavailable(match refusal {
            Refusal::Unconfirmed => {
                "This node could not confirm which keys are good, so it does not sign. Try again, or ask another node."
            }
            Refusal::Clock => {
                "The clock of this node differs too much from the database's, so it does not sign. Try again, or ask another node."
            }
        })
    })
}
