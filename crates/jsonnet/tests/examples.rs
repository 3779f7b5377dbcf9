//! Every public item has an example in its documentation, which runs as a test.

/// The modules that hold the public items, and their text.
const FILES: &[(&str, &str)] = &[
    ("document", include_str!("../src/document/mod.rs")),
    ("error", include_str!("../src/error.rs")),
    ("limits", include_str!("../src/limits.rs")),
    ("program", include_str!("../src/program.rs")),
    ("variables", include_str!("../src/variables.rs")),
];

/// The lines that begin a public item without an example above them.
fn without_example(source: &str) -> Vec<&str> {
    const ITEMS: &[&str] = &["pub fn ", "pub const ", "pub struct ", "pub enum ", "pub trait ", "pub type "];
    let mut missing = Vec::new();
    let mut example = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("///") {
            example |= line.contains("```");
        } else if !line.starts_with("#[") {
            if !example && ITEMS.iter().any(|item| line.starts_with(item)) {
                missing.push(line);
            }
            example = false;
        }
    }
    missing
}

#[test]
fn every_public_item_has_an_example() {
    for (module, source) in FILES {
        assert_eq!(without_example(source), Vec::<&str>::new(), "{module}");
    }
    assert_eq!(without_example("/// Says something.\npub fn f() {}").len(), 1);
}

#[test]
fn public_items_are_in_those_files_only() {
    let library = include_str!("../src/lib.rs");
    for line in library.lines().filter(|line| line.starts_with("pub ")) {
        let known = FILES.iter().any(|(module, _)| line.starts_with(&format!("pub use {module}::")));
        assert!(known, "{line}");
    }
}
