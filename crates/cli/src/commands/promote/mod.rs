//! `sessera promote`

mod jwk;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be promoted.
#[derive(Subcommand)]
pub(crate) enum Promote {
    #[command(visible_alias = "jwks")]
    Jwk(jwk::PromoteJwk),
}

impl Promote {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
        }
    }
}
