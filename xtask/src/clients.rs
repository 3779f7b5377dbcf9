//! The tests with real clients from npm and PyPI, which people run beside Sessera.

use std::process::Command;

use anyhow::Result;

use crate::run::{node_reporter, run, sessera, workspace};
use crate::tools;

/// Follows the guides with `@ory/client`, and verifies tokens with what docs/verifiers.md has for that.
pub(crate) fn test() -> Result<()> {
    let program = sessera()?;
    let python = tools::python("tests/clients/requirements.txt")?;
    let folder = workspace().join("tests/clients");
    run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder))?;
    let mut tests = Command::new("node");
    tests
        .args(["--test", &node_reporter()])
        .current_dir(&folder)
        .env("SESSERA", program)
        .env("PYTHON", python);
    if let Some(jars) = tools::nimbus()? {
        tests.env("JARS", jars);
    }
    run(&mut tests)
}
