//! `sessera delete`

mod jwk;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be deleted.
#[derive(Subcommand)]
pub(crate) enum Delete {
    #[command(alias = "jwks")]
    Jwk(jwk::DeleteJwk),
}

impl Delete {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
        }
    }
}
