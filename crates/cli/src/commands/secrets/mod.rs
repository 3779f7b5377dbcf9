//! `sessera secrets`

mod rotate;

use anyhow::Result;
use clap::Subcommand;

/// What can be done with the secrets.
#[derive(Subcommand)]
pub(crate) enum Secrets {
    Rotate(rotate::RotateSecrets),
}

impl Secrets {
    pub(crate) async fn run(self) -> Result<()> {
        match self {
            Self::Rotate(command) => command.run().await,
        }
    }
}
