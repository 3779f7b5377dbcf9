//! `sessera list deliveries`

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::paging::{self, Paging};
use crate::commands::ids::path_part;
use crate::commands::managed_sets::second;
use crate::commands::names;
use crate::global::Global;
use crate::output::{Report, Table};

/// List the events that wait for a receiver or were given up, the oldest first
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list deliveries siem
  sessera list deliveries siem --given-up --format json-pretty")]
pub(crate) struct ListDeliveries {
    /// The name of the sink
    #[arg(value_parser = path_part, add = names::sinks())]
    sink: String,
    /// Only those that were given up
    #[arg(long)]
    given_up: bool,
    #[command(flatten)]
    paging: Paging,
}

impl ListDeliveries {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let (client, state) = (&context.client, self.given_up.then_some("given_up"));
        let ask = async |size, token: Option<String>| {
            Ok(client.deliveries(&self.sink, state, size, token.as_deref()).await?)
        };
        let (deliveries, next) = self.paging.follow(ask).await?;
        let mut table = Table::with_cut_last(&["NUMBER", "STATE", "ACTION", "ATTEMPTS", "NEXT", "PROBLEM"]);
        for delivery in &deliveries {
            let action = delivery.entry.content.get("action").and_then(Value::as_str).unwrap_or_default();
            table.row([
                delivery.entry.number.to_string(),
                delivery.state.clone(),
                action.to_owned(),
                delivery.attempts.to_string(),
                delivery.due_at.map(|due| second(due).to_string()).unwrap_or_default(),
                delivery.problem.clone().unwrap_or_default(),
            ]);
        }
        let ids = deliveries.iter().map(|delivery| delivery.entry.number.to_string()).collect();
        context.output.print(&Report { json: serde_json::to_value(&deliveries)?, table, ids })?;
        paging::say_more(&context.output, next.as_deref());
        Ok(())
    }
}
