//! `sessera template list`

use anyhow::Result;
use clap::Args;
use sessera_client::projects::TemplateState;

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
        let mut table = Table::with_cut_last(&["NAME", "STATE", "ALGORITHM", "KEY ID OR REASON"]);
        for template in &templates {
            let text = |part: &Option<String>| part.clone().unwrap_or_default();
            let TemplateState { name, state, alg, kid, reason } = template;
            let kid_or_reason = if reason.is_some() { reason } else { kid };
            table.row([name.clone(), state.clone(), text(alg), text(kid_or_reason)]);
        }
        let ids = templates.iter().map(|template| template.name.clone()).collect();
        context.output.print(&Report { json: serde_json::to_value(&templates)?, table, ids })
    }
}
