//! Finds the folders of recipes, so that adding one needs no line of Rust.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut names = Vec::new();
    for entry in root.read_dir()? {
        let folder = entry?.path();
        if folder.join("recipe.json").exists() {
            names.push(folder.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    names.sort();
    let mut list = String::from("[\n");
    for name in names {
        // The folder may be moved with what was built in it.
        let file =
            |file: &str| format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})", format!("/{name}/{file}"));
        let (recipe, mapper) = (file("recipe.json"), file("mapper.jsonnet"));
        writeln!(list, "    ({name:?}, include_str!({recipe}), include_str!({mapper})),")?;
    }
    list.push(']');
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("recipes.rs"), list)?;
    // A new folder changes the time of the one that it is in.
    println!("cargo::rerun-if-changed=.");
    Ok(())
}
