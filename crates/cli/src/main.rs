//! Sessera turns sign-in sessions into signed JSON Web Tokens.
#![expect(clippy::doc_markdown, reason = "documentation of commands is shown as it is, without Markdown")]

mod commands;
mod failure;
mod global;
mod input;
mod log;
mod offline;
mod output;
mod service_manager;
mod upstream_address;
mod upstream_options;
mod values;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::thread::available_parallelism;

use anyhow::Result;
use clap::{CommandFactory as _, Parser};
use clap_complete::CompleteEnv;
use tokio::runtime::{Builder, Runtime};

use crate::commands::Command;
use crate::global::Global;
use crate::service_manager::Inherited;

/// Sessera turns sign-in sessions into signed JSON Web Tokens
///
/// `sessera demo` plays the whole path, from a key to a verified token, and leaves nothing behind.
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
    sessera patch identity-config --add \\
      '/session/whoami/tokenizer/templates/my-token={
        \"jwks_url\":\"set://my-keys\",\"ttl\":\"10m\"}'

  Hand out the public keys, with which anybody can verify the tokens:
    sessera get jwk my-keys --format json-pretty > public.jwks.json

  See what the server knows:
    sessera template list
    sessera list sessions --active";

/// Requests allocate many small pieces on all cores at once.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What programs get when the command line itself is wrong, as clap has it.
const USAGE: u8 = 2;

/// The variable by which a shell asks for completions, as the script of "sessera completions" sets it.
const COMPLETE_VARIABLE: &str = "SESSERA_COMPLETE";

fn main() -> ExitCode {
    // Ends the program when a shell asks.
    CompleteEnv::with_factory(Arguments::command).var(COMPLETE_VARIABLE).complete();
    match runtime() {
        Ok(runtime) => runtime.block_on(run(Inherited::take())),
        Err(error) => {
            output::say(&format!("cannot begin: {error}. Look at the limits of threads and of open files"));
            ExitCode::FAILURE
        }
    }
}

/// What runs everything that waits. On one core there is nobody to share work with, and to be ready for it costs a server a
/// twentieth of its rate.
fn runtime() -> io::Result<Runtime> {
    let mut builder = match available_parallelism() {
        Ok(cores) if cores.get() == 1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

async fn run(inherited: Inherited) -> ExitCode {
    let given: Vec<OsString> = std::env::args_os().collect();
    let form = failure::Form::asked_for(&given);
    let arguments = match arguments(given) {
        Ok(arguments) => arguments,
        Err(error) => {
            output::say(&form.show(&error));
            return ExitCode::FAILURE;
        }
    };
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        // Help and version are no failures.
        Err(error) if !error.use_stderr() => error.exit(),
        // For people clap's own words are best, in which arguments stand that somebody else may have made.
        Err(error) if form == failure::Form::Text => {
            output::say(error.render().to_string().trim_end());
            return ExitCode::from(USAGE);
        }
        Err(error) => {
            output::say(&form.show(&failure::of_usage(&error)));
            return ExitCode::from(USAGE);
        }
    };
    match Box::pin(arguments.command.run(&arguments.global, inherited)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&form.show(&error));
            ExitCode::FAILURE
        }
    }
}

/// The arguments, those joined that the shell has split inside a value of `patch`.
fn arguments(given: Vec<OsString>) -> Result<Vec<OsString>> {
    let texts: Option<Vec<String>> = given.iter().map(|text| text.to_str().map(str::to_owned)).collect();
    let Some(texts) = texts.filter(|texts| texts.iter().any(|text| text == "patch")) else {
        return Ok(given);
    };
    let values::Rejoined { arguments, said } = values::rejoin(texts)?;
    for text in said {
        output::warn(&text);
    }
    Ok(arguments.into_iter().map(OsString::from).collect())
}

#[cfg(test)]
#[path = "main_tests.rs"]
mod tests;
