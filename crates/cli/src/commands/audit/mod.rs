//! `sessera audit`

mod verify;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be done with the record.
#[derive(Subcommand)]
pub(crate) enum Audit {
    Verify(verify::VerifyAudit),
}

impl Audit {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Verify(command) => command.run(global).await,
        }
    }
}
