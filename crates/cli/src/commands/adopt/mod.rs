//! `sessera adopt`

mod jwk;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be adopted.
#[derive(Subcommand)]
pub(crate) enum Adopt {
    #[command(alias = "jwks")]
    Jwk(jwk::AdoptJwk),
}

impl Adopt {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
        }
    }
}
