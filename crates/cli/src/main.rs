//! Sessera turns sign-in sessions into signed JSON Web Tokens.

mod commands;
mod log;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Sessera turns sign-in sessions into signed JSON Web Tokens
///
/// `sessera serve` runs the server with no configuration at all; `sessera demo` plays the whole path from
/// a key to a verified token in a temporary folder.
#[derive(Parser)]
#[command(name = "sessera", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(commands::serve::Serve),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(serve) => serve.run().await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            commands::say(&format!("Error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
