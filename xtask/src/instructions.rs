//! How many instructions the way of a request takes. Unlike times, these numbers are the same on a busy
//! machine.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

use crate::run::{Urgency, as_many_as_processors, run, skipped, target, together, workspace};
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
    example: &'static str,
    arguments: &'static [&'static str],
}

const COUNTED: [Counted; 6] = [
    Counted { name: "mapper guide", example: "mappers", arguments: &[MAPPERS, "guide"] },
    Counted { name: "mapper real", example: "mappers", arguments: &[MAPPERS, "real"] },
    Counted { name: "tokenize guide", example: "tokenize", arguments: &[MAPPERS, "guide", "anew"] },
    Counted { name: "fill guide", example: "tokenize", arguments: &[MAPPERS, "guide", "by-form"] },
    Counted { name: "whoami", example: "whoami", arguments: &["plain"] },
    Counted { name: "whoami tokenized", example: "whoami", arguments: &["tokenized"] },
];

/// Counts with valgrind and compares the counts with those that are written down.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn check() -> Result<()> {
    if find("valgrind").is_none() {
        skipped("the instruction counts", "valgrind is not installed");
        return Ok(());
    }
    build(Urgency::Now)?;
    let mut runs: Vec<Command> =
        COUNTED.iter().flat_map(|counted| [100, 2_100].map(|times| counted.run(times))).collect();
    let mut outputs = Vec::new();
    for runs in as_many_as_processors(&mut runs) {
        outputs.append(&mut together(runs)?);
    }
    let known = std::fs::read_to_string(workspace().join(KNOWN))?;
    let mut slower = Vec::new();
    for (counted, [few, many]) in COUNTED.iter().zip(outputs.as_chunks::<2>().0) {
        let known =
            known.lines().find_map(|line| line.strip_prefix(counted.name)?.trim().parse::<u64>().ok());
        let known = known.with_context(|| format!("{KNOWN} has no number for \"{}\"", counted.name))?;
        // What is done once, such as reading files, is part of both counts and so cancels out.
        let now = (collected(many)? - collected(few)?) / 2_000;
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

/// Builds the example of that name, optimised as a release is, and returns its path.
pub(crate) fn example(name: &str) -> Result<PathBuf> {
    build(Urgency::Now)?;
    Ok(path(name))
}

/// Builds all examples by one command. For one package alone, cargo would choose other features of the libraries and
/// build them again. Passkeys are left out, because nothing that is counted uses them.
pub(crate) fn build(urgency: Urgency) -> Result<()> {
    run(urgency
        .cargo()
        .args(["build", "--profile", "counted", "--locked", "--no-default-features"])
        .args(["--package", "sessera-jsonnet", "--example", "mappers", "--example", "differential"])
        .args(["--package", "sessera-tokenizer", "--example", "tokenize"])
        .args(["--package", "sessera-server", "--example", "whoami"]))
}

fn path(example: &str) -> PathBuf {
    target().join("counted/examples").join(example)
}

impl Counted {
    /// The command that counts the instructions of a process that does it so many times.
    fn run(&self, times: u32) -> Command {
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(path(self.example))
            .args(self.arguments)
            .arg(times.to_string())
            .current_dir(workspace());
        command
    }
}

/// The count that callgrind prints at its end.
fn collected(output: &Output) -> Result<u64> {
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("what is counted failed:\n{text}");
    }
    let count = text.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    count.and_then(|count| count.parse().ok()).with_context(|| format!("valgrind gave no count:\n{text}"))
}
