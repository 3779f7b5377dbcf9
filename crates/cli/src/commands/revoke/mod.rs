//! `sessera revoke`

mod jwk;
mod session;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be revoked.
#[derive(Subcommand)]
pub(crate) enum Revoke {
    #[command(visible_alias = "jwks")]
    Jwk(jwk::RevokeJwk),
    #[command(visible_alias = "sessions")]
    Session(session::RevokeSession),
}

impl Revoke {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
            Self::Session(command) => command.run(global).await,
        }
    }
}
