//! `sessera list identities`

use anyhow::Result;
use clap::Args;
use serde_json::json;
use sessera_client::identities::IdentityQuery;

use super::paging::{self, Paging};
use crate::commands::identities;
use crate::global::Global;

/// List identities, in the order of their ids
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list identities
  sessera list identities --identifier ada@example.org
  sessera list identities --all --format json > identities.json")]
pub(crate) struct ListIdentities {
    #[command(flatten)]
    paging: Paging,
    /// List only the identity that signs in with this, for example with an e-mail address
    #[arg(long, value_name = "IDENTIFIER")]
    identifier: Option<String>,
}

impl ListIdentities {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let client = &context.client;
        let (found, next) = self
            .paging
            .follow(async |page_size, page_token| {
                let identifier = self.identifier.clone();
                Ok(client.identities(&IdentityQuery { page_size, page_token, identifier }).await?)
            })
            .await?;
        let json = json!({ "identities": found, "next_page_token": next });
        context.output.print(&identities::report(&found, json))?;
        paging::say_more(&context.output, next.as_deref());
        Ok(())
    }
}
