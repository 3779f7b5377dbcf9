//! How long programs take that want to hang, to eat all memory or to run out of stack, at the default limits.
//! It prints the ten slowest of those that `tests/hostile.rs` runs, each with its best time of five in
//! milliseconds. Build it with `--release`.

#![allow(clippy::print_stdout, reason = "it talks to the person who runs it")]

#[path = "../tests/programs/mod.rs"]
mod programs;

use std::hint::black_box;
use std::time::{Duration, Instant};

use sessera_jsonnet::{Limits, Program, Variables};

fn main() {
    let mut times: Vec<(Duration, String)> =
        programs::all().into_iter().map(|(name, source)| (best(&source), name)).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    for (time, name) in times.iter().take(10) {
        println!("{:6.1} ms  {name}", time.as_secs_f64() * 1e3);
    }
}

/// The best time of five to parse and evaluate a source; other programs only make it slower.
fn best(source: &str) -> Duration {
    let time = || {
        let began = Instant::now();
        if let Ok(program) = Program::parse("hostile", source) {
            // Most end in an error, which is as good as a value here.
            let _ = black_box(program.evaluate(&Variables::new(), &Limits::default()));
        }
        began.elapsed()
    };
    (0..5).map(|_| time()).min().unwrap_or_default()
}
