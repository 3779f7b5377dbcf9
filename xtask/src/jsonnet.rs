//! Tests of the Jsonnet engine that need other programs: go-jsonnet, valgrind, a fuzzer.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, run, skipped, workspace};
use crate::tools::{find, python};

/// The instrumentation that libFuzzer steers by. It is part of the stable compiler.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// The platform that the fuzz targets are built for.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// By how much of a hundred an evaluation may take more instructions than written down.
const TOLERANCE: u64 = 10;

fn engine() -> PathBuf {
    workspace().join("crates/jsonnet")
}

pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// Runs programs with odd arguments and random ones here and in go-jsonnet, and fails when they differ.
pub(crate) fn differential(seed: u64, count: u64) -> Result<()> {
    let python = python("crates/jsonnet/fuzz/requirements.txt")?;
    cargo(&["build", "--release", "--locked", "-p", "sessera-jsonnet", "--example", "differential"])?;
    let compare = |arguments: &[String]| {
        run(Command::new(&python)
            .arg(engine().join("fuzz/differential.py"))
            .arg(target().join("release/examples/differential"))
            .args(arguments))
    };
    compare(&["arguments".to_owned()])?;
    compare(&[seed.to_string(), count.to_string()])
}

/// Feeds the parser and the evaluator with what a fuzzer makes up, some seconds each.
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
    for name in ["parser", "evaluator"] {
        let corpus = folder.join("corpus").join(name);
        std::fs::create_dir_all(&corpus)?;
        std::fs::create_dir_all(folder.join("artifacts"))?;
        run(Command::new(built.join(PLATFORM).join("release").join(name))
            .arg(&corpus)
            .arg(format!("-max_total_time={seconds}"))
            .args(["-timeout=10", "-rss_limit_mb=1024", "-artifact_prefix=artifacts/", "-verbosity=0"])
            .current_dir(&folder))?;
    }
    Ok(())
}

/// Counts the instructions of an evaluation, which are the same on a busy machine, and compares them with
/// those written down in `benches/instructions.txt`.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn instructions() -> Result<()> {
    if find("valgrind").is_none() {
        skipped("the instruction counts of the Jsonnet engine", "valgrind is not installed");
        return Ok(());
    }
    cargo(&["build", "--release", "--locked", "-p", "sessera-jsonnet", "--example", "mappers"])?;
    let known = std::fs::read_to_string(engine().join("benches/instructions.txt"))?;
    let mut slower = Vec::new();
    for line in known.lines() {
        let (mapper, known) = line.split_once(' ').context("a line holds a mapper and a number")?;
        let known: u64 = known.parse()?;
        let now = (counted(mapper, 300)? - counted(mapper, 100)?) / 200;
        println!("{mapper} {now} (known: {known})");
        if now > known + known * TOLERANCE / 100 {
            slower.push(mapper);
        }
    }
    if !slower.is_empty() {
        bail!("{} take more instructions than written down in benches/instructions.txt", slower.join(", "));
    }
    Ok(())
}

/// The instructions of a process that evaluates a mapper some times.
fn counted(mapper: &str, times: u32) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(target().join("release/examples/mappers"))
        .arg(engine().join("benches/mappers"))
        .args([mapper.to_owned(), times.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    count.and_then(|count| count.parse().ok()).with_context(|| format!("valgrind gave no count:\n{text}"))
}
