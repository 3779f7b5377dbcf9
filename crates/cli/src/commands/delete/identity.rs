//! `sessera delete identity`

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;

use crate::commands::identities;
use crate::commands::ids::path_part;
use crate::commands::names;
use crate::global::Global;
use crate::output::{Report, Table};

/// Delete identities with their credentials and sessions, and print their ids
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera delete identity 6f1c6c2e-7d3f-4c1e-9a57-0b1f6f1d2a3b
  sessera delete identity ada@example.org --yes")]
pub(crate) struct DeleteIdentity {
    /// The ids of identities, or identifiers such as e-mail addresses
    #[arg(required = true, value_name = "ID", value_parser = path_part, add = names::identities())]
    ids: Vec<String>,
}

impl DeleteIdentity {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let mut found = Vec::with_capacity(self.ids.len());
        let mut missing = Vec::new();
        for id in &self.ids {
            match identities::find(&context, id).await {
                Ok(identity) => found.push(identity.id),
                Err(error) => missing.push(format!("{id}: {error:#}")),
            }
        }
        if !missing.is_empty() {
            bail!("nothing was deleted, because not everybody was found:\n{}", missing.join("\n"));
        }
        // Whoever is named twice, by an id and an address perhaps, is meant once.
        found.sort_unstable();
        found.dedup();
        context.confirm(&format!("Delete {}? Nobody can bring them back.", self.ids.join(", ")))?;
        let mut table = Table::new(&["ID"]);
        for (done, id) in found.iter().enumerate() {
            let deleted = context.client.delete_identity(*id).await;
            deleted.with_context(|| format!("{id} was not deleted, and {done} of {} were", found.len()))?;
            table.row([id.to_string()]);
        }
        let what = if found.len() == 1 { "1 identity".into() } else { format!("{} identities", found.len()) };
        context.output.done(&format!("Deleted {what} with all credentials and sessions."));
        let ids = found.iter().map(ToString::to_string).collect();
        context.output.print(&Report { json: json!(found), table, ids })
    }
}
