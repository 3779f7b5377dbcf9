//! `sessera delete admin-token`

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::commands::ids::path_part;
use crate::commands::names;
use crate::global::Global;
use crate::output::{Report, Table};

/// Delete a token of the admin API, so that it opens nothing any more
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera delete admin-token grafana
  sessera delete admin-token support --yes")]
pub(crate) struct DeleteAdminToken {
    /// The name of the token
    #[arg(value_name = "NAME", value_parser = path_part, add = names::admin_tokens())]
    name: String,
}

impl DeleteAdminToken {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let name = self.name;
        context
            .confirm(&format!("Delete the admin token {name}? Whoever uses it is refused from then on."))?;
        context.client.delete_admin_token(&name).await?;
        context.output.done(&format!("Deleted the admin token {name}."));
        let mut table = Table::new(&["NAME"]);
        table.row([&name]);
        context.output.print(&Report { json: json!([name]), table, ids: vec![name] })
    }
}
