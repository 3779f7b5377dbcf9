//! `sessera list sessions`

use anyhow::Result;
use clap::Args;
use serde_json::json;
use sessera_client::sessions::SessionQuery;

use super::paging::{self, Paging};
use crate::commands::ids::path_part;
use crate::commands::names;
use crate::commands::{identities, sessions};
use crate::global::Global;

/// List sessions, newest first
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list sessions --active
  sessera list sessions --identity ada@example.org
  sessera list sessions --all --format jsonpath=sessions.#.id")]
pub(crate) struct ListSessions {
    #[command(flatten)]
    paging: Paging,
    /// List only live sessions
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
    /// List only sessions that have ended
    #[arg(long)]
    inactive: bool,
    /// List only the sessions of the identity with this id, or with this identifier such as an e-mail address
    #[arg(long, value_name = "IDENTITY", value_parser = path_part, add = names::identities())]
    identity: Option<String>,
}

impl ListSessions {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let owner = match &self.identity {
            Some(who) => Some(identities::find(&context, who).await?),
            None => None,
        };
        let identity = owner.as_ref().map(|owner| owner.id);
        let active = (self.active || self.inactive).then_some(self.active);
        let client = &context.client;
        let (mut found, next) = self
            .paging
            .follow(async |page_size, page_token| {
                Ok(client.sessions(&SessionQuery { page_size, page_token, active, identity }).await?)
            })
            .await?;
        if let Some(owner) = owner {
            for session in &mut found {
                session.identity.get_or_insert_with(|| owner.clone());
            }
        }
        let json = json!({ "sessions": found, "next_page_token": next });
        context.output.print(&sessions::report(&found, json))?;
        paging::say_more(&context.output, next.as_deref());
        Ok(())
    }
}
