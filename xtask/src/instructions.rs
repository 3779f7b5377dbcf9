//! How many instructions the way of a request takes. Unlike times, these numbers are the same on a busy
//! machine.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, skipped, target, workspace};
use crate::tools::find;

/// The percentage by which a count may exceed the one that is written down.
const TOLERANCE: u64 = 5;

/// The file in which the counts are written down, one on each line.
const KNOWN: &str = "xtask/instructions.txt";

/// The mappers and the session that programs work on.
const MAPPERS: &str = "crates/jsonnet/benches/mappers";

/// Something that is counted by an example of a crate, which does it as often as its last argument says.
struct Counted {
    name: &'static str,
    package: &'static str,
    example: &'static str,
    arguments: &'static [&'static str],
}

const COUNTED: [Counted; 5] = [
    Counted {
        name: "mapper guide",
        package: "sessera-jsonnet",
        example: "mappers",
        arguments: &[MAPPERS, "guide"],
    },
    Counted {
        name: "mapper real",
        package: "sessera-jsonnet",
        example: "mappers",
        arguments: &[MAPPERS, "real"],
    },
    Counted {
        name: "tokenize guide",
        package: "sessera-tokenizer",
        example: "tokenize",
        arguments: &[MAPPERS, "guide"],
    },
    Counted { name: "whoami", package: "sessera-server", example: "whoami", arguments: &["plain"] },
    Counted {
        name: "whoami tokenized",
        package: "sessera-server",
        example: "whoami",
        arguments: &["tokenized"],
    },
];

/// Counts with valgrind and compares the counts with those that are written down.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn check() -> Result<()> {
    if find("valgrind").is_none() {
        skipped("the instruction counts", "valgrind is not installed");
        return Ok(());
    }
    for Counted { package, example, .. } in &COUNTED {
        cargo(&["build", "--profile", "counted", "--locked", "-p", package, "--example", example])?;
    }
    let known = std::fs::read_to_string(workspace().join(KNOWN))?;
    let mut slower = Vec::new();
    for counted in &COUNTED {
        let known =
            known.lines().find_map(|line| line.strip_prefix(counted.name)?.trim().parse::<u64>().ok());
        let known = known.with_context(|| format!("{KNOWN} has no number for \"{}\"", counted.name))?;
        // What is done once, such as reading files, is part of both counts and so cancels out.
        let now = (counted.instructions(2_100)? - counted.instructions(100)?) / 2_000;
        println!("{:16} {now:>8}   known: {known:>8}", counted.name);
        if now > known + known * TOLERANCE / 100 {
            slower.push(counted.name);
        }
    }
    if !slower.is_empty() {
        bail!("more instructions than {KNOWN} says, by over {TOLERANCE} %: {}", slower.join(", "));
    }
    Ok(())
}

impl Counted {
    /// Counts the instructions of a process that does it so many times.
    fn instructions(&self, times: u32) -> Result<u64> {
        let program = target().join("counted/examples").join(self.example);
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(&program)
            .args(self.arguments)
            .arg(times.to_string())
            .current_dir(workspace())
            .output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("{} failed:\n{text}", program.display());
        }
        let count =
            text.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
        count.and_then(|count| count.parse().ok()).with_context(|| format!("valgrind gave no count:\n{text}"))
    }
}
