//! What is wrong with a configuration that cannot be used.

use crate::problem::Problem;

/// The configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Everything that is wrong with it.
    #[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<Problem>),
}

impl ConfigError {
    /// What is wrong, one by one.
    pub fn problems(self) -> Vec<Problem> {
        let Self::Invalid(problems) = self;
        problems
    }
}

/// An error of sentences that have their places.
pub(crate) fn invalid(sentences: Vec<String>) -> ConfigError {
    ConfigError::Invalid(sentences.into_iter().map(|sentence| Problem::new("", sentence)).collect())
}
