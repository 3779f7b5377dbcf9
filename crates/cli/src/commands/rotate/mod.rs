//! `sessera rotate`

mod jwk;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be rotated.
#[derive(Subcommand)]
pub(crate) enum Rotate {
    #[command(alias = "jwks")]
    Jwk(jwk::RotateJwk),
}

impl Rotate {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
        }
    }
}
