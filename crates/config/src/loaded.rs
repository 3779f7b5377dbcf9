//! Files and environment as one tree, with the places of its values.

use serde_json::Value;

use crate::config::Config;
use crate::error::{ConfigError, invalid};
use crate::places::Places;

/// Files and environment as one tree.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The tree.
    pub tree: Value,
    /// Where its values come from.
    pub places: Places,
    /// What its author should know, one sentence each with its place.
    pub warnings: Vec<String>,
    /// What is wrong with files and values, one sentence each with its place.
    pub errors: Vec<String>,
}

impl Loaded {
    /// The restrictions that do not hold and were accepted, one sentence each with its place.
    pub fn accepted(&self, config: &Config) -> Vec<String> {
        config.accepted.iter().map(|problem| self.places.locate(problem)).collect()
    }

    /// The configuration that the tree gives.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::from_tree(&self.tree).map_err(|error| {
            let located = error.problems().iter().map(|problem| self.places.locate(problem)).collect();
            invalid(located)
        })
    }
}
