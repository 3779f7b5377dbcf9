//! What is given to others: the program, small, its symbols in a file beside it, and what is in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::run::{output, run, target, workspace};
use crate::sbom;

/// The most bytes that the program may have.
const LARGEST: u64 = 40_000_000;

/// Builds the release and parts it into `target/ship/sessera` and `target/ship/sessera.debug`. Debuggers, profilers
/// and the stacks of a panic find the second by its name when it lies beside the first. A list of what is in the program
/// lies there, too.
#[expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]
pub(crate) fn build() -> Result<()> {
    let folder = target().join("ship");
    let [program, symbols] = Place::here()?.ship(&folder)?;
    for file in [&program, &symbols] {
        println!("{:>5.1} MB  {}", megabytes(file)?, file.display());
    }
    if std::fs::metadata(&program)?.len() > LARGEST {
        bail!("the program is larger than {LARGEST} bytes: look for what made it grow with `cargo bloat`");
    }
    println!("          {}", sbom::write(&folder)?.display());
    run(Command::new(&program).arg("--version"))
}

/// Where a program is built of which others shall get the same bytes elsewhere.
pub(crate) struct Place {
    /// The source tree.
    pub(crate) source: PathBuf,
    /// What cargo builds.
    pub(crate) target: PathBuf,
    /// The folder in which cargo keeps the libraries (`CARGO_HOME`).
    pub(crate) libraries: PathBuf,
}

impl Place {
    /// This source tree.
    fn here() -> Result<Self> {
        Ok(Self { source: workspace(), target: target(), libraries: libraries()? })
    }

    /// Cargo, told that nothing of the place may stand in what it builds. Compilers write the paths of sources into programs, for
    /// panics, assertions and symbols; these names take their place.
    pub(crate) fn cargo(&self) -> Result<Command> {
        let rust = |about: &str| output(Command::new("rustc").args(about.split(' ')));
        let (root, version) = (rust("--print sysroot")?, rust("-vV")?);
        let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown");
        // Where one lies in another one, the last that fits counts.
        let names = [
            (self.source.clone(), "/sessera".to_owned()),
            (self.target.clone(), "/target".to_owned()),
            (self.libraries.clone(), "/cargo".to_owned()),
            // Where the sources of the standard library are installed, the compiler names them there.
            (Path::new(root.trim()).join("lib/rustlib/src/rust"), format!("/rustc/{commit}")),
        ];
        let map = |option: &str, separator: &str| {
            let options = names.iter().map(|(path, name)| format!("{option}={}={name}", path.display()));
            options.collect::<Vec<_>>().join(separator)
        };
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(&self.source)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_HOME", &self.libraries)
            .env("CARGO_ENCODED_RUSTFLAGS", map("--remap-path-prefix", "\u{1f}"))
            .env("CFLAGS", map("-ffile-prefix-map", " "))
            // C has the time of its compilation as a word.
            .env("SOURCE_DATE_EPOCH", "0");
        Ok(cargo)
    }

    /// Builds the program as it is given to others, and returns its path in `folder` with that of its symbols.
    pub(crate) fn ship(&self, folder: &Path) -> Result<[PathBuf; 2]> {
        run(self.cargo()?.args(["build", "--profile", "symbols", "--locked", "--package", "sessera"]))?;
        let built = self.target.join("symbols/sessera");
        std::fs::create_dir_all(folder)?;
        let (program, symbols) = (folder.join("sessera"), folder.join("sessera.debug"));
        objcopy(&["--only-keep-debug", "--compress-debug-sections"], &built, &symbols)?;
        let link = format!("--add-gnu-debuglink={}", symbols.display());
        objcopy(&["--strip-all", &link], &built, &program)?;
        self.expect_no_trace_in(&program)?;
        Ok([program, symbols])
    }

    /// Fails when a program has a path of the place in it.
    pub(crate) fn expect_no_trace_in(&self, program: &Path) -> Result<()> {
        let bytes = std::fs::read(program)?;
        // A path of one name, such as /src, is a part of others that mean nothing here.
        let places = [&self.source, &self.target, &self.libraries];
        for path in places.into_iter().filter(|path| path.components().count() > 2) {
            let path = path.to_str().context("a path is text")?;
            if let Some(found) = find(&bytes, path.as_bytes()) {
                let whole = bytes[found..].iter().take(200).take_while(|byte| byte.is_ascii_graphic());
                let whole: String = whole.map(|byte| char::from(*byte)).collect();
                bail!(
                    "{} has a path of this machine in it, {whole}: others would build other bytes. Look for env!(\"CARGO_MANIFEST_DIR\") and for files of a build script",
                    program.display()
                );
            }
        }
        Ok(())
    }
}

/// The folder in which cargo keeps the libraries.
pub(crate) fn libraries() -> Result<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).context("there is no home folder")
}

/// Where a text stands in bytes.
fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    let (first, rest) = text.split_first()?;
    let mut from = 0;
    loop {
        let at = from + bytes.get(from..)?.iter().position(|byte| byte == first)?;
        if bytes[at + 1..].starts_with(rest) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Copies a program in parts.
pub(crate) fn objcopy(arguments: &[&str], from: &Path, to: &Path) -> Result<()> {
    run(Command::new("objcopy").args(arguments).arg(from).arg(to))
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one digit behind the point")]
fn megabytes(file: &Path) -> Result<f64> {
    Ok(std::fs::metadata(file)?.len() as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_the_machine_in_a_program_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        let place = Place {
            source: "/home/ada/s".into(),
            target: "/tmp/t".into(),
            libraries: "/home/ada/.cargo".into(),
        };
        std::fs::write(&program, b"\x7fELF/home/bob/s/x.rs\0/rustc/1/y.rs").unwrap();
        place.expect_no_trace_in(&program).unwrap();
        std::fs::write(&program, b"\x7fELF/home/h/home/ada/.cargo/registry/x.rs\0more").unwrap();
        let told = place.expect_no_trace_in(&program).unwrap_err().to_string();
        assert!(told.contains("/home/ada/.cargo/registry/x.rs:"), "{told}");
        let short =
            Place { source: "/src".into(), target: "/src/target".into(), libraries: "/cargo/home".into() };
        std::fs::write(&program, b"/cargo/registry/src/x.rs").unwrap();
        short.expect_no_trace_in(&program).unwrap();
    }
}
