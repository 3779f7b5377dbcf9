//! The libraries in `clients/`, which all play the same table and then verify a token of a real server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::run::{node_reporter, python_path, run, sessera, skipped, target, workspace};
use crate::tools;

/// Checks the table, and runs the tests of each library beside a server.
pub(crate) fn test() -> Result<()> {
    let program = sessera()?;
    let python = tools::python("clients/python/tests/requirements.txt")?;
    let clients = workspace().join("clients");
    run(Command::new(&python).arg(clients.join("conformance/make.py")).arg("--check"))?;
    let beside = Beside { program, python };
    for part in PARTS {
        is_short(&clients, part)?;
    }
    node(&beside, &clients.join("node"))?;
    python_library(&beside, &clients.join("python"))?;
    go(&beside, &clients.join("go"))?;
    java(&beside, &clients.join("java"))?;
    let tests = ["test", "--workspace", "--locked", "--test", "conformance", "--test", "layer"];
    beside.run(&workspace(), "cargo", &tests)
}

/// What verifies in each library, and then its optional parts.
const PARTS: [&[&str]; 17] = [
    &[
        "node/src/index.js",
        "node/src/errors.js",
        "node/src/verify.js",
        "node/src/hold.js",
        "node/src/frameworks.js",
    ],
    &["node/src/events.js"],
    &[
        "python/src/sessera_tokens/__init__.py",
        "python/src/sessera_tokens/errors.py",
        "python/src/sessera_tokens/fetch.py",
        "python/src/sessera_tokens/verify.py",
        "python/src/sessera_tokens/hold.py",
    ],
    &["python/src/sessera_tokens/events.py"],
    &["go/tokens.go", "go/verify.go", "go/http.go"],
    &["go/status/status.go"],
    &["go/events/events.go"],
    &["go/hold/hold.go"],
    &["rust/src/lib.rs", "rust/src/fetch.rs", "rust/src/verify.rs"],
    &["rust/src/layer.rs"],
    &["rust/src/status.rs"],
    &["rust/src/events.rs"],
    &["rust/src/hold.rs"],
    &["java/src/main/java/dev/sessera/tokens"],
    &["java/src/main/java/dev/sessera/tokens/status"],
    &["java/src/main/java/dev/sessera/tokens/events"],
    &["java/src/main/java/dev/sessera/tokens/hold"],
];

/// Counts the lines of a part, comments among them, of which it may have less than 300. A folder stands for the files in it.
fn is_short(clients: &Path, part: &[&str]) -> Result<()> {
    let mut lines = 0;
    for place in part {
        let place = clients.join(place);
        let files: Vec<PathBuf> = if place.is_dir() {
            let entries: Vec<_> = fs::read_dir(&place)?.collect::<Result<_, _>>()?;
            entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()).collect()
        } else {
            vec![place]
        };
        for file in files {
            let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            lines += text.lines().filter(|line| !line.trim().is_empty()).count();
        }
    }
    ensure!(lines < 300, "{} has {lines} lines: split off what is optional", part.join(", "));
    Ok(())
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
