//! Everything that follows from the settings and the key sets, compiled once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use sessera_rotation::{Timing, TimingError};
use sessera_store::KeySet;

use crate::managed_keys;
use crate::published::Published;
use crate::templates::{LocalSources, Templates};

/// What is configured about sessions and tokens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The public base URL, with a slash at its end. It is the issuer of tokens unless their template names
    /// another one.
    pub base_url: String,
    /// Tokenizer templates by their names, as they are configured.
    pub templates: Map<String, Value>,
    /// The times by which managed key sets rotate.
    pub timing: Timing,
    /// How long a status list may be good.
    pub status_list_max_age: Duration,
    /// How long sessions in memory are answered when nobody can say whether they have changed.
    pub max_stale: Duration,
    /// Whether sessions have to prove all factors that their owners have set up.
    pub needs_highest_aal: bool,
}

/// Everything that follows from the settings and the key sets. It never changes; new settings or new key
/// sets make a new one.
#[derive(Debug)]
pub struct Compiled {
    /// What it was made of.
    pub settings: Settings,
    /// The tokenizer templates.
    pub templates: Templates,
    /// The public keys that verifiers are shown.
    pub published: Published,
    /// The versions of the key sets that it was made of.
    pub set_versions: HashMap<String, i64>,
    /// Where identity schemas can be read: the public base URL and `schemas/`.
    pub schemas_url: Arc<str>,
}

/// A managed key set cannot rotate by the configured times.
#[derive(Debug, thiserror::Error)]
#[error("the key set \"{set}\": {error}")]
pub struct UnfitTiming {
    /// The set's name.
    pub set: String,
    /// What does not fit.
    pub error: TimingError,
}

impl Compiled {
    /// Compiles settings with the key sets as they are stored now. Templates that are broken stop neither this nor
    /// each other; times by which a managed set cannot rotate do. `previous` are the templates that are
    /// in use: one that worked there goes on as it was when it can no longer be compiled.
    pub fn compile(settings: Settings, sets: &[KeySet], previous: &Templates) -> Result<Self, UnfitTiming> {
        for set in sets {
            let Some(managed) = &set.managed else { continue };
            settings
                .timing
                .check(managed.rotation.period)
                .map_err(|error| UnfitTiming { set: set.name.clone(), error })?;
        }
        let templates = Templates::compile(&settings.templates, &LocalSources::new(sets), previous);
        Ok(Self {
            published: Published::compile(&settings, &templates, sets),
            set_versions: managed_keys::versions(sets),
            schemas_url: format!("{}schemas/", settings.base_url).into(),
            templates,
            settings,
        })
    }
}
