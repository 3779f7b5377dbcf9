//! One half of the differential test, which writes random programs and this engine's results as lines of
//! JSON.
//! `compare.py` runs it and compares the results with go-jsonnet's.
//!
//! `differential SEED COUNT` writes generated programs, `differential arguments` those with odd arguments,
//! `differential -` reads programs from the standard input, each ended by a zero byte.

#![allow(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "programs are short, speed is not needed"
)]

mod arguments;
mod calls;
mod generate;
mod kind;
mod random;
mod texts;

use std::io::{BufWriter, Read as _, Write as _};

use generate::Generator;
use sessera_jsonnet::{Limits, Program, Variables};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().unwrap_or_else(|| "1".to_owned());
    let mut out = BufWriter::new(std::io::stdout().lock());
    if first == "-" {
        let mut input = String::new();
        std::io::stdin().read_to_string(&mut input)?;
        for program in input.split('\0').filter(|program| !program.is_empty()) {
            writeln!(out, "{}", line(program))?;
        }
        return Ok(());
    }
    if first == "arguments" {
        for program in arguments::programs() {
            writeln!(out, "{}", line(&program))?;
        }
        return Ok(());
    }
    let seed: u64 = first.parse().unwrap_or(1);
    let count: u64 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(1000);
    for number in 0..count {
        let program = Generator::new(seed.wrapping_mul(1_000_003).wrapping_add(number)).program();
        writeln!(out, "{}", line(&program))?;
    }
    Ok(())
}

/// A program and what became of it.
fn line(source: &str) -> String {
    let (outcome, text) = match Program::parse("program", source) {
        Err(error) => ("error", error.to_string()),
        Ok(program) => {
            match program.evaluate_pretty(&Variables::new(), &Limits::default().times(10), &mut |_| {}) {
                Ok(output) => ("value", output.into_string()),
                Err(error) if error.kind().is_limit() => ("limit", error.to_string()),
                Err(error) => ("error", error.to_string()),
            }
        }
    };
    format!(r#"{{"program":{},"{outcome}":{}}}"#, json(source), json(&text))
}

/// A string in JSON, in which everything but plain ASCII is escaped.
fn json(text: &str) -> String {
    let mut out = String::from("\"");
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ (b' '..=b'!' | b'#'..=b'[' | b']'..=b'~')) => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out.push('"');
    out
}
