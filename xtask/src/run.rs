//! How chores run other programs, and what they say on the screen.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::slice::ChunksMut;
use std::thread::available_parallelism;

use anyhow::{Context as _, Result, anyhow, bail};

/// Says why something is skipped, so that nobody takes it for tested.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn skipped(what: &str, why: &str) {
    println!("-- skipped: {what}, because {why}");
}

/// Whether somebody waits for what is built.
#[derive(Clone, Copy)]
pub(crate) enum Urgency {
    /// Nothing else is done in the meantime.
    Now,
    /// Steps run beside it, which come first and whose lines stay together.
    Beside,
}

impl Urgency {
    /// Cargo, without arguments.
    pub(crate) fn cargo(self) -> Command {
        match self {
            Self::Now => Command::new("cargo"),
            Self::Beside => {
                let mut command = Command::new("nice");
                command.args(["-n", "19", "cargo", "--quiet"]);
                command
            }
        }
    }
}

/// Runs cargo in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    run(Command::new("cargo").args(arguments))
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
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// A command as a person types it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
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

/// Builds a program of the workspace as the tests use it, unless it is up to date, and returns its path.
///
/// The command names the whole workspace, as `cargo test --workspace` does. For one package alone, cargo would choose
/// other features of the libraries and build nearly all of them a second time.
pub(crate) fn built(program: &str) -> Result<PathBuf> {
    cargo(&["build", "--workspace", "--bins", "--examples", "--locked"])?;
    Ok(target().join("debug").join(program))
}

/// Builds the server with its command line as the tests use it, and returns its path.
pub(crate) fn sessera() -> Result<PathBuf> {
    built("sessera")
}

/// Commands in groups, each of which has as many as there are processors.
pub(crate) fn as_many_as_processors(commands: &mut [Command]) -> ChunksMut<'_, Command> {
    commands.chunks_mut(available_parallelism().map_or(1, usize::from))
}

/// Runs commands beside each other and prints what each of them said when all have ended, that of a command that
/// failed last.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who runs it")]
pub(crate) fn run_together(commands: &mut [Command]) -> Result<()> {
    let outputs = together(commands)?;
    let mut ended: Vec<_> = commands.iter().zip(outputs).collect();
    ended.sort_by_key(|(_, output)| !output.status.success());
    for (_, output) in &ended {
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    match ended.last() {
        Some((command, output)) if !output.status.success() => {
            bail!("{} ended with {}", line(command), output.status)
        }
        _ => Ok(()),
    }
}

/// Runs commands beside each other and returns what each of them said.
pub(crate) fn together(commands: &mut [Command]) -> Result<Vec<Output>> {
    let started: Vec<_> = commands
        .iter_mut()
        .map(|command| {
            let program = command.get_program().to_string_lossy().into_owned();
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().with_context(|| format!("cannot run {program}"))
        })
        .collect();
    // Each one is read by a thread of its own, because a full pipe would stop the process that writes to it.
    std::thread::scope(|scope| {
        let read = |child: Result<Child>| scope.spawn(|| Ok(child?.wait_with_output()?));
        let readers: Vec<_> = started.into_iter().map(read).collect();
        readers.into_iter().map(|reader| reader.join().map_err(|_| anyhow!("a reader panicked"))?).collect()
    })
}
