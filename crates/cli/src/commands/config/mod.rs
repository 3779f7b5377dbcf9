//! `sessera config`

mod validate;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be done with configuration files.
#[derive(Subcommand)]
pub(crate) enum Config {
    Validate(validate::ValidateConfig),
}

impl Config {
    pub(crate) fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Validate(command) => command.run(global),
        }
    }
}
