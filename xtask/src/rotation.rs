//! Keys that take turns on three nodes, and verifiers in three languages that must never refuse a token.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::postgres::Cluster;
use crate::run::{run, sessera, skipped, workspace};
use crate::tools::{self, find};

/// Lets the key change so often, which takes ten seconds each; with nodes killed and the database restarted.
pub(crate) fn test(rotations: u64) -> Result<()> {
    let program = sessera()?;
    let verifiers = verifiers()?;
    let cluster = Cluster::start("rotation")?;
    run(cluster
        .python("tests/nodes/test_rotation.py", &program)?
        .env("VERIFIERS", verifiers)
        .env("ROTATIONS", rotations.to_string()))
}

/// The commands of the verifiers by their languages, as JSON.
fn verifiers() -> Result<String> {
    let folder = workspace().join("tests/clients");
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))?;
    let python = tools::python("tests/clients/requirements.txt")?;
    let folder = folder.join("verifiers");
    let mut commands = vec![
        entry("jose", &[Path::new("node"), &folder.join("verifier.mjs")]),
        entry("PyJWT", &[&python, &folder.join("verifier.py")]),
    ];
    if find("javac").is_some() && find("mvn").is_some() {
        let jars = nimbus(&folder)?;
        let program = folder.join("Verifier.java");
        commands.push(entry("Nimbus", &[Path::new("java"), Path::new("-cp"), &jars.join("*"), &program]));
    } else {
        skipped("the verifier in Java", "a Java development kit or Maven is not installed");
    }
    Ok(format!("{{{}}}", commands.join(",")))
}

/// A member of a JSON object: a name and a command.
fn entry(name: &str, command: &[&Path]) -> String {
    let parts: Vec<String> = command.iter().map(|part| format!("{:?}", part.display().to_string())).collect();
    format!("\"{name}\":[{}]", parts.join(","))
}

/// The folder with the jars of the verifier in Java.
fn nimbus(folder: &Path) -> Result<PathBuf> {
    let jars = workspace().join("target/java");
    run(Command::new("mvn")
        .args(["--batch-mode", "--quiet", "dependency:copy-dependencies", "--file"])
        .arg(folder.join("pom.xml"))
        .arg(format!("-DoutputDirectory={}", jars.display())))?;
    Ok(jars)
}
