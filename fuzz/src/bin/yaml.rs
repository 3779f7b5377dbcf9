//! Any text is YAML or is refused, in configuration files and in mappers.

#![no_main]

use std::sync::{Arc, LazyLock};

use sessera_jsonnet::{Document, Limits, Program, Variables};

static PARSE: LazyLock<Program> =
    LazyLock::new(|| Program::parse("fuzz", "std.parseYaml(std.extVar('text'))").expect("is a program"));

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = sessera_config::yaml::parse(text);
    let quoted = serde_json::to_vec(text).expect("is text");
    let Ok(quoted) = Document::parse(&quoted) else { return };
    let variables = Variables::new().with("text", Arc::new(quoted));
    let limits = Limits { fuel: 100_000, memory: 4 * 1024 * 1024, depth: 200, output: 1_000_000 };
    if let Ok(output) = PARSE.evaluate(&variables, &limits) {
        assert!(Document::parse(output.compact().as_bytes()).is_ok());
    }
});
