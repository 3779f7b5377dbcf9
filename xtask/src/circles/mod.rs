//! No two modules of a crate know each other, neither directly nor by way of others.
//!
//! What counts as a module: at every level, each module together with everything that stands in it. So the
//! modules at the top of a crate are looked at among themselves, and so are the modules in `flows/`, among
//! themselves. A module and what stands in it may know each other: `flows/mod.rs` and `flows/login.rs`, or
//! `lib.rs` and all others.
//!
//! Crates cannot form circles, which cargo refuses. [`WALLS`] says what some of them must not even know by way
//! of others.
//!
//! What counts as knowing: a path to a module or to something in it, in a `use`, in code, in a macro's
//! arguments or in an attribute. A re-export is looked through: who imports `crate::Flow` knows the module
//! that defines `Flow`. Tests do not count. There is no list of exceptions.

mod graph;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{output, workspace};
use graph::Arrows;
use source::Module;

/// Crates that do not speak HTTP, with the package that they must not know besides, by way of any of their
/// dependencies. A client such as reqwest would bring HTTP along, so it is refused too.
const WALLS: [(&str, Option<&str>); 3] = [
    ("sessera-issuer", Some("sessera-accounts")),
    ("sessera-accounts", Some("sessera-issuer")),
    ("sessera-node", None),
];

/// The packages with which a crate would know of HTTP.
const HTTP: [&str; 9] = [
    "axum",
    "http",
    "hyper",
    "reqwest",
    "tower",
    "sessera-admin",
    "sessera-contract",
    "sessera-http",
    "sessera-server",
];

/// Checks what the crates in [`WALLS`] depend on, as cargo resolves it.
fn check_walls() -> Result<()> {
    for (of, other) in WALLS {
        let tree = output(Command::new("cargo").args(["tree", "--locked", "--edges", "normal"]).args([
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            of,
        ]))?;
        let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
        if !names.contains(of) {
            bail!("cargo tree does not show {of} itself");
        }
        if let Some(name) = HTTP.into_iter().chain(other).find(|name| names.contains(name)) {
            bail!(
                "{of} must not know {name}. To see how it does: cargo tree --edges normal --package {of} \
                 --invert {name}"
            );
        }
    }
    Ok(())
}

/// Reads the crates in the folders of these names and fails with the circles that it finds. Without names it reads
/// all crates and checks the walls between them too.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn check(only: &[String]) -> Result<()> {
    let mut found = String::new();
    let mut count = 0;
    for folder in crates(only)? {
        for root in targets(&folder)? {
            let modules = source::read(&root)?;
            let arrows = graph::arrows(&modules);
            let circles = graph::circles(&arrows);
            let (modules_count, arrows_count, name) = (modules.len(), arrows.len(), shown(&root));
            println!("{name}: modules {modules_count}, arrows {arrows_count}, circles {}", circles.len());
            count += circles.len();
            for circle in circles {
                found.push_str(&picture(&modules, &arrows, &circle));
            }
        }
    }
    if count > 0 {
        bail!(
            "some modules know each other (circles: {count}). Move what both sides need into a module of its \
             own, or hand it in.\n{found}"
        );
    }
    if only.is_empty() { check_walls() } else { Ok(()) }
}

/// A circle as arrows, and for each arrow one use that makes it.
fn picture(modules: &[Module], arrows: &Arrows<'_>, circle: &[usize]) -> String {
    let mut picture = String::from("\n");
    for module in circle {
        let _ = write!(picture, "{} -> ", full_name(modules, *module));
    }
    let _ = writeln!(picture, "{}", full_name(modules, circle[0]));
    for (from, to) in graph::steps(circle) {
        let uses = &arrows[&(from, to)];
        let (file, line) = uses[0];
        let (from, to) = (&modules[from].name, &modules[to].name);
        let _ = write!(picture, "    {from} -> {to}: {}:{line}", shown(file));
        let _ = match uses.len() {
            1 => writeln!(picture),
            several => writeln!(picture, " and {} more", several - 1),
        };
    }
    picture
}

fn full_name(modules: &[Module], module: usize) -> String {
    match modules[module].parent {
        None | Some(0) => modules[module].name.clone(),
        Some(parent) => format!("{}::{}", full_name(modules, parent), modules[module].name),
    }
}

/// A path as seen from the workspace.
fn shown(path: &Path) -> String {
    path.strip_prefix(workspace()).unwrap_or(path).display().to_string()
}

/// The folders of the crates with these names, or of all crates.
fn crates(only: &[String]) -> Result<Vec<PathBuf>> {
    let mut folders = vec![workspace().join("xtask")];
    for entry in fs::read_dir(workspace().join("crates"))? {
        folders.push(entry?.path());
    }
    folders.retain(|folder| folder.join("Cargo.toml").exists());
    folders.sort();
    if only.is_empty() {
        return Ok(folders);
    }
    only.iter()
        .map(|name| {
            let folder = folders.iter().find(|folder| folder.ends_with(name));
            folder.cloned().with_context(|| format!("there is no crate in crates/{name}"))
        })
        .collect()
}

/// The first files of a crate's library, programs and examples.
fn targets(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut roots = vec![folder.join("src/lib.rs"), folder.join("src/main.rs")];
    for several in ["src/bin", "examples", "benches"] {
        let several = folder.join(several);
        if several.exists() {
            for entry in fs::read_dir(several)? {
                let path = entry?.path();
                roots.push(if path.is_dir() { path.join("main.rs") } else { path });
            }
        }
    }
    roots.retain(|root| root.extension().is_some_and(|extension| extension == "rs") && root.exists());
    roots.sort();
    Ok(roots)
}
