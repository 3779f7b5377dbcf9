//! How long mappers take, alone or for callgrind.
//!
//!     mappers FOLDER                          prints the time of each mapper in the folder in microseconds:
//!                                             with the session ready, and with its parse
//!     mappers FOLDER MAPPER COUNT             evaluates one a number of times and prints nothing
//!
//! A folder holds `session.json` and mappers. The session and the default claims are parsed before and
//! shared, the mapper is parsed once, the result is compact JSON.

#![allow(clippy::print_stdout, reason = "it talks to the person who runs it")]

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use sessera_jsonnet::{Document, Limits, Program, Variables};

/// The claims that every token has before a mapper changes them.
const CLAIMS: &[u8] = br#"{"exp":1700000600,"iat":1700000000,"iss":"https://id.example.org/","jti":"7d4b3f0e-5b0f-4f0e-9d43-1f3bfcf0a0b1","nbf":1700000000,"sid":"5a0c1b7d-9a68-4f6e-8a0e-0b1f8a1c2d3e","sub":"9f425a8d-7efc-4768-8f23-7647a74fdf13"}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [folder] => {
            for mapper in ["guide", "real"] {
                let mapper = Mapper::read(Path::new(folder), mapper)?;
                let ready = mapper.time(|mapper| mapper.evaluate(&mapper.variables))?;
                let parsed = mapper.time(Mapper::parse_and_evaluate)?;
                println!("{} {ready:.2} {parsed:.2}", mapper.name);
            }
            Ok(())
        }
        [folder, mapper, count] => {
            let mapper = Mapper::read(Path::new(folder), mapper)?;
            for _ in 0..count.parse::<u32>()? {
                mapper.evaluate(&mapper.variables)?;
            }
            Ok(())
        }
        _ => Err("give a folder, and perhaps a mapper and a number of evaluations".into()),
    }
}

struct Mapper {
    name: String,
    program: Program,
    session: Vec<u8>,
    variables: Variables,
    limits: Limits,
}

impl Mapper {
    fn read(folder: &Path, name: &str) -> Result<Self, Box<dyn Error>> {
        let source = std::fs::read_to_string(folder.join(format!("{name}.jsonnet")))?;
        let session = std::fs::read(folder.join("session.json"))?;
        Ok(Self {
            name: name.to_owned(),
            program: Program::parse(name, &source)?,
            variables: variables(&session)?,
            session,
            limits: Limits::default(),
        })
    }

    fn evaluate(&self, variables: &Variables) -> Result<(), Box<dyn Error>> {
        black_box(self.program.evaluate(variables, &self.limits)?);
        Ok(())
    }

    fn parse_and_evaluate(&self) -> Result<(), Box<dyn Error>> {
        self.evaluate(&variables(&self.session)?)
    }

    /// Microseconds of one run. The best of some rounds counts, because other programs only make a run
    /// slower.
    fn time(&self, run: impl Fn(&Self) -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
        const RUNS: u32 = 2_000;
        let mut best = f64::INFINITY;
        for _ in 0..20 {
            let began = Instant::now();
            for _ in 0..RUNS {
                run(self)?;
            }
            best = best.min(began.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS));
        }
        Ok(best)
    }
}

fn variables(session: &[u8]) -> Result<Variables, Box<dyn Error>> {
    let variables = Variables::new().with("claims", Document::shared(CLAIMS)?);
    Ok(variables.with("session", Document::shared(session)?))
}
