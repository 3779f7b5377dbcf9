//! Licences and known faults of the libraries that are built in.

use std::process::Command;

use anyhow::Result;

use crate::run::{run, skipped};
use crate::tools::find;

/// Checks licences and sources, and the advisories where their list can be fetched.
pub(crate) fn check() -> Result<()> {
    if find("cargo-deny").is_none() {
        let installed = run(Command::new("cargo").args(["install", "--quiet", "--locked", "cargo-deny"]));
        if installed.is_err() {
            skipped("licences and advisories", "cargo-deny cannot be installed here");
            return Ok(());
        }
    }
    run(Command::new("cargo").args(["deny", "--locked", "check", "licenses", "bans", "sources"]))?;
    let fetched = Command::new("cargo").args(["deny", "fetch", "db"]).status().is_ok_and(|s| s.success());
    if !fetched {
        skipped("advisories", "their list cannot be fetched from here");
        return Ok(());
    }
    run(Command::new("cargo").args(["deny", "--locked", "check", "advisories"]))
}
