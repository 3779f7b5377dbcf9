//! The speed of the Jsonnet engine and of jrsonnet, which are measured in turn on one core.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, run, target, workspace};
use crate::tools::find;

/// The times by mapper in microseconds, first with the session ready and then with its parse.
type Times = BTreeMap<String, [Vec<f64>; 2]>;

/// Builds both programs, lets them take turns and prints the least, the middle and the most of each.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn run_in_turn(folder: &Path, rounds: usize) -> Result<()> {
    if rounds == 0 {
        bail!("give at least one round");
    }
    let built = target();
    cargo(&["build", "--release", "--locked", "-p", "sessera-jsonnet", "--example", "mappers"])?;
    // It is a workspace of its own, because nothing in the product may depend on another engine.
    run(Command::new("cargo")
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(built.join("compare"))
        .current_dir(workspace().join("crates/jsonnet/compare")))?;
    let programs =
        [built.join("release/examples/mappers"), built.join("compare/release/sessera-jsonnet-compare")];
    let mut times = [Times::new(), Times::new()];
    for _ in 0..rounds {
        for (program, times) in programs.iter().zip(&mut times) {
            measure(program, folder, times)?;
        }
    }
    let [ours, theirs] = &times;
    println!("microseconds of one evaluation, least / middle / most of {rounds} rounds on one core");
    println!("{:24}{:>24}{:>24}{:>8}", "", "sessera-jsonnet", "jrsonnet", "ratio");
    for (mapper, own) in ours {
        let other = theirs.get(mapper).with_context(|| format!("jrsonnet did not evaluate {mapper}"))?;
        for (at, what) in ["session ready", "session parsed"].into_iter().enumerate() {
            let (own, other) = (Spread::of(&own[at])?, Spread::of(&other[at])?);
            let name = format!("{mapper}, {what}");
            let ratio = other.middle / own.middle;
            println!("{name:24}{:>24}{:>24}{ratio:>8.1}", own.to_string(), other.to_string());
        }
    }
    Ok(())
}

/// Lets a program measure the mappers of a folder once.
fn measure(program: &Path, folder: &Path, times: &mut Times) -> Result<()> {
    // Both programs run on the same core, where the system has a command for that.
    let mut command = match find("taskset") {
        Some(taskset) => {
            let mut command = Command::new(taskset);
            command.args(["-c", "0"]).arg(program);
            command
        }
        None => Command::new(program),
    };
    let output = command.arg(folder).current_dir(workspace()).output()?;
    if !output.status.success() {
        bail!("{} failed:\n{}", program.display(), String::from_utf8_lossy(&output.stderr));
    }
    for line in String::from_utf8(output.stdout)?.lines() {
        let mut words = line.split(' ');
        let mapper = words.next().context("a line begins with the mapper's name")?;
        let known = times.entry(mapper.to_owned()).or_default();
        for list in known {
            list.push(words.next().context("a line holds two times")?.parse()?);
        }
    }
    Ok(())
}

/// The least, the middle and the most of some times.
struct Spread {
    least: f64,
    middle: f64,
    most: f64,
}

impl Spread {
    fn of(times: &[f64]) -> Result<Self> {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        match times[..] {
            [least, .., most] => Ok(Self { least, middle: times[times.len() / 2], most }),
            [only] => Ok(Self { least: only, middle: only, most: only }),
            [] => bail!("nothing was measured"),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} / {:.2} / {:.2}", self.least, self.middle, self.most)
    }
}
