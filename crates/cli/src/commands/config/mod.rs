//! `sessera config`

mod schema;
mod texts;
mod validate;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be done with configuration files.
#[derive(Subcommand)]
pub(crate) enum Config {
    Schema(schema::Schema),
    Texts(texts::PrintTexts),
    Validate(validate::ValidateConfig),
}

impl Config {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Schema(schema::Schema {}) => schema::Schema::run(global),
            Self::Texts(command) => command.run(global),
            Self::Validate(command) => command.run(global).await,
        }
    }
}
