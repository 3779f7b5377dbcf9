//! `sessera create`

mod admin_token;
mod identity;
mod jwk;
mod recovery_code;
mod template;

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
    #[command(visible_alias = "admin-tokens")]
    AdminToken(admin_token::CreateAdminToken),
    #[command(visible_alias = "recovery-codes")]
    RecoveryCode(recovery_code::CreateRecoveryCode),
    #[command(visible_alias = "templates")]
    Template(template::CreateTemplate),
}

impl Create {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Jwk(command) => command.run(global).await,
            Self::Identity(command) => command.run(global).await,
            Self::AdminToken(command) => command.run(global).await,
            Self::RecoveryCode(command) => command.run(global).await,
            Self::Template(command) => command.run(global).await,
        }
    }
}
