//! What is configured about sessions and tokens.

use std::time::Duration;

use serde_json::{Map, Value};
use sessera_model::CredentialKind;
use sessera_rotation::Timing;

/// What is configured about sessions and tokens.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The issuer of tokens unless their template names another one: the public address exactly as it is
    /// written, because verifiers compare it as a text.
    pub issuer: String,
    /// Tokenizer templates by their names, as they are configured.
    pub templates: Map<String, Value>,
    /// The times by which managed key sets rotate.
    pub timing: Timing,
    /// How long a status list may be good.
    pub status_list_max_age: Duration,
    /// How long sessions in memory are answered when nobody can say whether they have changed.
    pub max_stale: Duration,
    /// The second factors that can be given.
    pub second_factors: Vec<CredentialKind>,
    /// What sessions have to have proven where nothing else is asked for.
    pub assurance: Assurance,
    /// Who keeps the sessions, which decides what their tokens can do.
    pub kept_by: KeptBy,
}

/// What a session has to have proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assurance {
    /// One factor.
    One,
    /// Two factors.
    Two,
    /// All factors that its owner has set up and that can be given.
    HighestAvailable,
}

/// Who keeps the sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeptBy {
    /// This deployment's own store.
    #[default]
    Store,
    /// An upstream.
    Upstream {
        /// Whether its admin API can be asked about sessions by their ids.
        has_admin_api: bool,
    },
}

impl Settings {
    /// The public address without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.issuer.trim_end_matches('/')
    }
}
