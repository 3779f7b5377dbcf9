//! Files and environment as one tree, with the places of its values.

use serde_json::Value;

use crate::config::{Config, read};
use crate::error::{ConfigError, invalid};
use crate::places::Places;
use crate::problem::Problem;

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
    /// What its author should know: [`Self::warnings`] and these notes, which are sentences with their places. Each is
    /// told once.
    pub fn told<'a>(&self, notes: impl IntoIterator<Item = &'a Problem>) -> Vec<String> {
        let mut told = self.warnings.clone();
        for problem in notes {
            let sentence = self.places.locate(problem);
            if !told.contains(&sentence) {
                told.push(sentence);
            }
        }
        told
    }

    /// The configuration that the tree gives, for the command by which older secrets go out of use. Those behind the
    /// first one of `secrets.cipher` may be weak where that is accepted.
    pub fn config_to_rotate(&self, accepts_weak_older: bool) -> Result<Config, ConfigError> {
        let (config, mut errors) = self.judged();
        let (_, found) = read(&self.tree);
        let is_older =
            |weak: &&Problem| weak.pointer.strip_prefix("/secrets/cipher/").is_some_and(|place| place != "0");
        let locate = |problem: &Problem| self.places.locate(problem);
        let older: Vec<String> = found.weak.iter().filter(is_older).map(locate).collect();
        errors.retain(|error| !accepts_weak_older || !older.contains(error));
        if errors.is_empty() { Ok(config) } else { Err(invalid(errors)) }
    }

    /// The configuration that the tree gives, with defaults in place of what is wrong, and all that is wrong: [`Self::errors`]
    /// and what single values do not show.
    pub fn judged(&self) -> (Config, Vec<String>) {
        let (config, wrong) = Config::judge(&self.tree);
        let wrong = wrong.iter().map(|problem| self.places.locate(problem));
        let mut errors = self.errors.clone();
        errors.extend(wrong.filter(|error| !self.errors.contains(error)));
        (config, errors)
    }

    /// The configuration that the tree gives.
    pub fn config(&self) -> Result<Config, ConfigError> {
        Config::from_tree(&self.tree).map_err(|error| self.located(error, None))
    }

    /// What is wrong with the configuration that the tree gives, with the places of its values. What stands in `stored`
    /// instead has none.
    pub fn located(&self, error: ConfigError, stored: Option<&Value>) -> ConfigError {
        let is_stored = |pointer: &str| stored.is_some_and(|stored| stored.pointer(pointer).is_some());
        let locate = |problem: &Problem| {
            if is_stored(&problem.pointer) {
                return format!("the stored configuration: {problem}");
            }
            self.places.locate(problem)
        };
        invalid(error.problems().iter().map(locate).collect())
    }
}
