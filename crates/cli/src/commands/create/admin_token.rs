//! `sessera create admin-token`

use anyhow::Result;
use clap::Args;
use sessera_model::{GoDuration, Role};

use crate::commands::admin_tokens;
use crate::global::Global;
use crate::output::{Report, Table};

/// Make a token for the admin API, and print it this once
///
/// Whoever has it may do what its role says. A viewer reads everything but secrets. An operator also changes sessions,
/// identities and tokenizer templates. An owner does everything. Commands take a token from SESSERA_ADMIN_TOKEN, and
/// programs send it as "Authorization: Bearer".
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera create admin-token grafana --role viewer
  sessera create admin-token support --role operator --expires 90d
  SESSERA_ADMIN_TOKEN=sessera_admin_... sessera list sessions")]
pub(crate) struct CreateAdminToken {
    /// Its name, by which it is listed, deleted and found in the record of what happened
    #[arg(value_name = "NAME")]
    name: String,
    /// What whoever has it may do: viewer, operator or owner
    #[arg(long, value_name = "ROLE")]
    role: Role,
    /// How long it is good, for example 90d [default: until it is deleted]
    #[arg(long, value_name = "DURATION")]
    expires: Option<GoDuration>,
}

impl CreateAdminToken {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let made = context.client.create_admin_token(&self.name, self.role, self.expires).await?;
        let token = made.token.clone().unwrap_or_default();
        let mut table = Table::new(&["TOKEN", "ROLE", "GOOD UNTIL"]);
        table.row([&token, made.role.as_str(), &admin_tokens::end(&made)]);
        if !context.client.sends_token() {
            context.output.note("this server asks nobody for a token, so the role binds only those who send one: set serve.admin.token to have everybody asked");
        }
        context.output.print(&Report { json: serde_json::to_value(&made)?, table, ids: vec![token] })
    }
}
