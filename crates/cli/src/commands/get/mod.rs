//! `sessera get`

mod identity;
mod identity_config;
mod jwk;
mod session;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be shown.
#[derive(Subcommand)]
pub(crate) enum Get {
    #[command(visible_alias = "jwks")]
    Jwk(jwk::GetJwk),
    #[command(name = "identity-config", visible_aliases = ["ic", "kratos-config"])]
    IdentityConfig(identity_config::GetIdentityConfig),
    #[command(visible_alias = "identities")]
    Identity(identity::GetIdentity),
    #[command(visible_alias = "sessions")]
    Session(session::GetSession),
}

impl Get {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
            Self::IdentityConfig(command) => command.run(global).await,
            Self::Identity(command) => command.run(global).await,
            Self::Session(command) => command.run(global).await,
        }
    }
}
