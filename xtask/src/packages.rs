//! The package for Debian, and the tests of what is in `packaging/`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{output, python_path, run, sessera, target, workspace};
use crate::ship::objcopy;
use crate::{published, ship, tools};

/// Makes the package of the program as it is given to others.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn debian() -> Result<()> {
    ship::build()?;
    let package = build(&target().join("ship/sessera"), env!("CARGO_PKG_VERSION"), &target().join("ship"))?;
    println!("{}", package.display());
    Ok(())
}

/// Tests a package of the program that the tests use, and the other files.
pub(crate) fn test() -> Result<()> {
    let program = sessera()?;
    let python = tools::python("tests/packages/requirements.txt")?;
    let folder = target().join("packages");
    fs::create_dir_all(&folder)?;
    // Packages of the program with its symbols would take ten times the space.
    let small = folder.join("sessera");
    objcopy(&["--strip-all"], &program, &small)?;
    let first = build(&small, "0.0.1", &folder)?;
    let again = build(&small, "0.0.1", &folder.join("again"))?;
    if fs::read(&first)? != fs::read(&again)? {
        bail!("{} and {} are made of the same program and differ", first.display(), again.display());
    }
    fs::remove_dir_all(folder.join("again"))?;
    let second = build(&small, "0.0.2", &folder)?;
    fs::remove_file(&small)?;
    published::check()?;
    let chart = tools::go("chart", "tests/kubernetes", "./chart")?;
    let actionlint = "github.com/rhysd/actionlint/cmd/actionlint";
    let actionlint = tools::go("actionlint", "tests/packages/workflows", actionlint)?;
    for file in ["test_packages.py", "test_debian.py", "test_containers.py", "test_kubernetes.py"] {
        run(Command::new(&python)
            .arg(workspace().join("tests/packages").join(file))
            .env("PYTHONPATH", python_path())
            .env("SESSERA", &program)
            .env("PACKAGES", std::env::join_paths([&first, &second])?)
            .envs(chart.as_ref().map(|program| ("CHART", program)))
            .envs(actionlint.as_ref().map(|program| ("ACTIONLINT", program))))?;
    }
    // Nobody installs a package of a program that is made for tests.
    Ok(fs::remove_dir_all(&folder)?)
}

/// Builds a package of a program, and returns its path.
fn build(program: &Path, version: &str, folder: &Path) -> Result<PathBuf> {
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))?.trim().to_owned();
    let root = folder.join("root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    put(&root, "usr/bin/sessera", 0o755, &fs::read(program)?)?;
    for (file, place, mode) in [
        ("sessera.service", "usr/lib/systemd/system/sessera.service", 0o644),
        ("sessera.socket", "usr/lib/systemd/system/sessera.socket", 0o644),
        ("sysusers.conf", "usr/lib/sysusers.d/sessera.conf", 0o644),
        ("sessera.yml", "etc/sessera/sessera.yml", 0o640),
        ("copyright", "usr/share/doc/sessera/copyright", 0o644),
        ("postinst", "DEBIAN/postinst", 0o755),
        ("prerm", "DEBIAN/prerm", 0o755),
        ("postrm", "DEBIAN/postrm", 0o755),
    ] {
        let source = workspace().join("packaging/debian").join(file);
        put(&root, place, mode, &fs::read(&source).with_context(|| source.display().to_string())?)?;
    }
    run(Command::new(program).args(["--quiet", "man"]).arg(root.join("usr/share/man/man1")))?;
    for (shell, place) in [
        ("bash", "usr/share/bash-completion/completions/sessera"),
        ("zsh", "usr/share/zsh/vendor-completions/_sessera"),
        ("fish", "usr/share/fish/vendor_completions.d/sessera.fish"),
    ] {
        let script = output(Command::new(program).args(["completions", shell]))?;
        put(&root, place, 0o644, script.as_bytes())?;
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let place = format!("usr/share/doc/sessera/{licence}");
        put(&root, &place, 0o644, &fs::read(workspace().join(licence))?)?;
    }
    put(&root, "DEBIAN/conffiles", 0o644, b"/etc/sessera/sessera.yml\n")?;
    let needs = output(Command::new("objdump").arg("--private-headers").arg(program))?;
    let libraries = libraries(&needs).with_context(|| program.display().to_string())?;
    // The unit reloads by "kill", which is in procps.
    let control = format!(
        "Package: sessera\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: The Sessera authors <sessera@example.org>\n\
         Section: net\nPriority: optional\nDepends: {libraries}, procps, systemd\n\
         Recommends: ca-certificates\nDescription: Signed tokens of sign-in sessions\n \
         Sessera turns sign-in sessions into signed JSON Web Tokens that anybody can verify\n offline. It speaks the wire protocol of Ory Kratos.\n"
    );
    put(&root, "DEBIAN/control", 0o644, control.as_bytes())?;
    let package = folder.join(format!("sessera_{version}_{architecture}.deb"));
    // Which user builds the package, and when, leaves no trace in it.
    run(Command::new("dpkg-deb")
        .env("SOURCE_DATE_EPOCH", "0")
        .args(["--root-owner-group", "-Zgzip", "-z1", "--build"])
        .args([&root, &package]))?;
    fs::remove_dir_all(&root)?;
    Ok(package)
}

/// The packages of the libraries that a program needs, each in the lowest version that has all symbols, of what `objdump` shows.
fn libraries(needs: &str) -> Result<String> {
    let mut packages = BTreeMap::new();
    let mut library = "";
    for line in needs.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("NEEDED") {
            packages.entry(package(name.trim())?).or_default();
        } else if let Some(name) = line.strip_prefix("required from ") {
            library = name.trim_end_matches(':');
        } else if let Some(symbols) = line.split(' ').next_back().filter(|_| line.starts_with("0x")) {
            let version = match symbols {
                // It stands for a form of relocations that this version reads first.
                "GLIBC_ABI_DT_RELR" => Some(vec![2, 36]),
                _ => symbols.split_once('_').and_then(|(_, version)| numbers(version)),
            };
            let version =
                version.with_context(|| format!("which version of {library} has {symbols} is not known"))?;
            let lowest: &mut Vec<u32> = packages.entry(package(library)?).or_default();
            *lowest = std::mem::take(lowest).max(version);
        }
    }
    let named = packages.iter().map(|(package, lowest)| {
        let lowest: Vec<String> = lowest.iter().map(u32::to_string).collect();
        if lowest.is_empty() { (*package).to_owned() } else { format!("{package} (>= {})", lowest.join(".")) }
    });
    Ok(named.collect::<Vec<_>>().join(", "))
}

/// The numbers of a version, without zeros at the end: `4.2.0` is the version 4.2.
fn numbers(version: &str) -> Option<Vec<u32>> {
    let mut numbers = version.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>()?;
    while numbers.len() > 2 && numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}

/// The package of Debian that has a library.
fn package(library: &str) -> Result<&'static str> {
    match library {
        "libc.so.6" | "libm.so.6" => Ok("libc6"),
        "libgcc_s.so.1" => Ok("libgcc-s1"),
        // The loader is named after the processor.
        loader if loader.starts_with("ld-linux") => Ok("libc6"),
        other => bail!("the program needs {other}: name its package where this is said"),
    }
}

fn put(root: &Path, place: &str, mode: u32, content: &[u8]) -> Result<()> {
    let file = root.join(place);
    let folder = file.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)?;
    // A folder that only its owner may enter would stay so where the package is installed.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    fs::write(&file, content)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `objdump` shows of a program, in short.
    const SHOWN: &str = "\
Dynamic Section:
  NEEDED               libgcc_s.so.1
  NEEDED               libc.so.6
  NEEDED               ld-linux-x86-64.so.2
Version References:
  required from libgcc_s.so.1:
    0x0b792650 0x00 05 GCC_3.0
    0x09276060 0x00 27 GCC_4.2.0
  required from libm.so.6:
    0x06969189 0x00 10 GLIBC_2.29
  required from libc.so.6:
    0x0d696919 0x00 17 GLIBC_2.9
    0x069691b4 0x00 02 GLIBC_2.34
    0x06969190 0x00 16 GLIBC_2.10
";

    #[test]
    fn a_package_asks_for_the_libraries_that_have_all_symbols() {
        assert_eq!(libraries(SHOWN).unwrap(), "libc6 (>= 2.34), libgcc-s1 (>= 4.2)");
        assert_eq!(libraries("  NEEDED  libc.so.6\n").unwrap(), "libc6");
    }

    #[test]
    fn a_library_and_symbols_that_nobody_knows_are_named() {
        let other = libraries("  NEEDED  libpq.so.5\n").unwrap_err().to_string();
        assert!(other.contains("libpq.so.5"), "{other}");
        let private = SHOWN.replace("GLIBC_2.9", "GLIBC_PRIVATE");
        let told = libraries(&private).unwrap_err().to_string();
        assert!(told.contains("libc.so.6 has GLIBC_PRIVATE"), "{told}");
    }
}
