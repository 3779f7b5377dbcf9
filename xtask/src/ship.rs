//! What is given to others: the program, small, and its symbols in a file beside it.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{cargo, run, target};

/// The most bytes that the program may have.
const LARGEST: u64 = 40_000_000;

/// Builds the release and parts it into `target/ship/sessera` and `target/ship/sessera.debug`. Debuggers, profilers
/// and the stacks of a panic find the second by its name when it lies beside the first.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn build() -> Result<()> {
    cargo(&["build", "--profile", "symbols", "--locked", "--package", "sessera"])?;
    let built = target().join("symbols/sessera");
    let folder = target().join("ship");
    std::fs::create_dir_all(&folder)?;
    let (program, symbols) = (folder.join("sessera"), folder.join("sessera.debug"));
    objcopy(&["--only-keep-debug", "--compress-debug-sections"], &built, &symbols)?;
    let link = format!("--add-gnu-debuglink={}", symbols.display());
    objcopy(&["--strip-all", &link], &built, &program)?;
    for file in [&program, &symbols] {
        println!("{:>5.1} MB  {}", megabytes(file)?, file.display());
    }
    if std::fs::metadata(&program)?.len() > LARGEST {
        bail!("the program is larger than {LARGEST} bytes: look for what made it grow with `cargo bloat`");
    }
    run(Command::new(&program).arg("--version"))
}

fn objcopy(arguments: &[&str], from: &Path, to: &Path) -> Result<()> {
    run(Command::new("objcopy").args(arguments).arg(from).arg(to))
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one digit behind the point")]
fn megabytes(file: &Path) -> Result<f64> {
    Ok(std::fs::metadata(file)?.len() as f64 / 1e6)
}
