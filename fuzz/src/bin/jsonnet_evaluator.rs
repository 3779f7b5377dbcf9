//! Any program ends in a value, an error or a limit. A value is JSON, and the same again the next time.

#![no_main]

use sessera_jsonnet::{Document, Limits, Program, Variables};

libfuzzer_sys::fuzz_target!(|source: &str| {
    let Ok(program) = Program::parse("fuzz", source) else { return };
    let limits = Limits { fuel: 20_000, memory: 2 * 1024 * 1024, depth: 200, output: 100_000 };
    let variables = Variables::new();
    match program.evaluate(&variables, &limits) {
        Ok(output) => {
            assert!(Document::parse(output.compact().as_bytes()).is_ok());
            assert_eq!(program.evaluate(&variables, &limits).as_ref(), Ok(&output));
        }
        Err(error) => {
            let _ = error.render();
            assert_eq!(program.evaluate(&variables, &limits), Err(error));
        }
    }
});
