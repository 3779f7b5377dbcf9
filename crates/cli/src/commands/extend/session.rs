//! `sessera extend session`

use anyhow::Result;
use clap::Args;
use sessera_model::Uuid;

use crate::commands::names;
use crate::commands::{ids, sessions};
use crate::global::Global;

/// Make a session last longer
///
/// It then ends session.lifespan from now. A session that ends later than session.earliest_possible_extend
/// from now stays as it is.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera extend session 0b6f2c9e-6a4e-4f0e-9f4e-2f1d8a3b5c7d")]
pub(crate) struct ExtendSession {
    /// Its id
    #[arg(value_parser = ids::session, add = names::sessions())]
    id: Uuid,
}

impl ExtendSession {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let session = context.client.extend_session(self.id).await?;
        let json = serde_json::to_value(&session)?;
        context.output.print(&sessions::report(&[session], json))
    }
}
