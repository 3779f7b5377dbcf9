//! `sessera upstream`

mod check;
mod probe;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// What can be done with an upstream.
#[derive(Subcommand)]
pub(crate) enum Upstream {
    Check(check::Check),
}

impl Upstream {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Check(command) => command.run(global).await,
        }
    }
}
