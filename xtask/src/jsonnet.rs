//! Tests of the Jsonnet engine that need other programs, which are go-jsonnet and a fuzzer.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::instructions;
use crate::run::{run, run_together, skipped, target, workspace};
use crate::tools::python;

/// The instrumentation that libFuzzer steers by. It is part of the stable compiler.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// The platform that the fuzz targets are built for.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

fn engine() -> PathBuf {
    workspace().join("crates/jsonnet")
}

/// Runs random programs and programs with odd arguments here and in go-jsonnet, and fails when the results
/// differ.
pub(crate) fn differential(seed: u64, count: u64) -> Result<()> {
    let python = python("crates/jsonnet/fuzz/requirements.txt")?;
    let program = instructions::example("differential")?;
    let compare = |arguments: &[String]| {
        run(Command::new(&python).arg(engine().join("fuzz/differential.py")).arg(&program).args(arguments))
    };
    compare(&["arguments".to_owned()])?;
    compare(&[seed.to_string(), count.to_string()])
}

/// Feeds the parser and the evaluator with what a fuzzer makes up, for some seconds each.
pub(crate) fn fuzz(seconds: u64) -> Result<()> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        skipped("the fuzz targets of the Jsonnet engine", "they are built for Linux on x86-64 only");
        return Ok(());
    }
    let folder = engine().join("fuzz");
    let built = target().join("fuzz");
    run(Command::new("cargo")
        .args(["build", "--release", "--target", PLATFORM, "--target-dir"])
        .arg(&built)
        .env("RUSTFLAGS", INSTRUMENTATION)
        .current_dir(&folder))?;
    std::fs::create_dir_all(folder.join("artifacts"))?;
    let mut targets = Vec::new();
    for name in ["parser", "evaluator"] {
        let corpus = folder.join("corpus").join(name);
        std::fs::create_dir_all(&corpus)?;
        let mut target = Command::new(built.join(PLATFORM).join("release").join(name));
        target
            .arg(&corpus)
            .arg(format!("-max_total_time={seconds}"))
            .args(["-timeout=10", "-rss_limit_mb=1024", "-artifact_prefix=artifacts/", "-verbosity=0"])
            .current_dir(&folder);
        targets.push(target);
    }
    run_together(&mut targets)
}
