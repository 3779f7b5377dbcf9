//! The project's chores. `cargo xtask test` runs everything that must pass before a change lands.

mod browser;
mod circles;
mod clients;
mod compare;
mod fuzz;
mod gateways;
mod instructions;
mod jsonnet;
mod libraries;
mod mail;
mod openapi;
mod packages;
mod ports;
mod postgres;
mod published;
mod recipes;
mod reproducible;
mod rotation;
mod run;
mod sbom;
mod ship;
mod soak;
mod supply;
mod test;
mod tools;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::reproducible::Form;

#[derive(Parser)]
#[command(about = "The project's chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Format, lints and all tests; installs what they need
    Test,
    /// Only the tests of the pages, and of the examples of pages on other origins, in a browser
    Browser {
        /// Keep the pictures of the pages in docs/screenshots
        #[arg(long)]
        keep: bool,
    },
    /// Only the check that no two modules of a crate know each other
    Circles {
        /// The folders below crates/ to look at; all of them when none is named
        crates: Vec<String>,
    },
    /// Only the tests with real clients, which are Ory's SDK and jose under Node and PyJWT under Python
    Clients,
    /// Only the tests of the gateway with real proxies: nginx, Caddy, HAProxy and Envoy
    Gateways,
    /// Only the libraries in clients/, which play their common table and verify a token of a real server
    Libraries,
    /// Only the tests of mail, which send codes through a real mail server
    Mail,
    /// Only the OpenAPI documents, which schemathesis holds against a running server
    Openapi {
        /// How many requests are made up for each route; a thorough run takes 200
        #[arg(default_value_t = openapi::FEW)]
        examples: u32,
    },
    /// Build the package for Debian; not part of "test"
    Deb,
    /// Only the package for Debian and the other files of packaging/
    Packages,
    /// Only what needs PostgreSQL, which is the store's tests, three nodes behind nginx, standbys and faults
    Postgres,
    /// Only the tokens of recipes before the real verifiers of the services that they are for
    Recipes {
        /// Those too that take minutes to build, which "test" leaves out: Centrifugo
        #[arg(long)]
        all: bool,
    },
    /// Build the program of the last commit as it is given to others in two places, and compare the bytes; "test" has it in short
    Reproducible {
        /// A small program instead, in less time
        #[arg(long)]
        short: bool,
    },
    /// Only the rotation of keys on three nodes, with verifiers in three languages
    Rotation {
        /// How often the key changes; each takes ten seconds
        #[arg(default_value_t = 100)]
        rotations: u64,
    },
    /// Only the comparison of the Jsonnet engine with go-jsonnet over random programs
    Differential {
        /// The seed of the first program
        #[arg(default_value_t = 1)]
        seed: u64,
        /// How many programs
        #[arg(default_value_t = 100_000)]
        count: u64,
    },
    /// Only the fuzz targets
    Fuzz {
        /// How many seconds each target runs
        #[arg(default_value_t = 600)]
        seconds: u64,
    },
    /// Install the program of the crates as they would be published, and run it; not part of "test", which only compiles it
    Install,
    /// Only the instruction counts of mappers, of making tokens and of whoami
    Instructions,
    /// Compare the speed of the Jsonnet engine with jrsonnet's; not part of "test"
    Compare {
        /// A folder with guide.jsonnet, real.jsonnet and session.json
        #[arg(default_value = "crates/jsonnet/benches/mappers")]
        folder: PathBuf,
        /// How often each engine takes its turn
        #[arg(default_value_t = 5)]
        rounds: usize,
    },
    /// Write the list of what is in the program that is given to others into target/ship; "ship" does it, too
    Sbom,
    /// Build the program as it is given to others, with its symbols in a file beside it and a list of what is in it; not part of
    /// "test"
    Ship,
    /// Only the short soak, which is some seconds of load with changes going on and every answer checked
    Soak,
    /// Only the soak before an upstream whose sessions end and change all the time, every answer checked; "test" has it
    /// in short
    SoakUpstream {
        /// How many seconds it goes on
        #[arg(default_value_t = 600)]
        seconds: u64,
    },
    /// Run the benchmarks on a PostgreSQL of their own; not part of "test"
    BenchPostgres {
        /// The arguments of sessera-bench
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
    /// Only the wire contract, which compares answers with recorded ones where the recordings exist, those of a server
    /// that keeps the sessions and those of one in front of it
    Wire {
        /// Only the scenarios whose names match
        #[arg(default_value = "")]
        only: String,
    },
}

/// What failed has told about itself; the last line says which step it was. A stack of this program would only hide
/// that.
#[expect(clippy::print_stderr, reason = "a chore talks to the person who runs it")]
fn main() -> ExitCode {
    if let Err(error) = carry_out(Arguments::parse().chore) {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
fn carry_out(chore: Chore) -> Result<()> {
    match chore {
        Chore::Test => test::all(),
        Chore::Browser { keep } => {
            tools::install()?;
            browser::test(keep)
        }
        Chore::Circles { crates } => circles::check(&crates),
        Chore::Clients => {
            tools::install()?;
            clients::test()
        }
        Chore::Gateways => {
            tools::install()?;
            gateways::test()
        }
        Chore::Libraries => {
            tools::install()?;
            libraries::test()
        }
        Chore::Mail => {
            tools::install()?;
            mail::test()
        }
        Chore::Openapi { examples } => {
            tools::install()?;
            openapi::check(examples)
        }
        Chore::Deb => packages::debian(),
        Chore::Packages => {
            tools::install()?;
            packages::test()
        }
        Chore::Postgres => {
            tools::install()?;
            postgres::test()
        }
        Chore::Recipes { all } => {
            tools::install()?;
            recipes::test(all)
        }
        Chore::Reproducible { short: true } => reproducible::check(Form::Short),
        Chore::Reproducible { short: false } => reproducible::check(Form::Full),
        Chore::Rotation { rotations } => {
            tools::install()?;
            rotation::test(rotations)
        }
        Chore::Differential { seed, count } => {
            tools::install()?;
            jsonnet::differential(seed, count)
        }
        Chore::Fuzz { seconds } => {
            tools::install()?;
            fuzz::run_all(seconds)
        }
        Chore::Install => published::install(),
        Chore::Instructions => instructions::check(),
        Chore::Compare { folder, rounds } => compare::run_in_turn(&folder, rounds),
        Chore::Sbom => {
            println!("{}", sbom::write(&run::target().join("ship"))?.display());
            Ok(())
        }
        Chore::Ship => ship::build(),
        Chore::Soak => soak::check(),
        Chore::SoakUpstream { seconds } => soak::before_an_upstream(seconds),
        Chore::BenchPostgres { arguments } => {
            tools::install()?;
            postgres::bench(&arguments)
        }
        Chore::Wire { only } => wire::check(&only),
    }
}
