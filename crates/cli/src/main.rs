//! Sessera turns sign-in sessions into signed JSON Web Tokens.
#![expect(clippy::doc_markdown, reason = "documentation of commands is shown as it is, without Markdown")]

mod commands;
mod global;
mod log;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::global::Global;

/// Sessera turns sign-in sessions into signed JSON Web Tokens
///
/// `sessera serve` runs the server with no configuration at all. The other commands talk to its admin API,
/// on this machine unless --endpoint says otherwise, in the form VERB NOUN: `sessera create jwk`,
/// `sessera patch identity-config`, `sessera list sessions`.
#[derive(Parser)]
#[command(name = "sessera", version, propagate_version = true, after_long_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  Run the server, then make a key set and a template that signs with it:
    sessera serve
    sessera create jwk my-keys --alg ES256
    sessera patch identity-config --add '/session/whoami/tokenizer/templates/my-token={\"jwks_url\":\"set://my-keys\",\"ttl\":\"10m\"}'

  Hand out the public keys, with which anybody can verify the tokens:
    sessera get jwk my-keys --format json-pretty > public.jwks.json

  See what the server knows:
    sessera template list
    sessera list sessions --active";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command.run(&arguments.global).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::say(&format!("Error: {}", global::explain(&error)));
            ExitCode::FAILURE
        }
    }
}
