//! `sessera rotate jwk`

use anyhow::Result;
use clap::Args;

use crate::commands::ids::path_part;
use crate::commands::managed_sets;
use crate::commands::names;
use crate::global::Global;

/// Let the next key of a managed set sign as soon as all verifiers can know it
///
/// Nothing breaks, because the key that signs now stays published until its last token has ended. For a key
/// that is compromised, use `sessera revoke jwk`, which does not wait.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera rotate jwk my-keys
  sessera get jwk my-keys --states")]
pub(crate) struct RotateJwk {
    /// The name of the key set
    #[arg(value_parser = path_part, add = names::sets())]
    set: String,
}

impl RotateJwk {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let rotated = context.client.rotate_key_set(&self.set).await?;
        context.output.note(&format!(
            "the key {} signs from {} on",
            rotated.kid,
            managed_sets::second(rotated.activates_at)
        ));
        let set = context.client.managed_set(&self.set).await?;
        context.output.print(&managed_sets::report(&set)?)
    }
}
