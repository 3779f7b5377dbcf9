//! `sessera events replay`

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use sessera_client::audit::AuditQuery;

use crate::commands::ids::path_part;
use crate::commands::names;
use crate::global::Global;
use crate::output::{Report, Table};

/// Send events to a receiver once more
///
/// Those that were given up are sent, and those that wait are tried at once; with --after it is everything behind an entry
/// of the record. A receiver knows by the id of a message that it has it already.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera events replay siem --yes
  sessera events replay siem --after 4711")]
pub(crate) struct ReplayEvents {
    /// The name of the sink
    #[arg(value_parser = path_part, add = names::sinks())]
    sink: String,
    /// The number of the entry of the record behind which everything is sent
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
}

impl ReplayEvents {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let name = &self.sink;
        let sinks = context.client.sinks().await?;
        let Some(sink) = sinks.iter().find(|sink| sink.name == *name) else {
            bail!(
                "there is no sink \"{name}\", so nothing was done. List those that there are: sessera list sinks"
            );
        };
        if self.after.is_none() && sink.given_up == 0 && sink.waiting == 0 {
            context.output.done(&format!(
                "Nothing was given up for {name} and nothing waits, so nothing was done. \"--after NUMBER\" sends everything behind an entry of the record."
            ));
            return Ok(());
        }
        if let Some(after) = self.after {
            let newest = context.client.audit(&AuditQuery::default(), Some(1), None).await?;
            let last = newest.items.first().map_or(0, |entry| entry.number);
            if !(0..=last).contains(&after) {
                bail!(
                    "the record has no entry {after}: its last one is {last}, so nothing was done. 0 stands for all of it"
                );
            }
        }
        let question = match self.after {
            None => format!(
                "Send {name} the {} events once more that were given up, and try the {} that wait at once?",
                sink.given_up, sink.waiting
            ),
            Some(after) => format!(
                "Send {name} everything once more that stands behind the entry {after} of the record? It has come to the entry {}.",
                sink.number
            ),
        };
        context.confirm(&question)?;
        context.client.replay_events(name, self.after).await?;
        context.output.done(&format!("Events are sent to {name} once more."));
        let mut table = Table::new(&["NAME"]);
        table.row([name]);
        context.output.print(&Report { json: json!([name]), table, ids: vec![name.clone()] })
    }
}
