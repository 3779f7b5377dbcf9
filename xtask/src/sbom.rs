//! What is in the program that is given to others, as an SBOM in the form `CycloneDX`.
//!
//! It follows from Cargo.lock and the manifests alone, so that whoever makes it from the same commit, for the same kind of machine,
//! has the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::run::{output, workspace};

/// The package of the program.
const PROGRAM: &str = "sessera";

/// The name of the file.
pub(crate) const FILE: &str = "sessera.cdx.json";

/// A package: its name and its version.
type Package = (String, String);

/// What cargo says of the packages that are built for the program.
#[derive(Default)]
struct Tree {
    licences: BTreeMap<Package, String>,
    /// What each one needs.
    needs: BTreeMap<Package, BTreeSet<Package>>,
}

/// Writes the document into a folder, and returns the path of the file.
pub(crate) fn write(folder: &Path) -> Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let file = folder.join(FILE);
    let text = serde_json::to_string_pretty(&document()?)?;
    std::fs::write(&file, text + "\n")?;
    Ok(file)
}

/// The document about the program with the features that it is given to others with, as it is built on this kind of machine.
fn document() -> Result<Value> {
    let built = Tree::read(&tree("normal,build")?)?;
    // What only helps to build it is no part of it.
    let linked = Tree::read(&tree("normal,no-proc-macro")?)?;
    let lock = std::fs::read_to_string(workspace().join("Cargo.lock"))?;
    described(&built, &linked, &checksums(&lock))
}

/// The packages of the program by the edges of these kinds, one on each line behind its depth.
fn tree(edges: &str) -> Result<String> {
    let format = ["--prefix", "depth", "--format", "|{p}|{l}|"];
    let wanted = ["tree", "--locked", "--package", PROGRAM, "--edges", edges];
    output(Command::new("cargo").args(wanted).args(format))
}

impl Tree {
    fn read(text: &str) -> Result<Self> {
        let mut tree = Self::default();
        let mut above: Vec<Package> = Vec::new();
        for line in text.lines() {
            let mut parts = line.split('|');
            let mut part =
                || parts.next().with_context(|| format!("a line of cargo's is not understood: {line}"));
            let depth: usize = part()?.parse()?;
            let mut words = part()?.split(' ');
            let name = words.next().unwrap_or_default().to_owned();
            let version = words.next().and_then(|word| word.strip_prefix('v')).unwrap_or_default().to_owned();
            let package = (name, version);
            tree.licences.insert(package.clone(), part()?.to_owned());
            above.truncate(depth);
            if let Some(parent) = above.last() {
                tree.needs.entry(parent.clone()).or_default().insert(package.clone());
            }
            tree.needs.entry(package.clone()).or_default();
            above.push(package);
        }
        Ok(tree)
    }
}

/// The checksums of packages as the lock file has them. Those of the workspace have none.
fn checksums(lock: &str) -> BTreeMap<Package, String> {
    let member = |block: &str, name: &str| {
        let value = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        value.map(|value| value.trim_matches('"').to_owned())
    };
    let package =
        |block: &str| Some(((member(block, "name")?, member(block, "version")?), member(block, "checksum")?));
    lock.split("[[package]]").filter_map(package).collect()
}

fn described(built: &Tree, linked: &Tree, checksums: &BTreeMap<Package, String>) -> Result<Value> {
    let is_program = |package: &&Package| package.0 == PROGRAM;
    let program = built.licences.keys().find(is_program).context("cargo names no program")?;
    let component = |package: &Package| {
        let (name, version) = package;
        let mut component = json!({
            "type": if package == program { "application" } else { "library" },
            "bom-ref": reference(package),
            "name": name,
            "version": version,
            "scope": if linked.licences.contains_key(package) { "required" } else { "excluded" },
            "purl": reference(package),
        });
        if let Some(licence) = built.licences.get(package).filter(|licence| !licence.is_empty()) {
            component["licenses"] = json!([{ "expression": expression(licence) }]);
        }
        if let Some(checksum) = checksums.get(package) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        component
    };
    let others = built.licences.keys().filter(|package| *package != program);
    let needs = built.needs.iter().map(|(package, needs)| {
        json!({ "ref": reference(package), "dependsOn": needs.iter().map(reference).collect::<Vec<_>>() })
    });
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(program) },
        "components": others.map(component).collect::<Vec<_>>(),
        "dependencies": needs.collect::<Vec<_>>(),
    }))
}

/// The address of a package (package URL), which is its name in the document, too.
fn reference((name, version): &Package) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// A licence as SPDX writes it. Old manifests have a slash for "or".
fn expression(licence: &str) -> String {
    licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_what_its_standard_asks_for() {
        let document = document().unwrap();
        assert_eq!(document, super::document().unwrap(), "the same each time");
        assert_eq!((&document["bomFormat"], &document["specVersion"]), (&json!("CycloneDX"), &json!("1.5")));
        let program = &document["metadata"]["component"];
        assert_eq!((&program["type"], &program["name"]), (&json!("application"), &json!(PROGRAM)));
        let components = document["components"].as_array().unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut known = BTreeSet::from([text(&program["bom-ref"])]);
        for component in components {
            assert!(known.insert(text(&component["bom-ref"])), "{component} stands there twice");
            assert_eq!(component["type"], "library");
            let name = text(&component["name"]);
            assert!(!name.is_empty() && !text(&component["version"]).is_empty(), "{component}");
            assert_eq!(component["purl"], component["bom-ref"]);
            let licence = text(&component["licenses"][0]["expression"]);
            assert!(!licence.is_empty() && !licence.contains('/'), "{component}");
            let checksum = text(&component["hashes"][0]["content"]);
            let is_ours = name.starts_with("sessera");
            assert_eq!(checksum.len(), if is_ours { 0 } else { 64 }, "{component}");
        }
        for need in document["dependencies"].as_array().unwrap() {
            assert!(known.contains(&text(&need["ref"])), "{need}");
            assert!(need["dependsOn"].as_array().unwrap().iter().all(|other| known.contains(&text(other))));
        }
        assert_eq!(document["dependencies"].as_array().unwrap().len(), known.len());
        assert!(!document.to_string().contains(workspace().to_str().unwrap()), "nothing of this machine");
    }

    #[test]
    fn what_is_linked_is_told_from_what_helps_to_build() {
        let document = document().unwrap();
        let scope = |name: &str| {
            let mut components = document["components"].as_array().unwrap().iter();
            components.find(|one| one["name"] == name).map(|one| one["scope"].clone())
        };
        assert_eq!(scope("sessera-server"), Some(json!("required")));
        assert_eq!(scope("libsqlite3-sys"), Some(json!("required")));
        assert_eq!(scope("serde_derive"), Some(json!("excluded")));
        assert_eq!(scope("proptest"), None, "the tests are no part of it");
    }

    #[test]
    fn trees_are_read_with_what_each_package_needs() {
        let text = "0|a v1.0.0 (/here)|MIT|\n1|b v2.0.0 (proc-macro)|MIT/Apache-2.0|\n2|c v3.0.0|0BSD|\n1|c v3.0.0|0BSD| (*)\n";
        let tree = Tree::read(text).unwrap();
        let package = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        let needs = |one: Package| tree.needs[&one].iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
        assert_eq!(needs(package("a", "1.0.0")), ["b", "c"]);
        assert_eq!(needs(package("b", "2.0.0")), ["c"]);
        assert_eq!(expression(&tree.licences[&package("b", "2.0.0")]), "MIT OR Apache-2.0");
    }
}
