//! The fuzz targets, which stand in `fuzz/src/bin`, one program each.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run::{Urgency, as_many_as_processors, run, run_together, skipped, target, workspace};

/// The instrumentation that libFuzzer steers by. It is part of the stable compiler.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// The platform that the targets are built for.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// From how many seconds on it pays to optimise the targets.
const LONG: u64 = 60;

/// Builds the targets, to be run for so many seconds.
pub(crate) fn build(seconds: u64, urgency: Urgency) -> Result<()> {
    if !is_possible() {
        return Ok(());
    }
    run(urgency
        .cargo()
        .args(["build", "--profile", profile(seconds), "--target", PLATFORM, "--target-dir"])
        .arg(target().join("fuzz"))
        .env("RUSTFLAGS", INSTRUMENTATION)
        .current_dir(workspace().join("fuzz")))
}

const fn is_possible() -> bool {
    cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu"))
}

const fn profile(seconds: u64) -> &'static str {
    if seconds < LONG { "quick" } else { "release" }
}

/// Feeds each target with what a fuzzer makes up, for some seconds each, as many at once as there are processors.
pub(crate) fn run_all(seconds: u64) -> Result<()> {
    if !is_possible() {
        skipped("the fuzz targets", "they are built for Linux on x86-64 only");
        return Ok(());
    }
    build(seconds, Urgency::Now)?;
    let folder = workspace().join("fuzz");
    std::fs::create_dir_all(folder.join("artifacts"))?;
    let programs = target().join("fuzz").join(PLATFORM).join(profile(seconds));
    let mut targets = Vec::new();
    for name in names(&folder.join("src/bin"))? {
        let corpus = folder.join("corpus").join(&name);
        std::fs::create_dir_all(&corpus)?;
        let mut target = Command::new(programs.join(&name));
        target
            .arg(&corpus)
            .arg(format!("-max_total_time={seconds}"))
            .args(["-timeout=60", "-rss_limit_mb=1024", "-artifact_prefix=artifacts/", "-verbosity=0"])
            .current_dir(&folder);
        targets.push(target);
    }
    as_many_as_processors(&mut targets).try_for_each(run_together)
}

/// The names of the targets, in order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let files = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for file in files {
        if let Some(name) = file?.path().file_stem().and_then(|name| name.to_str()) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
