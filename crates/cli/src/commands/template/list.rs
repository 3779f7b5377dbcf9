//! `sessera template list`

use anyhow::Result;
use clap::Args;

use crate::global::Global;
use crate::output::{Report, Table};

/// List tokenizer templates, with the reason of those that are broken
///
/// A template that does not load does not stop the others. Requests for it get its error until it is mended.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera template list
  sessera template list --format json-pretty")]
pub(crate) struct ListTemplates {}

impl ListTemplates {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let templates = context.client.templates(&context.project).await?;
        let mut table = Table::new(&["NAME", "STATE", "ALGORITHM", "KEY ID", "REASON"]);
        for template in &templates {
            let text = |part: &Option<String>| part.clone().unwrap_or_default();
            table.row([
                template.name.clone(),
                template.state.clone(),
                text(&template.alg),
                text(&template.kid),
                text(&template.reason),
            ]);
        }
        let ids = templates.iter().map(|template| template.name.clone()).collect();
        context.output.print(&Report { json: serde_json::to_value(&templates)?, table, ids })
    }
}
