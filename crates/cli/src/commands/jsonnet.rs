//! `sessera jsonnet`

use std::io::IsTerminal as _;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use sessera_jsonnet::{Document, ErrorKind, Limits, MAX_DEPTH, Output, Program, Variables};

use crate::input;
use crate::offline::template::without_label;
use crate::output::{say, write, write_exactly};

/// Evaluate a Jsonnet program
///
/// The result is printed as JSON, laid out as go-jsonnet does it. The limits are those of claims mappers
/// unless others are given. Imports are refused. What std.trace says goes to standard error.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera jsonnet program.jsonnet
  sessera jsonnet claims.jsonnet --ext-code claims={} \\
    --ext-code session=\"$(cat session.json)\"
  echo '{ a: 1 + 1 }' | sessera jsonnet -")]
pub(crate) struct Jsonnet {
    /// The program; "-" reads standard input
    #[arg(value_name = "FILE")]
    file: String,
    /// A text for std.extVar(NAME); without "=" it is taken from the environment
    #[arg(long, value_name = "NAME[=TEXT]")]
    ext_str: Vec<String>,
    /// A value for std.extVar(NAME), written in Jsonnet; without "=" it is taken from the environment
    #[arg(long, value_name = "NAME[=CODE]")]
    ext_code: Vec<String>,
    /// A text for std.extVar(NAME), from a file
    #[arg(long, value_name = "NAME=FILE")]
    ext_str_file: Vec<String>,
    /// A value for std.extVar(NAME), written in Jsonnet or JSON in a file
    #[arg(long, value_name = "NAME=FILE")]
    ext_code_file: Vec<String>,
    /// Print a result that is a text as it is, not as JSON
    #[arg(short = 'S', long)]
    string: bool,
    /// How many evaluation steps the program may take
    #[arg(long, value_name = "N", default_value_t = Limits::default().fuel)]
    max_fuel: u64,
    /// How many bytes the program may allocate
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().memory)]
    max_memory: usize,
    /// How many bytes the result may have
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().output)]
    max_output: usize,
    /// How deep evaluations may nest
    #[arg(long, value_name = "N", default_value_t = MAX_DEPTH, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_DEPTH)))]
    max_depth: u32,
}

impl Jsonnet {
    pub(crate) fn run(self) -> Result<()> {
        let program = parse(input::program_name(&self.file), &input::text(&self.file)?)?;
        let result = self.evaluate(&program, &self.variables()?)?;
        if !self.string {
            return write(&format!("{}\n", result.trim_end()));
        }
        match serde_json::from_str(&result)? {
            // Another program gets the text byte by byte.
            serde_json::Value::String(text) if !std::io::stdout().is_terminal() => write_exactly(&text),
            serde_json::Value::String(text) => write(&text),
            _ => bail!("--string prints texts, but the result is not a text; leave the option out"),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            fuel: self.max_fuel,
            memory: self.max_memory,
            depth: self.max_depth,
            output: self.max_output,
        }
    }

    fn evaluate(&self, program: &Program, variables: &Variables) -> Result<String> {
        let output = program.evaluate_pretty(variables, &self.limits(), &mut |text| say(text));
        output.map(Output::into_string).map_err(|error| {
            let report = without_label(&error.render());
            match option_for(error.kind()) {
                Some(option) => anyhow!("{report}\n{option} allows more."),
                None => anyhow!(report),
            }
        })
    }

    fn variables(&self) -> Result<Variables> {
        let mut all = Vec::new();
        for given in &self.ext_str {
            let (name, text) = given_or_from_environment(given)?;
            all.push((name, serde_json::Value::from(text).to_string()));
        }
        for given in &self.ext_str_file {
            let (name, path) = pair(given)?;
            let text = input::text(path)?;
            all.push((name.to_owned(), serde_json::Value::from(text).to_string()));
        }
        for given in &self.ext_code {
            let (name, code) = given_or_from_environment(given)?;
            let program = parse(&format!("<extvar:{name}>"), &code)?;
            all.push((name, self.evaluate(&program, &Variables::new())?));
        }
        for given in &self.ext_code_file {
            let (name, path) = pair(given)?;
            let program = parse(path, &input::text(path)?)?;
            all.push((name.to_owned(), self.evaluate(&program, &Variables::new())?));
        }
        let mut variables = Variables::new();
        for (name, json) in all {
            let value = Document::shared(json.as_bytes()).with_context(|| format!("the variable {name}"))?;
            variables = variables.with_named(&name, value);
        }
        Ok(variables)
    }
}

/// The option that raises the limit which was hit.
const fn option_for(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Fuel => Some("--max-fuel"),
        ErrorKind::Memory => Some("--max-memory"),
        ErrorKind::Output => Some("--max-output"),
        _ => None,
    }
}

fn parse(name: &str, source: &str) -> Result<Program> {
    Program::parse(name, source).map_err(|error| anyhow!(without_label(&error.render())))
}

fn pair(given: &str) -> Result<(&str, &str)> {
    given.split_once('=').with_context(|| format!("\"{given}\" names no file: write NAME=FILE"))
}

fn given_or_from_environment(given: &str) -> Result<(String, String)> {
    if let Some((name, text)) = given.split_once('=') {
        return Ok((name.to_owned(), text.to_owned()));
    }
    let text = std::env::var(given).with_context(|| {
        format!("\"{given}\" has no value: write {given}=..., or set it in the environment")
    })?;
    Ok((given.to_owned(), text))
}
