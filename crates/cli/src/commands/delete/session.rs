//! `sessera delete session`

use anyhow::{Result, bail};
use clap::Args;
use sessera_client::sessions::{Ending, MAX_IDS, Whose};

use crate::commands::{identities, sessions};
use crate::global::Global;

/// Delete sessions
///
/// Their owners have to sign in again. "sessera revoke session" ends sessions so that they can still be
/// looked at.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera delete sessions --identity ada@example.org
  sessera delete session 0b6f2c9e-6a4e-4f0e-9f4e-2f1d8a3b5c7d
  sessera delete sessions --all --yes")]
pub(crate) struct DeleteSession {
    #[command(flatten)]
    which: sessions::Which,
}

impl DeleteSession {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        if self.which.all {
            return sessions::end_all(&context, Ending::Delete).await;
        }
        let ids = match &self.which.identity {
            Some(who) => {
                let owner = identities::find(&context, who).await?;
                context.confirm(&format!(
                    "Delete all sessions of {who}? Whoever has them has to sign in again."
                ))?;
                let live = sessions::live_sessions_of(&context, owner.id).await?;
                context.client.delete_sessions_of(owner.id).await?;
                live
            }
            None => {
                let ids = self.which.existing(&context).await?;
                let what = sessions::counted(ids.len());
                context.confirm(&format!("Delete {what}? Whoever has them has to sign in again."))?;
                let mut deleted = 0;
                for part in ids.chunks(MAX_IDS) {
                    deleted += context.client.end_sessions(Ending::Delete, Whose::Sessions(part)).await?;
                }
                if deleted < ids.len() as u64 {
                    bail!(
                        "{deleted} of {} sessions were deleted; the others went meanwhile. \"sessera list sessions\" shows those that are there",
                        ids.len()
                    );
                }
                ids
            }
        };
        context.output.done(&format!("Deleted {}.", sessions::counted(ids.len())));
        context.output.print(&sessions::ids_report(&ids))
    }
}
