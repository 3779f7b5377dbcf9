//! Everything that follows from the configuration, compiled once.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use sessera_config::{Config, ConfigError, Problem};
use sessera_issuer::{Assurance, Compiled, KeptBy, Settings, Templates};
use sessera_model::{AssuranceLevel, CredentialKind};
use sessera_pages::Branding;
use sessera_store::KeySet;

/// Everything that follows from the configuration. It never changes; a new configuration makes a new one.
pub struct Snapshot {
    /// The configuration itself.
    pub config: Config,
    /// What concerns accounts: identity schemas, the rules of flows, mail.
    pub accounts: Arc<sessera_accounts::Snapshot>,
    /// What the pages have of the deployment's own.
    pub branding: Arc<Branding>,
    /// Templates and published keys.
    pub issuer: Arc<Compiled>,
    /// Where schemas can be read: the public base URL and `schemas/`.
    pub schemas_url: Arc<str>,
}

impl Snapshot {
    /// Compiles a configuration. Broken templates do not stop it; anything else that is wrong does.
    /// `previous` are the templates that are in use.
    pub fn compile(mut config: Config, sets: &[KeySet], previous: &Templates) -> Result<Self, ConfigError> {
        let accounts = sessera_accounts::Snapshot::compile(&config);
        let (accounts, branding) = match (accounts, Branding::compile(&config.pages)) {
            (Ok(accounts), Ok(branding)) => (accounts, branding),
            (accounts, branding) => {
                let wrong = [accounts.err(), branding.err()];
                return Err(ConfigError::Invalid(wrong.into_iter().flatten().flatten().collect()));
            }
        };
        config.notes.extend(accounts.notes.iter().chain(&branding.notes).cloned());
        let issuer = Compiled::compile(settings(&config, &accounts), sets, previous).map_err(|error| {
            ConfigError::Invalid(vec![Problem::new("/session/whoami/tokenizer/rotation", error.to_string())])
        })?;
        let schemas_url = issuer.schemas_url.clone();
        Ok(Self {
            schemas_url,
            issuer: Arc::new(issuer),
            accounts: Arc::new(accounts),
            branding: Arc::new(branding),
            config,
        })
    }
}

/// The current snapshot, and the place where a new one takes over. It is cheap to clone, and all clones are one.
#[derive(Clone)]
pub struct Snapshots(Arc<ArcSwap<Snapshot>>);

impl Snapshots {
    /// Begins with a snapshot.
    pub fn new(first: Snapshot) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// The current snapshot. A request takes it once and keeps to it.
    pub fn current(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// The current snapshot for a moment, which costs less than [`Self::current`].
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.0.load()
    }

    /// Makes a new snapshot the current one.
    pub(crate) fn swap(&self, next: Snapshot) {
        self.0.store(Arc::new(next));
    }
}

/// Who keeps the sessions.
pub fn kept_by(config: &Config) -> KeptBy {
    config
        .upstream
        .as_ref()
        .map_or(KeptBy::Store, |upstream| KeptBy::Upstream { has_admin_api: upstream.admin_url.is_some() })
}

/// What a configuration says about sessions and tokens.
fn settings(config: &Config, accounts: &sessera_accounts::Snapshot) -> Settings {
    let second_factors = accounts.methods.login().filter(|method| method.level() > AssuranceLevel::Aal1);
    let needs_highest = config.session.needs_highest_aal;
    Settings {
        issuer: config.public.issuer.clone(),
        templates: config.templates.clone(),
        timing: config.session.timing,
        status_list_max_age: config.session.status_list_max_age,
        max_stale: config.session.cache_max_stale,
        second_factors: second_factors.filter_map(|method| CredentialKind::parse(method.name())).collect(),
        assurance: if needs_highest { Assurance::HighestAvailable } else { Assurance::One },
        kept_by: kept_by(config),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use sessera_accounts::password::HashAlgorithm;

    fn compile(tree: Value) -> Result<Snapshot, ConfigError> {
        Snapshot::compile(Config::from_tree(&tree)?, &[], &Templates::default())
    }

    #[test]
    fn nothing_configured_signs_people_in_and_up() {
        let snapshot = compile(json!({})).unwrap();
        let rules = &snapshot.accounts.rules;
        assert!(snapshot.accounts.methods.has("password"));
        assert!(rules.registration.enabled && !rules.recovery.enabled && !rules.verification.enabled);
        assert!(!rules.cookie.scope.secure);
        assert_eq!(rules.hashing, HashAlgorithm::default());
        assert_eq!(&*snapshot.schemas_url, "http://127.0.0.1:4433/schemas/");
    }

    #[test]
    fn cookies_are_secure_under_https() {
        let snapshot = compile(json!({"serve": {"public": {"base_url": "https://id.example.org"}}})).unwrap();
        assert!(snapshot.accounts.rules.cookie.scope.secure);
        assert_eq!(snapshot.config.public.base_url, "https://id.example.org/");
    }

    #[test]
    fn what_cannot_be_is_named() {
        let problem = |tree| compile(tree).err().unwrap().to_string();
        assert!(problem(json!({"hashers": {"algorithm": "md5"}})).contains("/hashers/algorithm"));
        assert!(problem(json!({"hashers": {"argon2": {"memory": "1KB"}}})).contains("memory"));
        assert!(
            problem(json!({"selfservice": {"allowed_return_urls": ["x"]}})).contains("allowed_return_urls/0")
        );
        assert!(
            problem(json!({"serve": {"public": {"trusted_proxies": ["x"]}}})).contains("trusted_proxies")
        );
        assert!(
            problem(json!({"identity": {"schemas": [{"id": "a", "url": "https://x"}]}})).contains("schemas")
        );
    }

    #[test]
    fn a_broken_template_does_not_stop_the_others() {
        let templates = json!({"a": {"jwks_url": "file:///nope"}, "../x": {}, "b": {"jwks_url": 1}});
        let snapshot =
            compile(json!({"session": {"whoami": {"tokenizer": {"templates": templates}}}})).unwrap();
        assert_eq!(snapshot.issuer.templates.list().len(), 3);
        assert!(snapshot.issuer.templates.list().iter().all(|(_, outcome)| outcome.is_err()));
    }
}
