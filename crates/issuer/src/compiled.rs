//! Everything that follows from the settings and the key sets, compiled once.

use std::collections::HashMap;
use std::sync::Arc;

use sessera_rotation::TimingError;
use sessera_store::KeySet;

use crate::published::Published;
use crate::settings::Settings;
use crate::templates::{LocalSources, Templates};

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
    /// Which of the times does not fit.
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
                .check(managed.schedule.period)
                .map_err(|error| UnfitTiming { set: set.name.clone(), error })?;
        }
        let sources = LocalSources::new(sets);
        let templates = Templates::compile(&settings.templates, settings.kept_by, &sources, previous);
        Ok(Self {
            published: Published::compile(&settings, &templates, sets),
            set_versions: versions(sets),
            schemas_url: format!("{}/schemas/", settings.base_url()).into(),
            templates,
            settings,
        })
    }
}

/// The names and versions of sets, which tell one state of them from another.
pub(crate) fn versions(sets: &[KeySet]) -> HashMap<String, i64> {
    sets.iter().map(|set| (set.name.clone(), set.version)).collect()
}
