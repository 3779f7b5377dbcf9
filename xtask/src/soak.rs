//! A short soak, which is some seconds of load with changes going on and every answer checked.

use std::process::Command;

use anyhow::Result;

use crate::run::{built, run, sessera};

/// Runs the soak on the program that the tests use. BENCHMARKING.md has the long form.
pub(crate) fn check() -> Result<()> {
    let program = sessera()?;
    run(Command::new(built("sessera-bench")?)
        .args(["--people", "300", "--seconds", "3", "soak", "--time", "10s"])
        .env("SESSERA", program))
}

/// Runs the soak before an upstream for so many seconds.
pub(crate) fn before_an_upstream(seconds: u64) -> Result<()> {
    run(Command::new("cargo")
        .args(["test", "--workspace", "--locked", "--test", "upstream", "--"])
        .args(["--nocapture", "a_credential_never_answers_for_another_whatever_goes_on"])
        .env("SESSERA_SOAK", seconds.to_string()))
}
