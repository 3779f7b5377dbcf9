//! `sessera delete`

mod admin_token;
mod identity;
mod jwk;
mod session;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be deleted.
#[derive(Subcommand)]
pub(crate) enum Delete {
    #[command(visible_alias = "jwks")]
    Jwk(jwk::DeleteJwk),
    #[command(visible_alias = "identities")]
    Identity(identity::DeleteIdentity),
    #[command(visible_alias = "admin-tokens")]
    AdminToken(admin_token::DeleteAdminToken),
    #[command(visible_alias = "sessions")]
    Session(session::DeleteSession),
}

impl Delete {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
            Self::Identity(command) => command.run(global).await,
            Self::AdminToken(command) => command.run(global).await,
            Self::Session(command) => command.run(global).await,
        }
    }
}
