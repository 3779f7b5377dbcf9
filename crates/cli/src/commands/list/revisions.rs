//! `sessera list revisions`

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use sessera_client::projects::Revision;
use sessera_model::Uuid;

use crate::commands::ids;
use crate::global::Global;
use crate::output::{Report, Table, second};

/// How many changes of a revision a table shows.
const SHOWN: usize = 2;

/// List the revisions of the identity configuration, newest first
///
/// Each change of the configuration makes a revision. Secrets in it are shown as key ids or short digests.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list revisions
  sessera list revisions --format json-pretty
  sessera rollback identity-config REVISION")]
pub(crate) struct ListRevisions {
    /// The largest number of revisions to list, from 1 to 500
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    page_size: u32,
    /// Begin behind this revision
    #[arg(long, value_name = "REVISION", value_parser = ids::revision)]
    page_token: Option<Uuid>,
}

impl ListRevisions {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let revisions = context.client.revisions(&context.project, self.page_size, self.page_token).await?;
        let mut table = Table::new(&["REVISION", "MADE AT", "CHANGES"]);
        for revision in &revisions {
            table.row([revision.id.to_string(), second(&revision.created_at), changes(revision)]);
        }
        let ids = revisions.iter().map(|revision| revision.id.to_string()).collect();
        context.output.print(&Report { json: serde_json::to_value(&revisions)?, table, ids })
    }
}

/// Says on one line what a revision changed.
fn changes(revision: &Revision) -> String {
    let text = |change: &Value, member: &str| change[member].as_str().unwrap_or_default().to_owned();
    let changes = revision.diff.as_array().into_iter().flatten();
    let changes: Vec<String> =
        changes.map(|change| format!("{} {}", text(change, "op"), text(change, "path"))).collect();
    match changes.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{}, and {more} more", changes[..SHOWN].join(", ")),
        _ => changes.join(", "),
    }
}
