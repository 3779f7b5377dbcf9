//! How chores run other programs, and what they say on the screen.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Says why something is skipped, so that nobody takes it for tested.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn skipped(what: &str, why: &str) {
    println!("-- skipped: {what}, because {why}");
}

/// Runs cargo in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    run(Command::new("cargo").args(arguments))
}

/// Runs cargo in the workspace with some environment variables.
pub(crate) fn cargo_with(arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    run(Command::new("cargo").args(arguments).envs(environment.iter().copied()))
}

/// Runs a command in the workspace. The error of a command that fails shows the command. The command prints no stacks,
/// because they would stand below the lines that say what failed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    command.env("RUST_BACKTRACE", "0");
    if command.get_current_dir().is_none() {
        command.current_dir(workspace());
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        bail!("{program} {} ended with {status}", arguments.join(" "));
    }
    Ok(())
}

/// Runs a command in the workspace and returns what it prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.current_dir(workspace()).output()?;
    if !output.status.success() {
        bail!("{command:?} ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The folder with the modules that all tests in Python share, for `PYTHONPATH`.
pub(crate) fn python_path() -> PathBuf {
    workspace().join("tests")
}

/// The option of Node that makes its test runner report as the other steps do.
pub(crate) fn node_reporter() -> String {
    format!("--test-reporter={}", workspace().join("tests/reporter.mjs").display())
}

/// The folder in which cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// Builds the program as the tests use it, unless it is up to date, and returns its path.
pub(crate) fn sessera() -> Result<PathBuf> {
    cargo(&["build", "--locked", "-p", "sessera"])?;
    Ok(target().join("debug/sessera"))
}
