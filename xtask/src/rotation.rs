//! Keys that take turns on three nodes, and verifiers in three languages that must never refuse a token.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::postgres::Cluster;
use crate::run::{run, sessera, workspace};
use crate::tools;

/// Lets the key change so often, while nodes are killed and the database is restarted. Each change takes ten
/// seconds.
pub(crate) fn test(rotations: u64) -> Result<()> {
    let program = sessera()?;
    let verifiers = verifiers()?;
    let cluster = Cluster::start("rotation", "")?;
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
    if let Some(jars) = tools::nimbus()? {
        let program = folder.join("Verifier.java");
        commands.push(entry("Nimbus", &[Path::new("java"), Path::new("-cp"), &jars.join("*"), &program]));
    }
    Ok(format!("{{{}}}", commands.join(",")))
}

/// A member of a JSON object: a name and a command.
fn entry(name: &str, command: &[&Path]) -> String {
    let parts: Vec<String> = command.iter().map(|part| format!("{:?}", part.display().to_string())).collect();
    format!("\"{name}\":[{}]", parts.join(","))
}
