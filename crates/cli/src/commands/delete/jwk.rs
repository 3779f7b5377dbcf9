//! `sessera delete jwk`

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::commands::keys;
use crate::global::Global;
use crate::output::{Report, Table};

/// Delete key sets, or one key of a set, and print what was deleted
///
/// Tokens that a deleted key signed can no longer be verified with the set. A set with which a tokenizer
/// template signs cannot be deleted, so give the template another set first.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera delete jwk old-keys
  sessera delete jwk my-keys --kid 2025-12")]
pub(crate) struct DeleteJwk {
    /// The names of the key sets
    #[arg(required = true, value_name = "SET")]
    sets: Vec<String>,
    /// Delete only the key with this id
    #[arg(long)]
    kid: Option<String>,
}

impl DeleteJwk {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let what = match &self.kid {
            Some(kid) => format!("the key {kid} of {}", self.sets.join(", ")),
            None => format!("the key set {}", self.sets.join(", ")),
        };
        context.confirm(&format!("Delete {what}? Nobody can bring it back."))?;
        let mut table = Table::new(&["ID"]);
        for set in &self.sets {
            let deleted = match &self.kid {
                Some(kid) => context.client.delete_key(set, kid).await,
                None => context.client.delete_key_set(set).await,
            };
            match deleted {
                Err(error) if error.is_not_found() => return Err(keys::not_found(&context, set, error).await),
                other => other?,
            }
            table.row([set]);
        }
        context.output.print(&Report { json: json!(self.sets), table, ids: self.sets })
    }
}
