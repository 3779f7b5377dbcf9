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
    let mut counted = Vec::new();
    for part in PARTS {
        counted.extend(short(&clients, part)?);
    }
    is_all(&clients, &counted)?;
    node(&beside, &clients.join("node"))?;
    python_library(&beside, &clients.join("python"))?;
    go(&beside, &clients.join("go"))?;
    java(&beside, &clients.join("java"))?;
    let tests = ["test", "--workspace", "--locked", "--test", "conformance", "--test", "layer"];
    beside.run(&workspace(), "cargo", &tests)?;
    packed()
}

/// Packs each library by the tools of its language, and uses what comes out.
fn packed() -> Result<()> {
    let python = tools::python("tests/libraries/requirements.txt")?;
    let jars = tools::has_java().then(jars);
    run(Command::new(&python)
        .arg(workspace().join("tests/libraries/test_packed.py"))
        .env("PYTHONPATH", python_path())
        .envs(jars.map(|folder| ("JARS", folder))))
}

/// Where the library in Java is built.
fn jars() -> PathBuf {
    target().join("java-library")
}

/// What verifies in each library, what asks once for many, and the optional parts.
const PARTS: [&[&str]; 25] = [
    &[
        "node/src/index.js",
        "node/src/errors.js",
        "node/src/settings.js",
        "node/src/verify.js",
        "node/src/frameworks.js",
    ],
    &["node/src/shared.js"],
    &["node/src/hold.js"],
    &["node/src/events.js"],
    &[
        "python/src/sessera_tokens/__init__.py",
        "python/src/sessera_tokens/errors.py",
        "python/src/sessera_tokens/fetch.py",
        "python/src/sessera_tokens/verify.py",
    ],
    &["python/src/sessera_tokens/shared.py"],
    &["python/src/sessera_tokens/hold.py"],
    &["python/src/sessera_tokens/events.py"],
    &["python/src/sessera_tokens/django.py", "python/src/sessera_tokens/fastapi.py"],
    &["go/tokens.go", "go/verify.go", "go/http.go"],
    &["go/internal/shared/shared.go"],
    &["go/status/status.go"],
    &["go/events/events.go"],
    &["go/hold/hold.go"],
    &["rust/src/lib.rs", "rust/src/fetch.rs", "rust/src/verify.rs"],
    &["rust/src/shared.rs"],
    &["rust/src/layer.rs"],
    &["rust/src/status.rs"],
    &["rust/src/events.rs"],
    &["rust/src/hold.rs"],
    &["java/src/main/java/dev/sessera/tokens"],
    &["java/src/main/java/dev/sessera/tokens/shared"],
    &["java/src/main/java/dev/sessera/tokens/status"],
    &["java/src/main/java/dev/sessera/tokens/events"],
    &["java/src/main/java/dev/sessera/tokens/hold"],
];

/// The folders with sources, the ending of their files, and what is in them for tests alone.
const SOURCES: [(&str, &str, &str); 5] = [
    ("node/src", ".js", "test"),
    ("python/src", ".py", "test"),
    ("go", ".go", "table"),
    ("rust/src", ".rs", "test"),
    ("java/src/main", ".java", "test"),
];

/// Fails when a file with sources is in no part, so that nobody counts its lines.
fn is_all(clients: &Path, counted: &[PathBuf]) -> Result<()> {
    for (folder, ending, tests) in SOURCES {
        let mut folders = vec![clients.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
                let path = entry?.path();
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if path.is_dir() && name != tests {
                    folders.push(path);
                } else if path.is_file()
                    && name.ends_with(ending)
                    && !name.ends_with(&format!("_test{ending}"))
                {
                    ensure!(
                        counted.contains(&path),
                        "{} is in no part of a library: add it to PARTS",
                        path.display()
                    );
                }
            }
        }
    }
    Ok(())
}

/// Counts the lines of a part, comments among them, of which it may have less than 300, and returns its files. A folder stands for
/// the files in it.
fn short(clients: &Path, part: &[&str]) -> Result<Vec<PathBuf>> {
    let (mut lines, mut counted) = (0, Vec::new());
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
            counted.push(file);
        }
    }
    ensure!(lines < 300, "{} has {lines} lines: split off what is optional", part.join(", "));
    Ok(counted)
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
    let build = format!("-Dbuild={}", jars().display());
    beside.run(folder, "mvn", &["--batch-mode", "--quiet", &build, "verify"])
}
