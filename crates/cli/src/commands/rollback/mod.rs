//! `sessera rollback`

mod identity_config;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be brought back.
#[derive(Subcommand)]
pub(crate) enum Rollback {
    #[command(name = "identity-config", visible_aliases = ["ic", "kratos-config"])]
    IdentityConfig(identity_config::RollbackIdentityConfig),
}

impl Rollback {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::IdentityConfig(command) => command.run(global).await,
        }
    }
}
