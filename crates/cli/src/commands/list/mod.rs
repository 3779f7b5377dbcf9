//! `sessera list`

mod jwk;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be listed.
#[derive(Subcommand)]
pub(crate) enum List {
    #[command(alias = "jwk")]
    Jwks(jwk::ListJwks),
}

impl List {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwks(command) => command.run(global).await,
        }
    }
}
