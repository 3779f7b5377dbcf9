//! `sessera list revisions`

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use sessera_client::projects::Revision;
use sessera_model::Timestamp;

use super::audit::shown;
use super::paging::{self, Paging};
use crate::global::Global;
use crate::offline::times::{self, about};
use crate::output::{Report, Table};

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
    #[command(flatten)]
    paging: Paging,
}

impl ListRevisions {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let (client, project) = (&context.client, &context.project);
        let (revisions, next) = self
            .paging
            .follow(async |size, token| Ok(client.revisions(project, size, token.as_deref()).await?))
            .await?;
        let mut table = Table::with_cut_last(&["REVISION", "MADE", "ACTOR", "CHANGES"]);
        let now = times::or_now(None);
        for revision in &revisions {
            let made = Timestamp::parse(&revision.created_at);
            let made = made.map_or_else(String::new, |at| format!("{} ago", about(now.since(at))));
            let actor = revision.actor.as_ref().map(shown).unwrap_or_default();
            table.row([revision.id.to_string(), made, actor, changes(revision)]);
        }
        let ids = revisions.iter().map(|revision| revision.id.to_string()).collect();
        context.output.print(&Report { json: serde_json::to_value(&revisions)?, table, ids })?;
        paging::say_more(&context.output, next.as_deref());
        Ok(())
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
