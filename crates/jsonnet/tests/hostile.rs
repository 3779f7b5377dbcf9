//! Programs that want to hang, to eat all memory or to run out of stack. Each one runs in a process of its
//! own whose address space is limited to 512 MiB, at the default limits and at ten times those, and must
//! end in a value, an error or a limit; afterwards the same thread evaluates something else.
//!
//! What a step may cost is shown by a ratio within one run: no program takes much more processor time at ten
//! times the limits than one whose steps are all plain. How long that is in milliseconds is for the example
//! `hostile` to measure.
//!
//! The process is this test program again, with the name of the program in the environment.

#![cfg(target_os = "linux")]

mod programs;

use std::process::Command;

use programs::all;
use sessera_jsonnet::{ErrorKind, Limits, Program, Variables};

/// Name of the environment variable that says which program to run.
const CHOSEN: &str = "SESSERA_HOSTILE_PROGRAM";

/// What stands before the processor time at ten times the limits in what a process prints.
const TOOK: &str = "ticks at ten times the limits: ";

/// A program that takes plain steps until it has none left.
const PLAIN: &str = "fibonacci";

/// How many times the processor time of the plain program any other one may take. The most costly one takes
/// about six times as much; one whose work grows with the square of what it pays for takes hundreds of times.
const MOST: u64 = 30;

/// Seconds of processor time after which a process hangs, and is killed.
const HANGS: u32 = 120;

#[test]
fn hostile_programs_end() {
    let programs = all();
    assert!(programs.len() >= 60);
    let before = run_in_process(PLAIN).unwrap();
    let outcomes: Vec<_> = programs.iter().map(|(name, _)| (name, run_in_process(name))).collect();
    let plain = before.max(run_in_process(PLAIN).unwrap()).max(1);
    let wrong: Vec<String> = outcomes
        .into_iter()
        .filter_map(|(name, outcome)| match outcome {
            Ok(ticks) if ticks <= MOST * plain => None,
            Ok(ticks) => Some(format!("{name}: {} times the processor time of {PLAIN}", ticks / plain)),
            Err(failure) => Some(failure),
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), programs.len(), wrong.join("\n"));
}

/// The processor time that a program took at ten times the limits, in the system's ticks.
fn run_in_process(name: &str) -> Result<u64, String> {
    let output = Command::new("sh")
        .args(["-c", &format!("ulimit -v 524288; ulimit -t {HANGS}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "one_program", "--nocapture"])
        .env(CHOSEN, name)
        .output()
        .unwrap();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{name}: {} {}", output.status, text.chars().take(600).collect::<String>()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let ticks = text.lines().find_map(|line| line.strip_prefix(TOOK)?.parse().ok());
    ticks.ok_or_else(|| format!("{name}: it did not say what it took"))
}

/// What a process of its own does; nothing when it was not asked to.
#[test]
fn one_program() {
    let Some(chosen) = std::env::var_os(CHOSEN) else { return };
    let (_, source) = all().into_iter().find(|(name, _)| **name == chosen).unwrap();
    for factor in [1, 10] {
        let began = processor_time();
        let outcome = outcome(&source, factor);
        let took = processor_time() - began;
        if factor == 10 {
            // The harness has begun a line with the name of the test.
            println!("{outcome}\n{TOOK}{took}");
        }
        let again = Program::parse("again", "std.length([1, 2] + [3])").unwrap();
        let output = again.evaluate(&Variables::new(), &Limits::default()).unwrap();
        assert_eq!(output.compact(), "3");
    }
    // The budget is 160 MiB at ten times the limits; the rest is the program itself and its source.
    let most = peak_memory();
    assert!(most <= 160 * 1024 + 16 * 1024, "{most} KiB of memory");
}

fn outcome(source: &str, factor: usize) -> String {
    match Program::parse("hostile", source) {
        Err(error) => format!("syntax: {}", error.message),
        Ok(program) => {
            let limits = Limits::default().times(factor);
            match program.evaluate_pretty(&Variables::new(), &limits, &mut |_| {}) {
                Ok(output) => {
                    assert!(output.fuel() <= limits.fuel, "no more steps than allowed");
                    format!("a value of {} bytes", output.into_string().len())
                }
                Err(error) => {
                    assert!(error.message().len() < 3_000, "a short message");
                    let again = program.evaluate_pretty(&Variables::new(), &limits, &mut |_| {});
                    assert_eq!(again.unwrap_err().kind(), error.kind(), "the same limit each time");
                    assert!(
                        error.kind().is_limit()
                            || matches!(error.kind(), ErrorKind::Program | ErrorKind::Runtime)
                    );
                    format!("{:?}: {}", error.kind(), error.message().chars().take(60).collect::<String>())
                }
            }
        }
    }
}

/// Processor time of this process in the system's ticks. Other processes hardly change it.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// The most real memory that this process ever had, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
