//! Managed key sets: keys that are made, take turns and end by themselves.
//!
//! What is due follows from stored data and the clock alone (see the crate `sessera-rotation`), so all
//! nodes come to the same conclusion. A set carries a version: of several nodes that do the same at the
//! same time one wins, and the others read what it did.

mod lease;

use std::sync::Arc;
use std::time::Duration;

use prometheus::Gauge;
use serde_json::{Map, Value};
use sessera_jose::{Algorithm, Jwk, KeyError, generate};
use sessera_model::{Clock, GoDuration, Timestamp};
use sessera_rotation::{RevokeError, Revoked, Schedule, Step, Timing, TimingError};
use sessera_store::{Change, Committer, KeySet, KeyWork, KeysDone, Managed, Store, StoreError};

use crate::compiled::{Compiled, versions};
use crate::key_sets::stored;
use crate::settings::Settings;
use crate::templates::templates_with_set;

pub use lease::{Lease, Refusal};

/// The longest and the shortest time between two looks at the keys.
const SLOWEST: Duration = Duration::from_secs(5);
const FASTEST: Duration = Duration::from_millis(200);

/// A change of a managed set is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManagedKeysError {
    /// A new set has keys of an algorithm, which must be said.
    #[error("a new set needs an algorithm")]
    NoAlgorithm,
    /// There is a set of this name, which is its owner's: adopt it, or choose another name.
    #[error("there is a key set \"{name}\" already")]
    Exists {
        /// The set's name.
        name: String,
        /// How long each of its keys was to sign.
        period: GoDuration,
    },
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
}

/// Makes, rotates and ends the keys of managed sets.
///
/// What a change of a set leads to is stored here and put to use by the caller, who compiles the templates
/// again. Whoever calls a method that changes a set keeps all other changes of templates and key sets waiting
/// meanwhile, so that none comes between a check and the change that it allows.
#[derive(Clone)]
pub struct ManagedKeys {
    store: Arc<dyn Store>,
    committer: Committer,
    clock: Arc<dyn Clock>,
    lease: Arc<Lease>,
    /// By how much the database's clock is ahead of this machine's, in seconds.
    clock_difference: Gauge,
}

/// What was seen by looking at the keys.
#[derive(Clone, Copy, Debug)]
#[must_use = "the node may not sign on until it was confirmed"]
pub struct Look {
    /// Whether the key sets are others than those that were compiled: they have to be compiled again before
    /// this look is confirmed.
    pub outdated: bool,
    /// When it began.
    began: Timestamp,
    /// Whether the clock agreed with the database's.
    clock_agrees: bool,
}

impl ManagedKeys {
    /// Managed sets in `store`. Looking at them renews the `lease`.
    pub fn new(
        store: Arc<dyn Store>,
        committer: Committer,
        clock: Arc<dyn Clock>,
        lease: Arc<Lease>,
        clock_difference: Gauge,
    ) -> Self {
        Self { store, committer, clock, lease, clock_difference }
    }

    /// How long to wait between two looks at the keys.
    pub fn pause(timing: &Timing) -> Duration {
        (timing.lease.get() / 4).clamp(FASTEST, SLOWEST)
    }

    /// Reads all sets and does what is due. The caller compiles the sets again when they are others now, and
    /// then gives the result to [`Self::confirm`].
    pub async fn look(&self, compiled: &Compiled) -> Result<Look, ManagedKeysError> {
        let began = self.clock.now();
        let database = self.store.database_time().await?;
        let sets = self.store.key_sets().await?;
        let timing = &compiled.settings.timing;
        let mut outdated = versions(&sets) != compiled.set_versions;
        for set in sets {
            let longest = longest_ttl(&compiled.settings.templates, &set.name);
            let mut done = Vec::new();
            let Some(next) = self.advance(set, timing, longest, &mut done).await? else { continue };
            outdated = true;
            match self.committer.commit(&[Change::PutKeySet(next, done)]).await {
                // Another node was faster and did the same.
                Ok(()) | Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(there) = database {
            let (ahead, behind) = (there.since(began), began.since(there));
            self.clock_difference.set(ahead.as_secs_f64() - behind.as_secs_f64());
        }
        // The clock is compared with the moment between asking and reading the answer.
        let clock_agrees = database.is_none_or(|there| difference(began, there) <= timing.skew.get());
        if !clock_agrees {
            tracing::error!(
                here = %began, database = ?database,
                "the clock differs from the database's by more than session.whoami.tokenizer.rotation.skew; managed keys do not sign until it is set right"
            );
        }
        Ok(Look { outdated, began, clock_agrees })
    }

    /// Renews the lease by a look whose sets are in use now.
    pub fn confirm(&self, look: Look) {
        self.lease.confirm(look.began, look.clock_agrees);
    }

    /// Makes a managed set with a key that signs at once and one that is prepared.
    pub async fn create(
        &self,
        compiled: &Compiled,
        name: &str,
        algorithm: Option<Algorithm>,
        period: GoDuration,
    ) -> Result<KeySet, ManagedKeysError> {
        if let Some(known) = self.store.key_set(name).await? {
            return Err(match known.managed {
                Some(_) => ManagedKeysError::AlreadyManaged(known.name),
                None => ManagedKeysError::Exists { name: known.name, period },
            });
        }
        let algorithm = algorithm.ok_or(ManagedKeysError::NoAlgorithm)?;
        if algorithm.is_symmetric() {
            return Err(ManagedKeysError::Symmetric(algorithm));
        }
        let schedule = Schedule::new(period, &compiled.settings.timing, self.clock.now())?;
        let managed = Managed { algorithm: algorithm.as_str().to_owned(), schedule };
        let set = KeySet { managed: Some(managed), ..KeySet::new(name.to_owned(), Vec::new()) };
        self.put(compiled, set, Vec::new()).await
    }

    /// Makes a set of its owner a managed one. Its first key goes on signing.
    pub async fn adopt(
        &self,
        compiled: &Compiled,
        set: KeySet,
        period: GoDuration,
    ) -> Result<KeySet, ManagedKeysError> {
        if set.managed.is_some() {
            return Err(ManagedKeysError::AlreadyManaged(set.name));
        }
        let keys: Vec<Jwk> =
            set.keys.iter().map(|key| Jwk::parse(key.jwk.expose().as_bytes())).collect::<Result<_, _>>()?;
        let algorithm = keys.first().ok_or(KeyError::EmptySet)?.algorithm()?;
        if algorithm.is_symmetric() {
            return Err(ManagedKeysError::Symmetric(algorithm));
        }
        if keys.iter().any(|key| key.algorithm() != Ok(algorithm)) {
            return Err(ManagedKeysError::Mixed(algorithm));
        }
        let settings = &compiled.settings;
        let longest = longest_ttl(&settings.templates, &set.name);
        let kids: Vec<String> = set.keys.iter().map(|key| key.kid.clone()).collect();
        let schedule = Schedule::adopt(&kids, period, longest, &settings.timing, self.clock.now())?;
        let managed = Managed { algorithm: algorithm.as_str().to_owned(), schedule };
        let signs_on = kids.first().map(|kid| KeyWork::Adopted.to(kid.as_str()));
        let done = signs_on.into_iter().collect();
        self.put(compiled, KeySet { managed: Some(managed), ..set }, done).await
    }

    /// Lets the next key sign as soon as all verifiers can know it. Returns its id and that time.
    pub async fn rotate(
        &self,
        compiled: &Compiled,
        set: KeySet,
    ) -> Result<(KeySet, String, Timestamp), ManagedKeysError> {
        let timing = &compiled.settings.timing;
        let longest = longest_ttl(&compiled.settings.templates, &set.name);
        let mut done = Vec::new();
        let mut set = self.advance(set.clone(), timing, longest, &mut done).await?.unwrap_or(set);
        let name = set.name.clone();
        let now = self.clock.now();
        let schedule = &mut set.managed.as_mut().ok_or(ManagedKeysError::NotManaged(name))?.schedule;
        // What is due was done, so there is a next key.
        let at = schedule.rotate(now, timing).unwrap_or(now);
        let next = schedule.active(at).map(|key| key.kid.clone()).unwrap_or_default();
        done.push(KeyWork::Rotated.to(next.as_str()));
        let set = self.put(compiled, set, done).await?;
        Ok((set, next, at))
    }

    /// Takes a compromised key out at once.
    pub async fn revoke(
        &self,
        compiled: &Compiled,
        mut set: KeySet,
        kid: &str,
    ) -> Result<(KeySet, Revoked), ManagedKeysError> {
        let settings = &compiled.settings;
        let longest = longest_ttl(&settings.templates, &set.name);
        let name = set.name.clone();
        let managed = set.managed.as_mut().ok_or(ManagedKeysError::NotManaged(name))?;
        let mut revoked = managed.schedule.revoke(kid, self.clock.now(), &settings.timing)?;
        let mut done = vec![KeyWork::Revoked.to(kid)];
        if revoked.signer.is_none() {
            let jwk = make_key(&managed.algorithm).await?;
            let now = self.clock.now();
            managed.schedule.add(jwk.kid().to_owned(), now, longest, now);
            revoked.signer = Some(jwk.kid().to_owned());
            done.push(KeyWork::Created.to(jwk.kid()));
            set.keys.push(stored(&jwk, now));
        }
        let set = self.put(compiled, set, done).await?;
        Ok((set, revoked))
    }

    /// Does what is due and stores the set, to which something was done.
    async fn put(
        &self,
        compiled: &Compiled,
        set: KeySet,
        mut done: Vec<KeysDone>,
    ) -> Result<KeySet, ManagedKeysError> {
        let longest = longest_ttl(&compiled.settings.templates, &set.name);
        let advanced = self.advance(set.clone(), &compiled.settings.timing, longest, &mut done).await?;
        let set = advanced.unwrap_or(set);
        self.committer.commit(&[Change::PutKeySet(set.clone(), done)]).await?;
        Ok(set)
    }

    /// The set after everything that is due was done to it, and what that was; nothing when nothing is due.
    async fn advance(
        &self,
        mut set: KeySet,
        timing: &Timing,
        longest: GoDuration,
        done: &mut Vec<KeysDone>,
    ) -> Result<Option<KeySet>, ManagedKeysError> {
        let Some(mut managed) = set.managed.take() else { return Ok(None) };
        let mut changed = managed.schedule.raise_max_ttl(longest, self.clock.now());
        changed |= managed.schedule.put_off(self.clock.now(), timing);
        // A new set has had no other times, and what was done to one says more.
        if changed && set.version > 0 && done.is_empty() {
            done.push(KeyWork::Adapted.to_set());
        }
        loop {
            let now = self.clock.now();
            let steps = managed.schedule.due(now, timing);
            if steps.is_empty() {
                break;
            }
            changed = true;
            for step in steps {
                match step {
                    Step::Prepare { activates_at } => {
                        let jwk = make_key(&managed.algorithm).await?;
                        managed.schedule.add(jwk.kid().to_owned(), activates_at, longest, now);
                        tracing::debug!(set = %set.name, kid = %jwk.kid(), %activates_at, "the next key is published");
                        let is_first = set.keys.is_empty();
                        let work = if is_first { KeyWork::Created } else { KeyWork::Prepared };
                        done.push(work.to(jwk.kid()));
                        set.keys.push(stored(&jwk, now));
                    }
                    Step::DestroyPrivate { kid } => {
                        for key in set.keys.iter_mut().filter(|key| key.kid == kid) {
                            let jwk = Jwk::parse(key.jwk.expose().as_bytes())?;
                            let public = jwk.public().ok_or(KeyError::PublicOnly(kid.clone()))?;
                            key.jwk = serde_json::to_string(&public).unwrap_or_default().into();
                        }
                        managed.schedule.destroyed(&kid, now);
                        done.push(KeyWork::Destroyed.to(kid.as_str()));
                        tracing::debug!(set = %set.name, %kid, "the private half of a key was destroyed");
                    }
                }
            }
        }
        set.managed = Some(managed);
        Ok(changed.then_some(set))
    }
}

fn difference(a: Timestamp, b: Timestamp) -> Duration {
    a.since(b).max(b.since(a))
}

/// The longest life of a token that any template signs with a set; zero when none does.
fn longest_ttl(templates: &Map<String, Value>, set: &str) -> GoDuration {
    let ttls = templates_with_set(templates, set).map(|(_, template)| template.ttl);
    GoDuration::new(ttls.max().unwrap_or_default())
}

/// The sets that must change before a configuration may be used: the longest life of tokens is raised, and
/// prepared keys are put off when they have to be published for longer. They go into the same change as the
/// configuration.
pub fn adapted(sets: &[KeySet], settings: &Settings, now: Timestamp) -> Vec<KeySet> {
    let adapt = |set: &KeySet| {
        let mut set = set.clone();
        let longest = longest_ttl(&settings.templates, &set.name);
        let schedule = &mut set.managed.as_mut()?.schedule;
        let raised = schedule.raise_max_ttl(longest, now);
        (schedule.put_off(now, &settings.timing) || raised).then_some(set)
    };
    sets.iter().filter_map(adapt).collect()
}

async fn make_key(algorithm: &str) -> Result<Jwk, ManagedKeysError> {
    let algorithm: Algorithm = algorithm.parse()?;
    // Making a long RSA key takes seconds of computing.
    let made =
        tokio::task::spawn_blocking(move || generate::key(algorithm, None, generate::DEFAULT_RSA_BITS));
    Ok(made.await.map_err(|_| KeyError::Generation)??)
}
