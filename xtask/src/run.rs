//! `cargo xtask test`: one step after the other, each with its name on the screen.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Runs all steps and stops at the first one that fails.
pub(crate) fn test() -> Result<()> {
    step("format", "cargo", &["fmt", "--all", "--check"])?;
    step("lints", "cargo", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    step("tests", "cargo", &["test", "--workspace", "--locked"])
}

#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
fn step(name: &str, program: &str, arguments: &[&str]) -> Result<()> {
    println!("== {name}");
    let status =
        Command::new(program).args(arguments).status().with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("the step \"{name}\" failed: {program} {}", arguments.join(" "));
    }
    Ok(())
}
