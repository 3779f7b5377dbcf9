//! What the commands on sessions share.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};
use sessera_client::sessions::{Ending, Session, SessionQuery, Whose};
use sessera_model::{Timestamp, Uuid};

use super::{identities, ids};
use crate::commands::ids::path_part;
use crate::commands::names;
use crate::global::Context;
use crate::offline::times::{self, about};
use crate::output::{Report, Table};

/// A report of sessions, as a table for people and as they came for programs.
pub(super) fn report(sessions: &[Session], json: Value) -> Report {
    let mut table = Table::with_cut_last(&["ID", "AAL", "ENDS", "IDENTITY"]);
    let now = times::or_now(None);
    for session in sessions {
        table.row([
            session.id.to_string(),
            session.authenticator_assurance_level.clone().unwrap_or_default(),
            ends(session, now),
            session.identity.as_ref().map(identities::label).unwrap_or_default(),
        ]);
    }
    let ids = sessions.iter().map(|session| session.id.to_string()).collect();
    Report { json, table, ids }
}

/// When a session ends, or that it is over.
fn ends(session: &Session, now: Timestamp) -> String {
    let at = session.expires_at.as_deref().and_then(Timestamp::parse);
    match at {
        Some(at) if session.active && at > now => format!("in {}", about(at.since(now))),
        _ if session.active && at.is_none() => String::new(),
        _ => "ended".into(),
    }
}

/// A report of ids.
pub(super) fn ids_report(ids: &[Uuid]) -> Report {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut table = Table::new(&["ID"]);
    for id in &ids {
        table.row([id]);
    }
    Report { json: json!(ids), table, ids }
}

/// Which sessions to end.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// Ids of sessions
    #[arg(value_name = "ID", value_parser = ids::session, add = names::sessions())]
    pub(super) ids: Vec<Uuid>,
    /// All sessions of the identity with this id, or with this identifier such as an e-mail address
    #[arg(long, value_name = "IDENTITY", value_parser = path_part, add = names::identities())]
    pub(super) identity: Option<String>,
    /// All sessions of everybody
    #[arg(long)]
    pub(super) all: bool,
}

impl Which {
    /// The sessions, each once, when all of them are there; nothing is ended before that is known.
    pub(super) async fn existing(self, context: &Context) -> Result<Vec<Uuid>> {
        let mut ids = self.ids;
        ids.sort_unstable();
        // Whoever names one twice means one.
        ids.dedup();
        for id in &ids {
            match context.client.session(*id).await {
                Err(error) if error.is_not_found() => bail!(
                    "there is no session {id}, so nothing was done. \"sessera list sessions\" shows those that are there"
                ),
                other => drop(other?),
            }
        }
        Ok(ids)
    }
}

/// Sessions in words, for questions and answers.
pub(super) fn counted(number: usize) -> String {
    if number == 1 { "1 session".into() } else { format!("{number} sessions") }
}

/// Ends everybody's sessions.
pub(super) async fn end_all(context: &Context, ending: Ending) -> Result<()> {
    context.confirm("End the sessions of everybody? They all have to sign in again.")?;
    let count = context.client.end_sessions(ending, Whose::Everybodys).await?;
    context.output.done(&format!("Ended the sessions of everybody: {count}."));
    let mut table = Table::new(&["ENDED"]);
    table.row([count.to_string()]);
    context.output.print(&Report { json: json!({ "ended": count }), table, ids: Vec::new() })
}

/// All live sessions of an identity.
pub(super) async fn live_sessions_of(context: &Context, identity: Uuid) -> Result<Vec<Uuid>> {
    let mut query = SessionQuery { active: Some(true), identity: Some(identity), ..SessionQuery::default() };
    let mut ids = Vec::new();
    loop {
        let part = context.client.sessions(&query).await?;
        ids.extend(part.items.iter().map(|session| session.id));
        query.page_token = part.next;
        if query.page_token.is_none() {
            return Ok(ids);
        }
    }
}
