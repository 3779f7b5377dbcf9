//! `sessera update`

mod identity_config;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be replaced.
#[derive(Subcommand)]
pub(crate) enum Update {
    #[command(name = "identity-config", visible_aliases = ["ic", "kratos-config"])]
    IdentityConfig(identity_config::UpdateIdentityConfig),
}

impl Update {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::IdentityConfig(command) => command.run(global).await,
        }
    }
}
