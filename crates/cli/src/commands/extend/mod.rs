//! `sessera extend`

mod session;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be made to last longer.
#[derive(Subcommand)]
pub(crate) enum Extend {
    #[command(visible_alias = "sessions")]
    Session(session::ExtendSession),
}

impl Extend {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Session(command) => command.run(global).await,
        }
    }
}
