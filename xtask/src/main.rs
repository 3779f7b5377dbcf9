//! The project's chores. `cargo xtask test` runs everything that must pass before a change lands.

mod run;

use anyhow::Result;
use clap::{Parser, Subcommand};

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
}

fn main() -> Result<()> {
    match Arguments::parse().chore {
        Chore::Test => run::test(),
    }
}
