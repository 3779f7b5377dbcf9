//! Whether others who build the program of the same commit have the same bytes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{output, run, skipped, target, workspace};
use crate::ship::{Place, libraries};

/// What is built twice.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// A small program with libraries in Rust and in C, and lines in its symbols.
    Short,
    /// The program as it is given to others, with its symbols.
    Full,
}

/// Builds the last commit in two folders, with libraries that lie elsewhere each time, and compares what comes out. Nothing else
/// stays on the disk.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn check(form: Form) -> Result<()> {
    let is_repository = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(workspace()).output();
    if !is_repository.is_ok_and(|output| output.status.success()) {
        skipped("two builds in two places", "this folder is no clone of a git repository");
        return Ok(());
    }
    let all = target().join("reproducible");
    if all.exists() {
        fs::remove_dir_all(&all)?;
    }
    let first = build(form, &all.join("a"), &all.join("first"))?;
    // A path of another length shows what hangs on it.
    let second = build(form, &all.join("another/folder"), &all.join("second"))?;
    for (one, other) in first.iter().zip(&second) {
        if fs::read(one)? != fs::read(other)? {
            bail!(
                "{} and {} are of one commit and differ: \"diffoscope\" shows where",
                one.display(),
                other.display()
            );
        }
        print!("the same twice: {}", output(Command::new("sha256sum").arg(one))?);
    }
    Ok(fs::remove_dir_all(&all)?)
}

/// Builds the last commit in a folder, which is gone afterwards, and returns the files that it has put into `kept`.
fn build(form: Form, folder: &Path, kept: &Path) -> Result<Vec<PathBuf>> {
    let place = Place {
        source: folder.join("source"),
        target: folder.join("target"),
        libraries: folder.join("cargo"),
    };
    fs::create_dir_all(&place.libraries)?;
    fs::create_dir_all(kept)?;
    run(Command::new("git").args(["clone", "--quiet", "--shared"]).arg(workspace()).arg(&place.source))?;
    let known = libraries()?;
    for name in ["registry", "config.toml"] {
        if known.join(name).exists() {
            symlink(known.join(name), place.libraries.join(name))?;
        }
    }
    let built = match form {
        Form::Full => Vec::from(place.ship(kept)?),
        Form::Short => {
            let package = ["--package", "sessera-tokenizer", "--example", "tokenize"];
            let lines = ["--config", "profile.try.debug=\"line-tables-only\""];
            let build = ["build", "--quiet", "--profile", "try", "--locked"];
            run(place.cargo()?.args(build).args(package).args(lines))?;
            let program = kept.join("tokenize");
            fs::copy(place.target.join("try/examples/tokenize"), &program)?;
            place.expect_no_trace_in(&program)?;
            vec![program]
        }
    };
    fs::remove_dir_all(folder)?;
    Ok(built)
}
