//! The files that the documents name are there: the map of the house, the guide for contributors, and the map of the
//! routes.

use std::path::{Path, PathBuf};

/// The files that a document names in code by their folder. `XX` stands for a language.
fn files(document: &str) -> impl Iterator<Item = &str> {
    let code = document.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let is_rust = |text: &str| Path::new(text).extension().is_some_and(|end| end == "rs");
    code.filter(move |text| text.contains('/') && (is_rust(text) || text.contains("/src/")))
        .filter(|text| text.chars().all(|c| c.is_ascii_alphanumeric() || "/_.-".contains(c)))
        .filter(|text| !text.contains(".XX."))
}

/// Where a file may lie that a document names: below the workspace, below `crates`, or in the sources of a crate.
fn places(root: &Path, file: &str) -> Vec<PathBuf> {
    let crates = std::fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let mut places: Vec<_> = crates.map(|one| one.join("src").join(file)).collect();
    places.extend([root.join(file), root.join("crates").join(file)]);
    places
}

#[test]
fn every_file_that_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut missing = Vec::new();
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "docs/api.md", "docs/keys.md", "docs/pages.md"] {
        let document = std::fs::read_to_string(root.join(name)).unwrap();
        let found: Vec<_> = files(&document).collect();
        let lost = found.iter().filter(|file| !places(root, file).iter().any(|place| place.exists()));
        missing.extend(lost.map(|file| format!("{name}: {file}")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn a_file_in_code_is_found() {
    let found: Vec<_> = files("in `server/src/a.rs`, not `x == y/z`\nand `b/c.rs` too, see d/e.rs").collect();
    assert_eq!(found, ["server/src/a.rs", "b/c.rs"]);
}
