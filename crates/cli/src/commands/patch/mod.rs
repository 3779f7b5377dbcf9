//! `sessera patch`

mod identity;
mod identity_config;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be changed in part.
#[derive(Subcommand)]
pub(crate) enum Patch {
    #[command(name = "identity-config", visible_aliases = ["ic", "kratos-config"])]
    IdentityConfig(identity_config::PatchIdentityConfig),
    Identity(identity::PatchIdentity),
}

impl Patch {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::IdentityConfig(command) => command.run(global).await,
            Self::Identity(command) => command.run(global).await,
        }
    }
}
