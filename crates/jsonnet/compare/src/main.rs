//! How long mappers take in jrsonnet, measured and printed as the example `mappers` of sessera-jsonnet does.
//!
//!     compare FOLDER
//!
//! A folder holds `session.json` and mappers. Each mapper is prepared once and the default claims are ready;
//! the session is ready too, or read by `serde_json` into jrsonnet's values in each run. The result is
//! compact JSON.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use jrsonnet_evaluator::manifest::JsonFormat;
use jrsonnet_evaluator::trace::PathResolver;
use jrsonnet_evaluator::{PreparedSnippet, State, Val};
use jrsonnet_stdlib::ContextInitializer;

/// The claims that every token has before a mapper changes them.
const CLAIMS: &str = r#"{"exp":1700000600,"iat":1700000000,"iss":"https://id.example.org/","jti":"7d4b3f0e-5b0f-4f0e-9d43-1f3bfcf0a0b1","nbf":1700000000,"sid":"5a0c1b7d-9a68-4f6e-8a0e-0b1f8a1c2d3e","sub":"9f425a8d-7efc-4768-8f23-7647a74fdf13"}"#;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let folder = std::env::args().nth(1).ok_or("give a folder")?;
    let folder = Path::new(&folder);
    let session = std::fs::read_to_string(folder.join("session.json"))?;
    for name in ["guide", "real"] {
        let source = std::fs::read_to_string(folder.join(format!("{name}.jsonnet")))?;
        let mut builder = State::builder();
        builder.context_initializer(ContextInitializer::new(PathResolver::FileName));
        let state = builder.build();
        let _entered = state.enter();
        give(&state, "claims", CLAIMS)?;
        give(&state, "session", &session)?;
        let mapper = state.prepare_snippet(name, source).map_err(|error| error.to_string())?;
        let ready = time(|| evaluate(&state, &mapper))?;
        let parsed = time(|| {
            give(&state, "session", &session)?;
            evaluate(&state, &mapper)
        })?;
        println!("{name} {ready:.2} {parsed:.2}");
    }
    Ok(())
}

/// Makes an external variable of JSON.
fn give(state: &State, name: &str, json: &str) -> Outcome<()> {
    let initializer = state.context_initializer().as_any().downcast_ref::<ContextInitializer>();
    let value: Val = serde_json::from_str(json)?;
    initializer.ok_or("the state has another initializer")?.add_ext_var(name.into(), value);
    Ok(())
}

fn evaluate(state: &State, mapper: &PreparedSnippet) -> Outcome<()> {
    let value = state.evaluate_prepared_snippet(mapper).map_err(|error| error.to_string())?;
    black_box(value.manifest(JsonFormat::minify()).map_err(|error| error.to_string())?);
    Ok(())
}

/// Microseconds of one run. The best of some rounds counts, because other programs only make a run slower.
fn time(run: impl Fn() -> Outcome<()>) -> Outcome<f64> {
    const RUNS: u32 = 2_000;
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let began = Instant::now();
        for _ in 0..RUNS {
            run()?;
        }
        best = best.min(began.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS));
    }
    Ok(best)
}
