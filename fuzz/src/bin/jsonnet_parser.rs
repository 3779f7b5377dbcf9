//! Any text is parsed or refused, and a refusal can be shown.

#![no_main]

libfuzzer_sys::fuzz_target!(|source: &str| {
    if let Err(error) = sessera_jsonnet::Program::parse("fuzz", source) {
        let _ = error.render();
    }
});
