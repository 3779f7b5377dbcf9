//! Key sets as their owners edit them: keys are made, put and deleted.
//!
//! The order of keys in a set is their owner's, and the first one signs. A set that a template signs with
//! stays one that it can sign with. The keys of managed sets are changed by rotation only (see
//! [`crate::managed_keys`]).

use std::sync::Arc;

use serde_json::Value;
use sessera_jose::{Algorithm, Jwk, JwkSet, KeyError, MAX_NAME_BYTES, PublicJwk, generate};
use sessera_model::{Clock, Timestamp};
use sessera_rotation::Timing;
use sessera_store::{
    Change, Committer, Conflict, KeySet, KeyWork, KeysDone, Store, StoreError, StoredKey, key_work,
};
use sessera_tokenizer::source::is_set_name;

use crate::compiled::Compiled;
use crate::published::about;
use crate::templates::{Broken, LocalSources, compile, templates_with_set};

/// The most keys of a set. All of them are read with each change of the set, and verifiers are shown all.
const MAX_KEYS: usize = 500;

/// A key set cannot be read or changed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeySetsError {
    /// A name of a set or an id of a key cannot stand in a path and in `set://NAME`: choose another one.
    #[error(
        "the name is empty, longer than {MAX_NAME_BYTES} bytes, or holds '/', control characters or others that are not seen"
    )]
    Name,
    /// There is no such set: create it.
    #[error("there is no key set \"{0}\"")]
    NoSuchSet(String),
    /// The set has no such key: look at those that it has.
    #[error("the key set \"{set}\" has no key \"{kid}\"")]
    NoSuchKey {
        /// The set's name.
        set: String,
        /// The key's id.
        kid: String,
    },
    /// The set rotates by itself: have it rotate, or revoke one of its keys.
    #[error("the key set \"{0}\" is managed: its keys are made and ended by rotation")]
    Managed(String),
    /// The set has as many keys as it can have: delete those that are no longer needed.
    #[error("a key set has {MAX_KEYS} keys at the most")]
    TooManyKeys,
    /// The set has a key with this id already: choose another id.
    #[error("the set has a key with the id \"{0}\" already")]
    KidTaken(String),
    /// Another key with the id is published already: choose another id.
    #[error("{0}")]
    KidClash(String),
    /// The set has another version than the caller has read: read it again and repeat the change.
    #[error("the key set has another version")]
    OtherVersion,
    /// A template signs with the set: give the template another set first.
    #[error("the tokenizer template \"{template}\" signs with the set \"{set}\"")]
    InUse {
        /// The set's name.
        set: String,
        /// The template's name.
        template: String,
    },
    /// A template that signs with the set would stop working: change the template first.
    #[error("the tokenizer template \"{template}\" signs with this set and would stop working: {broken}")]
    WouldBreak {
        /// The template's name.
        template: String,
        /// What would be wrong with it.
        broken: Broken,
    },
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A stored key cannot be read. The text is for the log only.
    #[error("a stored key cannot be read: {0}")]
    Unreadable(KeyError),
    /// The store does not answer, or refuses a change.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a key is made by.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// The algorithm that it signs with.
    pub algorithm: Algorithm,
    /// Its id. Its thumbprint becomes the id when this is empty.
    pub kid: String,
    /// What it is used for, `sig` or `enc`.
    pub key_use: &'static str,
    /// Bits of an RSA key; [`generate::DEFAULT_RSA_BITS`] when nothing is said.
    pub bits: Option<usize>,
}

impl NewKey {
    /// Makes the key.
    pub async fn generate(self) -> Result<Jwk, KeySetsError> {
        if !self.kid.is_empty() {
            check_name(&self.kid)?;
        }
        let bits = self.bits.unwrap_or(generate::DEFAULT_RSA_BITS);
        // Making a long RSA key takes seconds of computing.
        let made =
            tokio::task::spawn_blocking(move || generate::key(self.algorithm, Some(self.kid), bits)).await;
        Ok(made.map_err(|_| KeyError::Generation)??.with_use(self.key_use))
    }
}

/// The stored key sets.
///
/// What a change leads to is stored here and put to use by the caller, who compiles the templates again.
/// Whoever calls a method that changes a set keeps all other changes of templates and key sets waiting
/// meanwhile, so that none comes between a check and the change that it allows.
#[derive(Clone)]
pub struct KeySets {
    store: Arc<dyn Store>,
    committer: Committer,
    clock: Arc<dyn Clock>,
    judged_by: Option<[i64; 4]>,
}

impl KeySets {
    /// The key sets in `store`.
    pub fn new(store: Arc<dyn Store>, committer: Committer, clock: Arc<dyn Clock>) -> Self {
        Self { store, committer, clock, judged_by: None }
    }

    /// The key sets, whose changes are judged by what was compiled of this version
    /// ([`Store::configuration_version`]) or of a later one. They are refused where another node has made a later one.
    #[must_use]
    pub fn judged_by(&self, version: [i64; 4]) -> Self {
        Self { judged_by: Some(version), ..self.clone() }
    }

    /// Commits a change on the condition that what it was judged by is as it was.
    async fn commit(&self, change: Change) -> Result<(), StoreError> {
        let judged_by = self.judged_by.map(Change::Unchanged);
        let changes: Vec<Change> = judged_by.into_iter().chain([change]).collect();
        self.committer.commit(&changes).await
    }

    /// All sets.
    pub async fn all(&self) -> Result<Vec<KeySet>, KeySetsError> {
        Ok(self.store.key_sets().await?)
    }

    /// A set by its name.
    pub async fn find(&self, name: &str) -> Result<KeySet, KeySetsError> {
        self.store.key_set(name).await?.ok_or_else(|| KeySetsError::NoSuchSet(name.to_owned()))
    }

    /// Adds a key at the end of a set, so that the key that signs stays the same. The set is made when it is not
    /// there.
    pub async fn add(&self, compiled: &Compiled, name: &str, jwk: &Jwk) -> Result<(), KeySetsError> {
        let mut set = self.editable(name).await?;
        jwk.check_length()?;
        if set.keys.iter().any(|key| key.kid == jwk.kid()) {
            return Err(KeySetsError::KidTaken(jwk.kid().to_owned()));
        }
        set.keys.push(self.stored(jwk));
        self.put(compiled, set, vec![KeyWork::Created.to(jwk.kid())]).await
    }

    /// Makes a set of these keys, in their order. `is_expected` judges the version that is there. Keys that stay
    /// keep their age.
    pub async fn replace(
        &self,
        compiled: &Compiled,
        name: &str,
        keys: &JwkSet,
        is_expected: impl FnOnce(i64) -> bool,
    ) -> Result<(), KeySetsError> {
        let known = self.editable(name).await?;
        keys.keys().iter().try_for_each(Jwk::check_length)?;
        if !is_expected(known.version) {
            return Err(KeySetsError::OtherVersion);
        }
        let keys = keys.keys().iter().map(|jwk| {
            let stored = self.stored(jwk);
            let same = known.keys.iter().find(|key| key.kid == stored.kid && key.jwk == stored.jwk);
            same.cloned().unwrap_or(stored)
        });
        let keys: Vec<StoredKey> = keys.collect();
        let done = key_work::differences(&known.keys, &keys);
        self.put(compiled, KeySet { keys, ..known }, done).await
    }

    /// Puts a key in the place of the one with its id, or at the end when there is none.
    pub async fn put_key(&self, compiled: &Compiled, name: &str, jwk: &Jwk) -> Result<(), KeySetsError> {
        check_name(jwk.kid())?;
        let mut set = self.editable(name).await?;
        jwk.check_length()?;
        let stored = self.stored(jwk);
        let work = match set.keys.iter_mut().find(|key| key.kid == stored.kid) {
            Some(known) => {
                *known = stored;
                KeyWork::Replaced
            }
            None => {
                set.keys.push(stored);
                KeyWork::Imported
            }
        };
        self.put(compiled, set, vec![work.to(jwk.kid())]).await
    }

    /// Deletes a key.
    pub async fn delete_key(&self, compiled: &Compiled, name: &str, kid: &str) -> Result<(), KeySetsError> {
        let mut set = self.find(name).await?;
        refuse_when_managed(&set)?;
        let before = set.keys.len();
        set.keys.retain(|key| key.kid != kid);
        if set.keys.len() == before {
            return Err(KeySetsError::NoSuchKey { set: name.to_owned(), kid: kid.to_owned() });
        }
        self.put(compiled, set, vec![KeyWork::Deleted.to(kid)]).await
    }

    /// Deletes a set. One that a template signs with cannot be deleted.
    pub async fn delete(&self, compiled: &Compiled, name: &str) -> Result<(), KeySetsError> {
        if let Some((template, _)) = templates_with_set(&compiled.settings.templates, name).next() {
            return Err(KeySetsError::InUse { set: name.to_owned(), template: template.to_owned() });
        }
        match self.commit(Change::DeleteKeySet(name.to_owned())).await {
            Err(StoreError::Conflict(Conflict::Missing)) => Err(KeySetsError::NoSuchSet(name.to_owned())),
            outcome => Ok(outcome?),
        }
    }

    /// The set with this name, or an empty one, which its owner may change.
    async fn editable(&self, name: &str) -> Result<KeySet, KeySetsError> {
        check_name(name)?;
        let set = self.store.key_set(name).await?;
        let set = set.unwrap_or_else(|| KeySet::new(name.to_owned(), Vec::new()));
        refuse_when_managed(&set)?;
        Ok(set)
    }

    /// Stores a set, unless a template that works would stop working.
    async fn put(&self, compiled: &Compiled, set: KeySet, done: Vec<KeysDone>) -> Result<(), KeySetsError> {
        if set.keys.len() > MAX_KEYS {
            return Err(KeySetsError::TooManyKeys);
        }
        let mut sets = self.store.key_sets().await?;
        sets.retain(|known| known.name != set.name);
        sets.push(set.clone());
        let (templates, sources) = (&compiled.settings.templates, LocalSources::new(&sets));
        for (name, _) in templates_with_set(templates, &set.name) {
            let works = compiled.templates.get(name).is_some_and(Result::is_ok);
            if let (true, Err(broken)) = (works, compile(name, &templates[name], &sources)) {
                return Err(KeySetsError::WouldBreak { template: name.to_owned(), broken });
            }
        }
        refuse_clash(compiled, &set)?;
        Ok(self.commit(Change::PutKeySet(set, done)).await?)
    }

    fn stored(&self, jwk: &Jwk) -> StoredKey {
        stored(jwk, self.clock.now())
    }
}

/// Refuses a set with a key whose id another published key has.
fn refuse_clash(compiled: &Compiled, set: &KeySet) -> Result<(), KeySetsError> {
    let templates: Vec<&str> =
        templates_with_set(&compiled.settings.templates, &set.name).map(|(name, _)| name).collect();
    if templates.is_empty() {
        return Ok(());
    }
    let after = compiled.published.with_keys(&templates, keys(set)?.public().keys());
    match after.new_clash(&compiled.published) {
        Some(clash) => Err(KeySetsError::KidClash(about(&clash))),
        None => Ok(()),
    }
}

/// A key as it is stored.
pub(crate) fn stored(jwk: &Jwk, now: Timestamp) -> StoredKey {
    StoredKey { kid: jwk.kid().to_owned(), jwk: jwk.to_private_json().to_string().into(), created_at: now }
}

/// Refuses what can be no name of a set and no id of a key.
pub fn check_name(name: &str) -> Result<(), KeySetsError> {
    if is_set_name(name) { Ok(()) } else { Err(KeySetsError::Name) }
}

/// The keys of a stored set.
pub fn keys(set: &KeySet) -> Result<JwkSet, KeySetsError> {
    let keys = set.keys.iter().map(|key| Jwk::parse(key.jwk.expose().as_bytes()));
    keys.collect::<Result<Vec<_>, _>>().and_then(JwkSet::new).map_err(KeySetsError::Unreadable)
}

/// The keys of a set with another one first, so that it signs; the others keep their order. Nothing when the set has no
/// such key.
pub fn with_first(set: &JwkSet, kid: &str) -> Option<JwkSet> {
    let mut keys = set.keys().to_vec();
    let at = keys.iter().position(|key| key.kid() == kid)?;
    keys[..=at].rotate_right(1);
    // The ids were different before, and they are the same.
    JwkSet::new(keys).ok()
}

/// The keys of a managed set that are published now; nothing when the set is not managed.
pub fn published(
    set: &KeySet,
    timing: &Timing,
    now: Timestamp,
) -> Result<Option<Vec<PublicJwk>>, KeySetsError> {
    let Some(managed) = &set.managed else { return Ok(None) };
    let published = managed.schedule.published(now, timing);
    let is_published = |key: &&PublicJwk| published.iter().any(|known| known.kid == key.kid());
    Ok(Some(keys(set)?.public().keys().iter().filter(is_published).cloned().collect()))
}

/// A set as its owner is shown it: the keys with their private members, or of a managed set those that are
/// published. With `kid` only the key that has it.
pub fn shown(
    set: &KeySet,
    kid: Option<&str>,
    timing: &Timing,
    now: Timestamp,
) -> Result<Vec<Value>, KeySetsError> {
    let is_wanted = |known: &str| kid.is_none_or(|kid| kid == known);
    let all = keys(set)?;
    if let Some(kid) = kid
        && all.find(kid).is_none()
    {
        return Err(KeySetsError::NoSuchKey { set: set.name.clone(), kid: kid.to_owned() });
    }
    Ok(match published(set, timing, now)? {
        Some(keys) => {
            keys.iter().filter(|key| is_wanted(key.kid())).map(|key| serde_json::json!(key)).collect()
        }
        None => all.keys().iter().filter(|key| is_wanted(key.kid())).map(Jwk::to_private_json).collect(),
    })
}

fn refuse_when_managed(set: &KeySet) -> Result<(), KeySetsError> {
    if set.managed.is_none() { Ok(()) } else { Err(KeySetsError::Managed(set.name.clone())) }
}
