//! `sessera list sinks`

use anyhow::Result;
use clap::Args;

use crate::commands::managed_sets::second;
use crate::global::Global;
use crate::output::{Report, Table};

/// List the receivers of events, with what waits for them
///
/// They are those of events.sinks in the configuration. What was given up is listed by sessera list deliveries, and sent
/// again by sessera events replay.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list sinks
  sessera list sinks --format json-pretty")]
pub(crate) struct ListSinks {}

impl ListSinks {
    pub(crate) async fn run(global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let sinks = context.client.sinks().await?;
        let mut table =
            Table::with_cut_last(&["NAME", "KIND", "TO", "WAITING", "SINCE", "GIVEN UP", "PROBLEM"]);
        for sink in &sinks {
            let since = sink.waiting_since.map(|since| second(since).to_string()).unwrap_or_default();
            table.row([
                sink.name.clone(),
                sink.kind.clone(),
                sink.origin.clone(),
                sink.waiting.to_string(),
                since,
                sink.given_up.to_string(),
                sink.problem.clone().unwrap_or_default(),
            ]);
        }
        let ids = sinks.iter().map(|sink| sink.name.clone()).collect();
        context.output.print(&Report { json: serde_json::to_value(&sinks)?, table, ids })
    }
}
