//! `sessera secrets`

mod rotate;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be done with the secrets.
#[derive(Subcommand)]
pub(crate) enum Secrets {
    Rotate(rotate::RotateSecrets),
}

impl Secrets {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Rotate(command) => command.run(global).await,
        }
    }
}
