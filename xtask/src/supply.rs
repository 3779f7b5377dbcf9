//! Licences and known faults of the libraries that are built in.

use std::process::Command;

use anyhow::Result;

use crate::run::{run, skipped};
use crate::tools::find;

/// Where the advisories about Rust libraries are kept.
const ADVISORIES: &str = "https://github.com/rustsec/advisory-db";

/// Checks licences, sources and advisories by deny.toml. It is skipped where the list of advisories cannot be
/// fetched.
pub(crate) fn check() -> Result<()> {
    let reachable = Command::new("git")
        .env("GIT_TERMINAL_PROMPT", "0")
        .args(["-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=10"])
        .args(["ls-remote", "--quiet", ADVISORIES, "HEAD"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !reachable {
        skipped("licences and advisories", &format!("{ADVISORIES} cannot be reached from here"));
        return Ok(());
    }
    if find("cargo-deny").is_none() {
        run(Command::new("cargo").args(["install", "--quiet", "--locked", "cargo-deny"]))?;
    }
    run(Command::new("cargo").args(["deny", "--locked", "check"]))
}
