//! `sessera events`

mod replay;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be done with events.
#[derive(Subcommand)]
pub(crate) enum Events {
    Replay(replay::ReplayEvents),
}

impl Events {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Replay(command) => command.run(global).await,
        }
    }
}
