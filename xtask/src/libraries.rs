//! The libraries in `clients/`, which all play the same table and then verify a token of a real server.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::run::{node_reporter, python_path, run, sessera, skipped, target, workspace};
use crate::tools;

/// Checks the table, and runs the tests of each library beside a server.
pub(crate) fn test() -> Result<()> {
    let program = sessera()?;
    let python = tools::python("clients/python/tests/requirements.txt")?;
    let clients = workspace().join("clients");
    run(Command::new(&python).arg(clients.join("conformance/make.py")).arg("--check"))?;
    let beside = Beside { program, python };
    node(&beside, &clients.join("node"))?;
    python_library(&beside, &clients.join("python"))?;
    go(&beside, &clients.join("go"))?;
    java(&beside, &clients.join("java"))?;
    let tests = ["test", "--workspace", "--locked", "--test", "conformance", "--test", "layer"];
    beside.run(&workspace(), "cargo", &tests)
}

/// What runs commands beside a server.
struct Beside {
    program: PathBuf,
    python: PathBuf,
}

impl Beside {
    fn run(&self, folder: &Path, program: impl AsRef<Path>, arguments: &[&str]) -> Result<()> {
        run(Command::new(&self.python)
            .arg(workspace().join("tests/libraries/beside_a_server.py"))
            .arg(program.as_ref())
            .args(arguments)
            .current_dir(folder)
            .env("PYTHONPATH", python_path())
            .env("SESSERA", &self.program))
    }
}

fn node(beside: &Beside, folder: &Path) -> Result<()> {
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))?;
    run(Command::new("npm").args(["run", "--silent", "types"]).current_dir(folder))?;
    beside.run(folder, "node", &["--test", &node_reporter()])
}

/// Installs the package as people do, so its metadata are tried too.
fn python_library(beside: &Beside, folder: &Path) -> Result<()> {
    run(Command::new(&beside.python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--force-reinstall",
        ])
        .arg(folder))?;
    beside.run(
        folder,
        &beside.python,
        &["-W", "ignore", "-m", "unittest", "discover", "--start-directory", "tests"],
    )
}

fn go(beside: &Beside, folder: &Path) -> Result<()> {
    if tools::find("go").is_none() {
        skipped("the library in Go", "Go is not installed");
        return Ok(());
    }
    run(Command::new("go").args(["vet", "./..."]).current_dir(folder))?;
    beside.run(folder, "go", &["test", "-count=1", "./..."])
}

fn java(beside: &Beside, folder: &Path) -> Result<()> {
    if !tools::has_java() {
        skipped("the library in Java", "a Java development kit or Maven is not installed");
        return Ok(());
    }
    let build = format!("-Dbuild={}", target().join("java-library").display());
    beside.run(folder, "mvn", &["--batch-mode", "--quiet", &build, "verify"])
}
