//! The configuration of a running node: files and environment below, the stored revision above.

mod checks;
mod told;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use sessera_config::patch::{self, PatchError};
use sessera_config::watched::WatchedFiles;
use sessera_config::{
    Config, ConfigError, ConfigFile, Loaded, Problem, keys, layers, load_all, redact, restart,
};
use sessera_issuer::apart::apart;
use sessera_issuer::templates::{self, Broken, LocalSources};
use sessera_issuer::trial::Trial;
use sessera_issuer::{SessionCache, Templates, managed_keys, published};
use sessera_model::{Clock, Random, Role, Secret};
use sessera_store::{Asked, Change, Committer, Conflict, KeySet, KeyWork, Revision, Store, StoreError};
use sessera_tokenizer::Tokenizer;
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::snapshot::{Snapshot, Snapshots};
use crate::{judgement, sinks};
use checks::{check_reach, check_templates};
pub use told::warn;
use told::{lost_lists, news};

/// Where the templates stand.
const TEMPLATES: &str = "/session/whoami/tokenizer/templates";

/// The id of this deployment, which is the id of its one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeploymentId(pub Uuid);

/// Where the configuration comes from, apart from stored revisions.
#[derive(Clone, Debug, Default)]
pub struct ConfigOrigin {
    /// Configuration files, later ones over earlier ones.
    pub files: Vec<ConfigFile>,
    /// The environment.
    pub environment: HashMap<String, String>,
}

/// Variables over those of the environment that say where a server listens, for as long as it runs.
pub type Addresses = HashMap<String, String>;

impl ConfigOrigin {
    /// The environment of a server that listens at these addresses.
    pub fn environment_with(&self, addresses: &Addresses) -> HashMap<String, String> {
        let mut environment = self.environment.clone();
        environment.extend(addresses.clone());
        environment
    }
}

/// What a server is started with.
pub struct Given {
    /// Where the configuration comes from.
    pub origin: ConfigOrigin,
    /// Where the server listens.
    pub addresses: Addresses,
    /// The tree of files and environment.
    pub started: Value,
    /// That tree with the addresses at which the server listens.
    pub base: Value,
    /// Secrets that nobody configured, kept beside the database.
    pub generated: Vec<(&'static str, Secret)>,
    /// The newest stored revision.
    pub revision: Option<Revision>,
}

impl Given {
    /// Compiles the snapshot that the server starts with.
    pub fn compile(&self, sets: &[KeySet]) -> Result<Snapshot, ConfigError> {
        compile(&self.base, self.stored().as_ref(), &self.generated, sets, &Templates::default())
    }

    /// The stored identity configuration, if there is one.
    pub fn stored(&self) -> Option<Value> {
        self.revision.as_ref().and_then(parse)
    }
}

/// What changes of the configuration need of the server.
pub struct Surroundings {
    /// Where revisions and key sets lie.
    pub store: Arc<dyn Store>,
    /// Commits changes.
    pub committer: Committer,
    /// When a revision is made.
    pub clock: Arc<dyn Clock>,
    /// Where revisions get their ids from.
    pub random: Arc<dyn Random>,
    /// The id that stands for the configuration of files and environment.
    pub deployment_id: DeploymentId,
    /// What requests are judged by.
    pub snapshots: Snapshots,
    /// Sessions in memory, of which the configuration says how many there may be.
    pub cache: Arc<SessionCache>,
}

/// What can change while the server runs. There is one change at a time.
pub struct Configuration {
    origin: ConfigOrigin,
    addresses: Addresses,
    /// What files and environment said when the server started.
    started: Value,
    generated: Vec<(&'static str, Secret)>,
    surroundings: Surroundings,
    state: Mutex<State>,
    /// Held by whoever changes configuration or keys, from reading to committing.
    turn: Mutex<()>,
}

/// What the current snapshot was made of.
struct State {
    /// Files and environment.
    base: Value,
    /// The newest stored revision.
    revision: Option<Revision>,
    /// Files that were read.
    watched: WatchedFiles,
}

/// A change of the configuration is refused; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The change itself is wrong.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// It was made from another revision than the newest one.
    #[error("the revision is no longer the newest one: read the project again and repeat the change")]
    Outdated,
    /// It reaches further than the role of its author, to the place with this pointer.
    #[error("the role of the author does not allow the change at {0}")]
    OutOfReach(String),
    /// There is no such revision.
    #[error("there is no revision {0}")]
    NoSuchRevision(Uuid),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What becomes of a change whose templates make a token neither of the sample session nor of a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hopeless {
    /// It is refused.
    Refused,
    /// It is made, and its author is warned.
    Allowed,
}

/// By what a change of the configuration is judged beside the rules for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What becomes of one whose templates make no tokens.
    pub hopeless: Hopeless,
    /// What its author may do. Whoever is no owner changes tokenizer templates alone.
    pub role: Role,
}

/// What became of a change.
#[derive(Debug)]
pub struct Changed {
    /// The identity configuration that results.
    pub config: Value,
    /// Its revision.
    pub revision_id: Uuid,
    /// What its author should know.
    pub warnings: Vec<String>,
}

impl Configuration {
    /// The configuration that a server was started with.
    pub fn new(given: Given, surroundings: Surroundings) -> Self {
        let state = State { base: given.base, revision: given.revision, watched: WatchedFiles::default() };
        Self {
            origin: given.origin,
            addresses: given.addresses,
            started: given.started,
            generated: given.generated,
            surroundings,
            state: Mutex::new(state),
            turn: Mutex::new(()),
        }
    }

    fn compile_state(
        &self,
        state: &State,
        sets: &[KeySet],
        previous: &Templates,
    ) -> Result<Snapshot, ConfigError> {
        compile(&state.base, state.identity_config().as_ref(), &self.generated, sets, previous)
    }

    /// The snapshot that is current now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.surroundings.snapshots.current()
    }

    /// Makes a new snapshot the current one.
    fn install(&self, snapshot: Snapshot) {
        self.surroundings.cache.set_max_bytes(snapshot.config.session.cache_max_bytes);
        self.surroundings.snapshots.swap(snapshot);
    }

    /// The snapshot of a state together with the changes that must happen before it is used, of key sets and of sinks.
    fn compile_adapted(
        &self,
        state: &State,
        mut sets: Vec<KeySet>,
    ) -> Result<(Snapshot, Vec<Change>), ConfigError> {
        let previous = self.snapshot();
        let snapshot = self.compile_state(state, &sets, &previous.issuer.templates)?;
        let now = self.surroundings.clock.now();
        let adapted = managed_keys::adapted(&sets, &snapshot.issuer.settings, now);
        let mut changes = sinks::begun(&snapshot.config, now);
        if adapted.is_empty() {
            return Ok((snapshot, changes));
        }
        for set in &adapted {
            for known in sets.iter_mut().filter(|known| known.name == set.name) {
                *known = KeySet { version: set.version + 1, ..set.clone() };
            }
        }
        let snapshot = self.compile_state(state, &sets, &previous.issuer.templates)?;
        let put = |set| Change::PutKeySet(set, vec![KeyWork::Adapted.to_set()]);
        changes.extend(adapted.into_iter().map(put));
        Ok((snapshot, changes))
    }

    /// Waits for one's turn to change configuration or keys. Whoever has it sees the result of the one
    /// before, and no template and no key set changes between a check and the change that it allows.
    pub async fn turn(&self) -> Turn<'_> {
        Turn { configuration: self, _held: self.turn.lock().await }
    }

    /// The identity configuration and the id of its revision, if it is a stored one.
    pub async fn current(&self) -> (Value, Option<Uuid>) {
        let state = self.state.lock().await;
        (state.current(), state.revision.as_ref().map(|revision| revision.id))
    }

    /// Applies a JSON Patch whose paths begin with `/services/identity/config`.
    ///
    /// With `from` only while that is the newest revision; without, on whatever is the newest one.
    pub async fn patch(
        &self,
        patch: &Value,
        from: Option<BaseRevision>,
        terms: Terms,
    ) -> Result<Changed, ChangeError> {
        let _turn = self.turn().await;
        loop {
            let state = self.fresh().await?;
            check_revision(&state, from)?;
            let before = state.current();
            if terms.role < Role::Owner
                && let Some(pointer) = patch::hidden_read(&before, patch)
            {
                return Err(ChangeError::OutOfReach(pointer));
            }
            let after = patch::apply(&before, patch)?;
            match self.store(state, after, terms).await {
                // Another process stored a revision meanwhile: the patch is applied to that one.
                Err(ChangeError::Outdated) if from.is_none() => {}
                outcome => return outcome,
            }
        }
    }

    /// Replaces the whole identity configuration.
    pub async fn replace(&self, after: Value, terms: Terms) -> Result<Changed, ChangeError> {
        let _turn = self.turn().await;
        let state = self.fresh().await?;
        patch::check(&state.current(), &after)?;
        self.store(state, after, terms).await
    }

    /// The configuration of a revision; the deployment's own id stands for that of files and environment.
    pub async fn of_revision(&self, id: Uuid) -> Result<Value, ChangeError> {
        if id == self.surroundings.deployment_id.0 {
            return Ok(keys::without_machine(&self.state.lock().await.base));
        }
        let revision = self.surroundings.store.revision(id).await?.ok_or(ChangeError::NoSuchRevision(id))?;
        Ok(parse(&revision).ok_or_else(|| StoreError::Corrupt("a revision cannot be read".into()))?)
    }

    /// Makes the configuration of a revision the newest one again; see [`Self::of_revision`].
    ///
    /// With `from` only while that is the newest revision.
    pub async fn roll_back(
        &self,
        to: Uuid,
        from: Option<BaseRevision>,
        role: Role,
    ) -> Result<Changed, ChangeError> {
        let _turn = self.turn().await;
        let after = self.of_revision(to).await?;
        let state = self.fresh().await?;
        check_revision(&state, from)?;
        // Nothing bars the way back.
        self.store(state, after, Terms { hopeless: Hopeless::Allowed, role }).await
    }

    /// The state with the newest revision, which another process may have stored.
    async fn fresh(&self) -> Result<MutexGuard<'_, State>, ChangeError> {
        let mut state = self.state.lock().await;
        state.revision = self.surroundings.store.newest_revision().await?;
        Ok(state)
    }

    async fn store(
        &self,
        mut state: MutexGuard<'_, State>,
        after: Value,
        terms: Terms,
    ) -> Result<Changed, ChangeError> {
        let began = SystemTime::now();
        let before = state.current();
        check_reach(&before, &after, terms.role)?;
        // The parent says that the state is of the newest revision, and what follows is judged by these sets.
        let judged_by = self.surroundings.store.configuration_version().await?;
        let sets = self.surroundings.store.key_sets().await?;
        let touched = patch::touched_templates(&before, &after);
        let mut warnings = Vec::new();
        if !touched.is_empty() {
            let snapshot = self.snapshot();
            let (kept_by, trial) = (snapshot.issuer.settings.kept_by, self.trial(&snapshot).await?);
            let (touched, after, sets) = (touched.clone(), after.clone(), sets.clone());
            let check = move || {
                let sources = LocalSources::new(&sets);
                check_templates(&touched, &after, kept_by, &sources, &trial, terms.hopeless)
            };
            warnings = apart(check).await?;
        }
        let revision = Revision {
            id: self.surroundings.random.uuid(),
            parent: state.revision.as_ref().map(|revision| revision.id),
            created_at: self.surroundings.clock.now(),
            made_by: Some(Asked::by(Asked::now().as_ref()).to_string()),
            config: after.to_string().into(),
            diff: redact::difference(&before, &after).to_string(),
        };
        let next = State {
            base: state.base.clone(),
            revision: Some(revision.clone()),
            watched: WatchedFiles::default(),
        };
        let (snapshot, before_use) = self.compile_adapted(&next, sets).map_err(unusable)?;
        if let Some(clash) = snapshot.issuer.published.new_clash(&self.snapshot().issuer.published) {
            let name = if touched.contains(&clash.second) { &clash.second } else { &clash.first };
            let pointer = template_pointer(name);
            return Err(PatchError { pointer, message: published::about(&clash) }.into());
        }
        let config = &snapshot.config;
        let known = self.snapshot();
        warnings.extend(news((config, &after), (&known.config, &before)));
        warnings.extend(lost_lists(&snapshot.issuer.templates, &known.issuer.templates));
        let mut changes = vec![Change::Unchanged(judged_by), Change::InsertRevision(revision.clone())];
        changes.extend(before_use);
        match self.surroundings.committer.commit(&changes).await {
            Err(StoreError::Conflict(Conflict::Changed)) => return Err(ChangeError::Outdated),
            other => other?,
        }
        let seen = std::mem::take(&mut state.watched);
        *state = next;
        state.watched = self.watched(&snapshot, &seen, began);
        self.install(snapshot);
        Ok(Changed { config: after, revision_id: revision.id, warnings })
    }

    /// Compiles a template as a patch would leave it, and changes nothing. The inner error is what is wrong with the
    /// template.
    pub async fn draft(
        &self,
        name: &str,
        patch: &Value,
        role: Role,
    ) -> Result<Result<Tokenizer, Broken>, ChangeError> {
        let before = self.current().await.0;
        let after = patch::apply(&before, patch)?;
        check_reach(&before, &after, role)?;
        let sets = self.surroundings.store.key_sets().await?;
        let template = after.pointer(&template_pointer(name)).cloned().unwrap_or_default();
        let (name, kept_by) = (name.to_owned(), self.snapshot().issuer.settings.kept_by);
        let compile = move || {
            templates::check(&template, kept_by)?;
            templates::compile(&name, &template, &LocalSources::new(&sets))
        };
        Ok(apart(compile).await)
    }

    /// What templates are tried on now.
    pub async fn trial(&self, snapshot: &Snapshot) -> Result<Trial, StoreError> {
        let Surroundings { store, clock, .. } = &self.surroundings;
        Trial::on_sessions_of(&**store, &snapshot.issuer, clock.now()).await
    }

    /// The files of which a snapshot was made, by a reading that began at `began`. Those in `seen` were read before.
    fn watched(&self, snapshot: &Snapshot, seen: &WatchedFiles, began: SystemTime) -> WatchedFiles {
        let schemas = snapshot.config.identity.schemas.iter();
        let schemas = schemas.filter_map(|(_, url)| url.strip_prefix("file://")).map(PathBuf::from);
        let templates = templates::source_files(&snapshot.config.templates);
        let hooks = snapshot.config.selfservice.flows.web_hooks();
        let requests = hooks
            .iter()
            .map(|hook| &hook.request)
            .chain(&snapshot.config.courier.http)
            .chain(&snapshot.config.courier.sms)
            .chain(&snapshot.config.migrate_hook);
        let bodies = requests.filter_map(|request| request.body.as_ref()?.strip_prefix("file://"));
        let files = templates
            .into_iter()
            .chain(schemas)
            .chain(bodies.map(PathBuf::from))
            .chain(snapshot.config.selfservice.methods.oidc.mapper_files())
            .chain(snapshot.accounts.mail.templates.files().map(PathBuf::from))
            .chain(snapshot.config.pages.files())
            .chain(self.origin.files.iter().filter_map(ConfigFile::that_may_change));
        WatchedFiles::read(files, seen, began)
    }

    /// Reads files, environment, revision and key sets again, and returns the places in files and environment that say
    /// something else now. When they cannot be used, the server goes on with what it has.
    pub async fn reload(&self) -> Result<Vec<String>, ChangeError> {
        let began = SystemTime::now();
        let mut state = self.state.lock().await;
        state.revision = self.surroundings.store.newest_revision().await?;
        // With what the next start could not use, the server would stay away then.
        let said = load_all(&self.origin.files, &self.origin.environment);
        if !said.errors.is_empty() {
            return Err(unusable(all_errors(&said, &self.origin.files)));
        }
        said.config().map_err(unusable)?;
        let loaded = load_all(&self.origin.files, &self.origin.environment_with(&self.addresses));
        let sets = self.surroundings.store.key_sets().await?;
        let next = State {
            base: loaded.tree.clone(),
            revision: state.revision.clone(),
            watched: WatchedFiles::default(),
        };
        let located = |error: ConfigError| unusable(loaded.located(error, next.identity_config().as_ref()));
        let (snapshot, before_use) = self.compile_adapted(&next, sets).map_err(located)?;
        if let Some(clash) = snapshot.issuer.published.new_clash(&self.snapshot().issuer.published) {
            let pointer = format!("{}/jwks_url", template_pointer(&clash.second));
            let refused = ConfigError::Invalid(vec![Problem::new(pointer, published::about(&clash))]);
            return Err(unusable(loaded.located(refused, None)));
        }
        warn(&loaded, next.revision.as_ref(), &snapshot, &self.trial(&snapshot).await?);
        let waiting = restart::waiting(&self.started, &said.tree);
        if !waiting.is_empty() {
            tracing::warn!(
                "changed since the start, and counts from the next start on: {}",
                waiting.join(", ")
            );
        }
        if !before_use.is_empty() {
            self.surroundings.committer.commit(&before_use).await?;
        }
        let changed = redact::changed_places(&state.base, &next.base);
        *state = next;
        state.watched = self.watched(&snapshot, &WatchedFiles::default(), began);
        self.install(snapshot);
        Ok(changed)
    }

    /// Compiles the newest revision with the key sets as they are now; files are not read again but for
    /// those of templates.
    pub async fn recompile(&self) -> Result<(), ChangeError> {
        let began = SystemTime::now();
        let mut state = self.fresh().await?;
        let sets = self.surroundings.store.key_sets().await?;
        let previous = self.snapshot();
        let snapshot = self.compile_state(&state, &sets, &previous.issuer.templates).map_err(unusable)?;
        state.watched = self.watched(&snapshot, &state.watched, began);
        self.install(snapshot);
        Ok(())
    }

    /// Notes which files the current snapshot was made of, or should have been, by a reading that began at
    /// `began`.
    pub async fn watch(&self, began: SystemTime) {
        let mut state = self.state.lock().await;
        state.watched = self.watched(&self.snapshot(), &WatchedFiles::default(), began);
    }

    /// Whether a file that was read has changed since.
    pub async fn is_outdated(&self) -> bool {
        let state = self.state.lock().await;
        state.watched.have_changed()
    }
}

/// Everything that is wrong with what files and environment say, so that nobody mends one error after the other.
fn all_errors(loaded: &Loaded, files: &[ConfigFile]) -> ConfigError {
    let (config, mut errors) = loaded.judged();
    let wrong = judgement::judge(config, files).wrong;
    errors.extend(wrong.iter().map(|problem| loaded.places.locate(problem)));
    ConfigError::Invalid(errors.into_iter().map(|sentence| Problem::new("", sentence)).collect())
}

/// The snapshot of a tree: files and environment below, the stored identity configuration above.
fn compile(
    base: &Value,
    stored: Option<&Value>,
    generated: &[(&'static str, Secret)],
    sets: &[KeySet],
    previous: &Templates,
) -> Result<Snapshot, ConfigError> {
    let mut config = Config::from_tree(&layers::effective(base, stored))?;
    for (name, secret) in generated {
        let known = if *name == "cookie" { &mut config.secrets.cookie } else { &mut config.secrets.cipher };
        if known.is_empty() {
            known.push(secret.clone());
        }
    }
    Snapshot::compile(config, sets, previous)
}

/// The turn to change configuration or keys, which ends when it is dropped.
pub struct Turn<'a> {
    configuration: &'a Configuration,
    _held: MutexGuard<'a, ()>,
}

impl Turn<'_> {
    /// The snapshot that the one before has left.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.configuration.snapshot()
    }

    /// The snapshot of what is stored now, whichever node has stored it, and the version that it was made of, or an
    /// earlier one. What is stored and cannot be compiled leaves the snapshot that is there.
    pub async fn fresh(&self) -> Result<(Arc<Snapshot>, [i64; 4]), StoreError> {
        let version = self.configuration.surroundings.store.configuration_version().await?;
        if let Err(error) = self.configuration.recompile().await {
            tracing::debug!(%error, "what is stored cannot be compiled");
        }
        Ok((self.snapshot(), version))
    }

    /// Compiles the newest revision with the key sets as they are now; see [`Configuration::recompile`].
    pub async fn recompile(&self) -> Result<(), ChangeError> {
        self.configuration.recompile().await
    }
}

/// Why a configuration cannot be used. Where one value is to blame, it is named by its pointer.
fn unusable(error: ConfigError) -> ChangeError {
    let message = error.to_string();
    ChangeError::Patch(match error.problems().as_slice() {
        [only] => PatchError { pointer: only.pointer.clone(), message: only.message.clone() },
        _ => PatchError { pointer: String::new(), message },
    })
}

/// The revision that a change was made from; `None` is the configuration before the first one.
pub type BaseRevision = Option<Uuid>;

/// The place of a template in the identity configuration.
pub fn template_pointer(name: &str) -> String {
    format!("{TEMPLATES}/{}", sessera_config::escape(name))
}

fn check_revision(state: &State, from: Option<BaseRevision>) -> Result<(), ChangeError> {
    match from {
        Some(from) if state.revision.as_ref().map(|revision| revision.id) != from => {
            Err(ChangeError::Outdated)
        }
        _ => Ok(()),
    }
}

impl State {
    /// The stored identity configuration, if there is one.
    fn identity_config(&self) -> Option<Value> {
        self.revision.as_ref().and_then(parse)
    }

    /// The identity configuration: the stored one, else that of files and environment.
    fn current(&self) -> Value {
        self.identity_config().unwrap_or_else(|| keys::without_machine(&self.base))
    }
}

fn parse(revision: &Revision) -> Option<Value> {
    serde_json::from_str(revision.config.expose()).ok()
}

#[cfg(test)]
mod tests;
