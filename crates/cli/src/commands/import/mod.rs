//! `sessera import`

mod identity;
mod jwk;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

pub(super) use jwk::{add, secret};

/// What can be imported.
#[derive(Subcommand)]
pub(crate) enum Import {
    #[command(visible_alias = "jwks")]
    Jwk(jwk::ImportJwk),
    #[command(visible_alias = "identity")]
    Identities(identity::ImportIdentities),
}

impl Import {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
            Self::Identities(command) => command.run(global).await,
        }
    }
}
