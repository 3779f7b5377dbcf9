//! The crates as others get them: packed, unpacked elsewhere, and built of nothing but that.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run::{cargo, output, run, target, workspace};

/// Packs all crates, and looks whether the program and the library for apps can be compiled of what is in them. A file that a crate has outside of its folder is
/// missing there, and so is a library that only the tests name.
pub(crate) fn check() -> Result<()> {
    let unpacked = Unpacked::new()?;
    run(unpacked.cargo(&target()).args([
        "check",
        "--locked",
        "--offline",
        "--package",
        "sessera",
        "--package",
        "sessera-tokens",
    ]))?;
    unpacked.remove()
}

/// Packs all crates, has cargo install the program of what is in them, and runs it.
pub(crate) fn install() -> Result<()> {
    let unpacked = Unpacked::new()?;
    let (built, root) = (unpacked.folder.join("target"), unpacked.folder.join("root"));
    let package = unpacked.folder.join(format!("sessera-{}", env!("CARGO_PKG_VERSION")));
    let install = ["install", "--profile", "try", "--locked", "--offline", "--path"];
    run(unpacked.cargo(&built).args(install).arg(package).arg("--root").arg(&root))?;
    run(Command::new(root.join("bin/sessera")).arg("version"))?;
    unpacked.remove()
}

/// All crates that are published, unpacked beside each other.
struct Unpacked {
    folder: PathBuf,
}

impl Unpacked {
    /// Packs each crate that is published, in the order in which they need each other, and unpacks it. Cargo refuses to pack one that
    /// needs a crate which others do not have.
    fn new() -> Result<Self> {
        let packages = target().join("package");
        if packages.exists() {
            fs::remove_dir_all(&packages)?;
        }
        let ours = ["xtask", "sessera-bench", "sessera-testing"].map(|name| ["--exclude", name]);
        let package = ["package", "--workspace", "--no-verify", "--allow-dirty", "--locked", "--quiet"];
        cargo(&[&package[..], &ours.concat()].concat())?;
        let folder = target().join("unpacked");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let mut names = Vec::new();
        for file in fs::read_dir(&packages)? {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "crate") {
                output(
                    Command::new("tar")
                        .arg("--extract")
                        .arg("--file")
                        .arg(&file)
                        .arg("--directory")
                        .arg(&folder),
                )?;
                names.push(
                    file.file_stem().and_then(|name| name.to_str()).context("a name is text")?.to_owned(),
                );
            }
        }
        names.sort();
        fs::remove_dir_all(&packages)?;
        let manifests = names.iter().map(|name| fs::read_to_string(folder.join(name).join("Cargo.toml")));
        let manifests: String = manifests.collect::<Result<_, _>>()?;
        fs::write(folder.join("Cargo.toml"), manifest(&names, &manifests, &profiles()?))?;
        // The versions of libraries that others get with the program, too.
        fs::copy(workspace().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        let unpacked = Self { folder };
        // Of the lock file, what only our tests need is left out.
        run(unpacked.cargo(&target()).args(["update", "--workspace", "--offline", "--quiet"]))?;
        Ok(unpacked)
    }

    /// Cargo in the folder of the crates.
    fn cargo(&self, target: &Path) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.folder).env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0");
        cargo
    }

    fn remove(self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }
}

/// How crates are built here, so that libraries that were built already need not be built again.
fn profiles() -> Result<String> {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml"))?;
    let at = manifest.find("[profile.").context("Cargo.toml has profiles")?;
    Ok(manifest[at..].to_owned())
}

/// The manifest of a workspace in which crates that need each other find the folders beside them in the place of the registry.
fn manifest(names: &[String], manifests: &str, profiles: &str) -> String {
    let places = names.iter().filter_map(|folder| {
        let (name, _) = folder.rsplit_once('-')?;
        // Cargo warns about a place that nobody looks at.
        manifests.contains(&format!("dependencies.{name}]")).then_some(())?;
        Some(format!("{name} = {{ path = \"{folder}\" }}\n"))
    });
    let places: String = places.collect();
    format!("[workspace]\nresolver = \"3\"\nmembers = [\"*-*\"]\n\n[patch.crates-io]\n{places}\n{profiles}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_find_each_other_in_the_place_of_the_registry() {
        let names = ["sessera-0.1.0", "sessera-model-0.1.0"].map(str::to_owned);
        let needs = "[package]\nname = \"sessera\"\n[dependencies.sessera-model]\nversion = \"0.1.0\"\n";
        let written = manifest(&names, needs, "[profile.dev]\n");
        assert!(!written.contains("sessera = "), "nobody needs the program: {written}");
        assert!(written.contains("\nsessera-model = { path = \"sessera-model-0.1.0\" }\n"), "{written}");
        assert!(written.ends_with("\n[profile.dev]\n"), "{written}");
    }
}
