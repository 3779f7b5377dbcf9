//! The package for Debian, and the tests of what is in `packaging/`.

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
    for file in ["test_packages.py", "test_kubernetes.py"] {
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
        ("sessera.service", "lib/systemd/system/sessera.service", 0o644),
        ("sessera.socket", "lib/systemd/system/sessera.socket", 0o644),
        ("sysusers.conf", "usr/lib/sysusers.d/sessera.conf", 0o644),
        ("sessera.yml", "etc/sessera/sessera.yml", 0o640),
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
    let control = format!(
        "Package: sessera\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: Sessera <sessera@example.org>\n\
         Section: net\nPriority: optional\nDepends: libc6, libgcc-s1, procps, systemd\nDescription: Signed tokens of sign-in sessions\n \
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
