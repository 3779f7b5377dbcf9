//! `sessera template`

mod list;
mod test;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

pub(super) use list::ListTemplates;

/// What can be done with tokenizer templates.
#[derive(Subcommand)]
pub(crate) enum Template {
    List(ListTemplates),
    Test(test::TestTemplate),
}

impl Template {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::List(command) => command.run(global).await,
            Self::Test(command) => command.run(global).await,
        }
    }
}
