//! `sessera delete session`

use anyhow::Result;
use clap::Args;

use crate::commands::{identities, sessions};
use crate::global::Global;

/// Delete sessions
///
/// All sessions of an identity are deleted at once, and their owner has to sign in again. A single session is
/// ended as "sessera revoke session" does it, and swept away later.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera delete sessions --identity ada@example.org
  sessera delete session 0b6f2c9e-6a4e-4f0e-9f4e-2f1d8a3b5c7d")]
pub(crate) struct DeleteSession {
    #[command(flatten)]
    which: sessions::Which,
}

impl DeleteSession {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let ids = match &self.which.identity {
            Some(who) => {
                let owner = identities::find(&context, who).await?;
                context.confirm(&format!("Delete all sessions of {who}?"))?;
                let live = sessions::live_sessions_of(&context, owner.id).await?;
                context.client.delete_sessions_of(owner.id).await?;
                live
            }
            None => {
                for id in &self.which.ids {
                    context.client.disable_session(*id).await?;
                }
                self.which.ids
            }
        };
        context.output.print(&sessions::ids_report(&ids))
    }
}
