//! How chores run other programs, and what they say on the screen.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Says why something is left out, so that nobody takes it for tested.
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

/// Runs a command in the workspace; anything but success is an error that shows the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    if command.get_current_dir().is_none() {
        command.current_dir(workspace());
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// The program as the tests use it, built when it is not up to date.
pub(crate) fn sessera() -> Result<PathBuf> {
    cargo(&["build", "--locked", "-p", "sessera"])?;
    Ok(target().join("debug/sessera"))
}
