//! `sessera create`

mod identity;
mod jwk;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be made.
#[derive(Subcommand)]
pub(crate) enum Create {
    #[command(visible_alias = "jwks")]
    Jwk(jwk::CreateJwk),
    #[command(visible_alias = "identities")]
    Identity(identity::CreateIdentity),
}

impl Create {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
            Self::Identity(command) => command.run(global).await,
        }
    }
}
