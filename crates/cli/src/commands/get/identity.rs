//! `sessera get identity`

use anyhow::Result;
use clap::Args;

use crate::commands::identities;
use crate::commands::ids::path_part;
use crate::commands::names;
use crate::global::Global;

/// Show identities by their ids or by what they sign in with
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera get identity 6f1c6c2e-7d3f-4c1e-9a57-0b1f6f1d2a3b
  sessera get identity ada@example.org --format json-pretty
  sessera get identity ada@example.org --format jsonpointer=/traits")]
pub(crate) struct GetIdentity {
    /// The ids of identities, or identifiers such as e-mail addresses
    #[arg(required = true, value_name = "ID", value_parser = path_part, add = names::identities())]
    ids: Vec<String>,
}

impl GetIdentity {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let mut found = Vec::with_capacity(self.ids.len());
        for id in &self.ids {
            found.push(identities::find(&context, id).await?);
        }
        context.output.print(&identities::report(&found, identities::one_or_many(&found)?))
    }
}
