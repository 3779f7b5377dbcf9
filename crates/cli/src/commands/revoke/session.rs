//! `sessera revoke session`

use anyhow::Result;
use clap::Args;
use sessera_client::sessions::Ending;

use crate::commands::{identities, sessions};
use crate::global::Global;

/// End sessions, which are then no longer accepted and can still be looked at for a while
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera revoke session 0b6f2c9e-6a4e-4f0e-9f4e-2f1d8a3b5c7d
  sessera revoke sessions --identity ada@example.org
  sessera revoke sessions --all --yes")]
pub(crate) struct RevokeSession {
    #[command(flatten)]
    which: sessions::Which,
}

impl RevokeSession {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        if self.which.all {
            return sessions::end_all(&context, Ending::Disable).await;
        }
        let ids = match &self.which.identity {
            Some(who) => {
                let owner = identities::find(&context, who).await?;
                sessions::live_sessions_of(&context, owner.id).await?
            }
            None => self.which.existing(&context).await?,
        };
        let what = sessions::counted(ids.len());
        context.confirm(&format!("End {what}? Whoever has them has to sign in again."))?;
        for id in &ids {
            context.client.disable_session(*id).await?;
        }
        context.output.done(&format!("Ended {what}."));
        context.output.print(&sessions::ids_report(&ids))
    }
}
