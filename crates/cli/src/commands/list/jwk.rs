//! `sessera list jwks`

use anyhow::Result;
use clap::Args;

use crate::commands::keys::{self, Members, Named};
use crate::global::Global;

/// List the keys of all sets, public members only
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list jwks
  sessera list jwks --format jsonpath=keys.#.kid")]
pub(crate) struct ListJwks {
    /// Show public members only, which is the default
    #[arg(long, conflicts_with = "private")]
    public: bool,
    /// Show private members too, with which anybody can sign
    #[arg(long)]
    private: bool,
}

impl ListJwks {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let mut sets = Vec::new();
        for listed in context.client.key_sets().await? {
            // The list has public keys only, so a set with shared secrets has more keys than it shows.
            let whole = self.private || listed.count > listed.keys.keys().len();
            let keys = if whole { context.client.key_set(&listed.name).await? } else { listed.keys };
            sets.push(Named { set: listed.name, keys });
        }
        let members = if self.private { Members::Private } else { Members::Public };
        let mut report = keys::report(&sets, members, &context.output);
        if let Some(list) = report.json.as_object_mut() {
            // A list has the same shape even when there is only one set.
            list.shift_remove("set");
        }
        context.output.print(&report)
    }
}
