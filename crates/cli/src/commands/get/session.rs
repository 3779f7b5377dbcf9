//! `sessera get session`

use anyhow::Result;
use clap::Args;
use sessera_model::Uuid;

use crate::commands::names;
use crate::commands::{ids, sessions};
use crate::global::Global;

/// Show a session with its identity and devices
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera get session 0b6f2c9e-6a4e-4f0e-9f4e-2f1d8a3b5c7d --format json-pretty")]
pub(crate) struct GetSession {
    /// Its id
    #[arg(value_parser = ids::session, add = names::sessions())]
    id: Uuid,
}

impl GetSession {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let session = context.client.session(self.id).await?;
        let json = serde_json::to_value(&session)?;
        context.output.print(&sessions::report(&[session], json))
    }
}
