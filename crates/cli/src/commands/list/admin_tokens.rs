//! `sessera list admin-tokens`

use anyhow::Result;
use clap::Args;

use crate::commands::admin_tokens;
use crate::commands::managed_sets::second;
use crate::global::Global;
use crate::output::{Report, Table};

/// List the tokens of the admin API by their names
///
/// The tokens themselves are shown to nobody after they were made. Those of serve.admin.token have no names and are not
/// listed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list admin-tokens
  sessera list admin-tokens --format json-pretty")]
pub(crate) struct ListAdminTokens {}

impl ListAdminTokens {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let tokens = context.client.admin_tokens().await?;
        let mut table = Table::new(&["NAME", "ROLE", "MADE", "GOOD UNTIL"]);
        for token in &tokens {
            let (made, end) = (second(token.created_at).to_string(), admin_tokens::end(token));
            table.row([&token.name, token.role.as_str(), &made, &end]);
        }
        let ids = tokens.iter().map(|token| token.name.clone()).collect();
        context.output.print(&Report { json: serde_json::to_value(&tokens)?, table, ids })
    }
}
