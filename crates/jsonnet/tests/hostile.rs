//! Programs that want to hang, to eat all memory or to run out of stack. Each one runs in a process of its
//! own whose address space is limited to 512 MiB, at the default limits and at ten times those, and must
//! end in a value, an error or a limit, in time; afterwards the same thread evaluates something else.
//!
//! The process is this test program again, with the name of the program in the environment.

#![cfg(target_os = "linux")]

mod programs;

use std::process::Command;

use programs::all;
use sessera_jsonnet::{ErrorKind, Limits, Program, Variables};

/// Name of the environment variable that says which program to run.
const CHOSEN: &str = "SESSERA_HOSTILE_PROGRAM";

/// Processor time in milliseconds at the default limits and at ten times those. An unoptimised build of the
/// dependencies is slower.
const TIMES: [u64; 2] = if cfg!(debug_assertions) { [150, 1500] } else { [50, 1000] };

#[test]
fn hostile_programs_end() {
    let programs = all();
    assert!(programs.len() >= 60);
    let wrong: Vec<String> = programs.iter().filter_map(|(name, _)| run_in_process(name).err()).collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), programs.len(), wrong.join("\n"));
}

fn run_in_process(name: &str) -> Result<(), String> {
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 524288; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "one_program", "--nocapture"])
        .env(CHOSEN, name)
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{name}: {} {}", output.status, text.chars().take(600).collect::<String>()))
}

/// What a process of its own does; nothing when it was not asked to.
#[test]
fn one_program() {
    let Some(chosen) = std::env::var_os(CHOSEN) else { return };
    let (_, source) = all().into_iter().find(|(name, _)| **name == chosen).unwrap();
    for (factor, most) in [1, 10].into_iter().zip(TIMES) {
        let began = processor_time();
        let outcome = outcome(&source, factor);
        let took = processor_time() - began;
        println!("{} at {factor} times the limits: {took} ms, {outcome}", chosen.display());
        assert!(took <= most, "{took} ms at {factor} times the limits, {outcome}");
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
                Ok(output) => format!("a value of {} bytes", output.into_string().len()),
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

/// Processor time of this process in milliseconds, which other processes do not disturb.
fn processor_time() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks * 10
}

/// The most real memory that this process ever had, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
