//! One folder for each verb, and in it one file for each noun: `sessera create jwk` is in
//! `create/jwk.rs`. Commands without a noun have a file here.

mod create;
mod delete;
mod get;
mod keys;
mod list;
pub(crate) mod serve;
mod template;

use anyhow::Result;
use clap::Subcommand;

use crate::global::Global;

/// Every command.
#[derive(Subcommand)]
pub(crate) enum Command {
    Serve(serve::Serve),
    /// Make key sets and identities
    #[command(subcommand)]
    Create(create::Create),
    /// Show key sets and the configuration
    #[command(subcommand)]
    Get(get::Get),
    /// List key sets
    #[command(subcommand)]
    List(list::List),
    /// Delete key sets
    #[command(subcommand)]
    Delete(delete::Delete),
    /// Look at tokenizer templates
    #[command(subcommand)]
    Template(template::Template),
}

impl Command {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Serve(serve) => serve.run().await,
            Self::Create(create) => create.run(global).await,
            Self::Get(get) => get.run(global).await,
            Self::List(list) => list.run(global).await,
            Self::Delete(delete) => delete.run(global).await,
            Self::Template(template) => template.run(global).await,
        }
    }
}

/// Says something to the person, beside the output.
#[expect(clippy::print_stderr, reason = "the command line talks to a person")]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
