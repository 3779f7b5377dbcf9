//! The tests of the pages, and of the examples of pages on other origins, in a real browser.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run::{node_reporter, run, sessera, workspace};
use crate::tools::find;

/// Runs the tests. The pictures of the pages go to `target/screenshots`, and to `docs/screenshots` when
/// `keep` asks for that.
pub(crate) fn test(keep: bool) -> Result<()> {
    let program = sessera()?;
    let folder = workspace().join("tests/browser");
    // The tests of clients have the provider and the program that verifies tokens.
    let others = ["tests/clients", "examples/spa"].map(|folder| workspace().join(folder));
    for folder in [folder.clone()].iter().chain(&others) {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder))?;
    }
    let pictures = if keep { "docs/screenshots" } else { "target/screenshots" };
    run(Command::new("node")
        // The files run one after the other, because each has a browser and a server of its own.
        .args(["--test", &node_reporter(), "--test-concurrency=1"])
        .current_dir(folder)
        .env("SESSERA", program)
        .env("CHROMIUM", find("chromium").context("chromium is not installed")?)
        .env("SCREENSHOTS", workspace().join(pictures)))
}
