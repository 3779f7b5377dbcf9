//! `sessera rollback identity-config`

use anyhow::Result;
use clap::Args;
use sessera_model::Uuid;

use crate::commands::identity_config::print_changed;
use crate::commands::ids;
use crate::commands::names;
use crate::global::Global;

/// Make an older revision of the identity configuration the newest one again
///
/// The whole configuration is replaced, so the command asks first. Nothing is lost, because the old configuration becomes
/// a new revision and the ones between stay. "sessera list revisions" shows what each one changed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list revisions
  sessera rollback identity-config 0b6f2c9e-6a4e-4f0e-9f4e-2f1d8a3b5c7d")]
pub(crate) struct RollbackIdentityConfig {
    /// The revision to go back to
    #[arg(value_parser = ids::revision, add = names::revisions())]
    revision: Uuid,
}

impl RollbackIdentityConfig {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        context.confirm(&format!(
            "Replace the whole configuration by that of the revision {}?",
            self.revision
        ))?;
        let newest = context.client.revisions(&context.project, Some(1), None).await?.items;
        let changed = context.client.roll_back(&context.project, self.revision).await?;
        print_changed(&context, &changed)?;
        let undo = newest.first().map_or_else(String::new, |newest| {
            format!(" To undo that: sessera rollback identity-config {}", newest.id)
        });
        context
            .output
            .done(&format!("The configuration is that of the revision {} again.{undo}", self.revision));
        Ok(())
    }
}
