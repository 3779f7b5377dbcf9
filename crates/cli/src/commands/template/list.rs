//! `sessera template list`

use anyhow::Result;
use clap::Args;
use sessera_client::projects::TemplateState;

use crate::global::Global;
use crate::output::{Report, Table};

/// List tokenizer templates, with the reason of those that do not work
///
/// A template that is broken does not load, and one that is failing makes no token of any session that it was tried on:
/// a sample session and the newest ones. Neither stops the others. Requests for it get its error until it is mended.
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
            let TemplateState { name, state, alg, kid, reason, warning } = template;
            let last = match (reason, warning) {
                (Some(reason), _) => reason.clone(),
                (None, Some(warning)) => format!("{}: {warning}", text(kid)),
                (None, None) => text(kid),
            };
            table.row([name.clone(), state.clone(), text(alg), last]);
        }
        let ids = templates.iter().map(|template| template.name.clone()).collect();
        context.output.print(&Report { json: serde_json::to_value(&templates)?, table, ids })
    }
}
