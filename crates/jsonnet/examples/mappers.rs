//! What callgrind counts: evaluates a mapper a number of times.
//!
//!     instructions FOLDER/MAPPER.jsonnet COUNT
//!
//! `session.json` lies in the same folder. The difference between two counts, divided by the difference
//! of their numbers, is what one evaluation takes. With COUNT 0 nothing is evaluated.

use std::path::Path;

use sessera_jsonnet::{Document, Limits, Program, Variables};

/// The claims that every token has before a mapper changes them.
const CLAIMS: &[u8] = br#"{"exp":1700000600,"iat":1700000000,"iss":"https://id.example.org/","jti":"7d4b3f0e-5b0f-4f0e-9d43-1f3bfcf0a0b1","nbf":1700000000,"sid":"5a0c1b7d-9a68-4f6e-8a0e-0b1f8a1c2d3e","sub":"9f425a8d-7efc-4768-8f23-7647a74fdf13"}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(count)) = (arguments.next(), arguments.next()) else {
        return Err("give a mapper and a number of evaluations".into());
    };
    let path = Path::new(&path);
    let program = Program::parse("mapper.jsonnet", &std::fs::read_to_string(path)?)?;
    let session = Document::shared(&std::fs::read(path.with_file_name("session.json"))?)?;
    let variables = Variables::new().with("claims", Document::shared(CLAIMS)?).with("session", session);
    let limits = Limits::default();
    for _ in 0..count.parse::<u32>()? {
        std::hint::black_box(program.evaluate(&variables, &limits)?);
    }
    Ok(())
}
