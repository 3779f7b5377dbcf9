//! `sessera list audit`

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use sessera_client::audit::{AuditEntry, AuditQuery};

use super::paging::{self, Paging};
use crate::commands::managed_sets::second;
use crate::global::{Context, Global};
use crate::offline::times;
use crate::output::{Report, Table};

/// How often the server is asked for more.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// List what happened, the newest first
///
/// The record has sign-ins and those that were refused, ended sessions, changed identities, keys and configurations, admin
/// tokens, and requests to the admin API that were refused: who did it, from where, and by which request.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list audit
  sessera list audit --action session_began --since 2026-01-31T00:00:00Z
  sessera list audit --outcome refused --since 1h
  sessera list audit --actor support --format json-pretty
  sessera list audit --follow")]
pub(crate) struct ListAudit {
    /// Only this action, for example session_began
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only what was done, or only what was refused
    #[arg(long, value_name = "OUTCOME", value_parser = ["done", "refused"])]
    outcome: Option<String>,
    /// Only by the admin token with this name, the identity with this id, or actors of this kind
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Only about the identity with this id
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    /// Only about the session with this id
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Not before this time, or so long ago, for example 1h
    #[arg(long, value_name = "TIME|DURATION", value_parser = times::moment)]
    since: Option<String>,
    /// Before this time, or so long ago
    #[arg(long, value_name = "TIME|DURATION", value_parser = times::moment)]
    until: Option<String>,
    /// Go on with what happens from now on, until the command is stopped
    #[arg(long, conflicts_with_all = ["page_size", "page_token", "all", "until"])]
    follow: bool,
    #[command(flatten)]
    paging: Paging,
}

impl ListAudit {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let mut query = AuditQuery { filters: self.filters(), after: None };
        if self.follow {
            return follow(&context, &mut query).await;
        }
        let client = &context.client;
        let ask =
            async |size, token: Option<String>| Ok(client.audit(&query, size, token.as_deref()).await?);
        let (entries, next) = self.paging.follow(ask).await?;
        context.output.print(&report(&entries)?)?;
        paging::say_more(&context.output, next.as_deref());
        Ok(())
    }

    fn filters(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("action", &self.action),
            ("outcome", &self.outcome),
            ("actor", &self.actor),
            ("identity", &self.identity),
            ("session", &self.session),
            ("since", &self.since),
            ("until", &self.until),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

/// Prints what happens from now on.
async fn follow(context: &Context, query: &mut AuditQuery) -> Result<()> {
    let newest = context.client.audit(&AuditQuery::default(), Some(1), None).await?;
    let mut after = newest.items.first().map_or(0, |entry| entry.number);
    loop {
        query.after = Some(after);
        let mut token = None;
        loop {
            let part = context.client.audit(query, None, token.as_deref()).await?;
            if let Some(last) = part.items.last() {
                after = last.number;
                context.output.print(&report(&part.items)?)?;
            }
            token = part.next;
            if token.is_none() {
                break;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn report(entries: &[AuditEntry]) -> Result<Report> {
    let mut table = Table::with_cut_last(&["NUMBER", "AT", "ACTION", "OUTCOME", "ACTOR", "ABOUT"]);
    for entry in entries {
        let text = |name: &str| entry.content.get(name).map(shown).unwrap_or_default();
        let number = entry.number.to_string();
        let count = entry.content.get("count").map(|count| format!("count={count} "));
        table.row([
            number,
            second(entry.at).to_string(),
            text("action"),
            text("outcome"),
            text("actor"),
            count.unwrap_or_default() + &text("about"),
        ]);
    }
    let ids = entries.iter().map(|entry| entry.number.to_string()).collect();
    Ok(Report { json: serde_json::to_value(entries)?, table, ids })
}

/// A value on one line: texts as they are, objects as their members.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, member)| match name.as_str() {
                "kind" => shown(member),
                name => format!("{name}={}", shown(member)),
            });
            members.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
