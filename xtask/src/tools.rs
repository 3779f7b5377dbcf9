//! Programs of the system that the tests use. Missing ones are installed from Debian's packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::run::{run, run_together, skipped, target, workspace};

/// A program that some test needs, and the package that has it.
struct Tool {
    /// Its name, or the path of a file that the package brings.
    program: &'static str,
    package: &'static str,
}

/// Where Debian keeps PostgreSQL, in one folder for each version.
pub(crate) const POSTGRES: &str = "/usr/lib/postgresql";

/// What the compiler needs for libraries in C.
const COMPILERS: &[Tool] =
    &[Tool { program: "cc", package: "build-essential" }, Tool { program: "cmake", package: "cmake" }];

const TOOLS: &[Tool] = &[
    Tool { program: "node", package: "nodejs" },
    Tool { program: "chromium", package: "chromium" },
    Tool { program: "openssl", package: "openssl" },
    Tool { program: "npm", package: "npm" },
    Tool { program: "python3", package: "python3-venv" },
    Tool { program: "/usr/lib/softhsm/libsofthsm2.so", package: "softhsm2" },
    Tool { program: POSTGRES, package: "postgresql" },
    Tool { program: "/usr/sbin/nginx", package: "nginx-light" },
    Tool { program: "/usr/lib/nginx/modules/ngx_http_js_module.so", package: "libnginx-mod-http-js" },
    Tool { program: "caddy", package: "caddy" },
    Tool { program: "/usr/sbin/haproxy", package: "haproxy" },
    Tool { program: "/usr/lib/rabbitmq/bin/rabbitmq-server", package: "rabbitmq-server" },
    Tool { program: "/usr/sbin/apache2", package: "apache2-bin" },
    Tool { program: "/usr/lib/apache2/modules/mod_auth_openidc.so", package: "libapache2-mod-auth-openidc" },
    Tool { program: "faketime", package: "faketime" },
    Tool { program: "curl", package: "curl" },
    Tool { program: "jq", package: "jq" },
    Tool { program: "systemd-analyze", package: "systemd" },
    Tool { program: "systemd-nspawn", package: "systemd-container" },
];

/// Installs what the compiler needs.
pub(crate) fn install_compilers() -> Result<()> {
    install_missing(COMPILERS)
}

/// Installs what the tests need.
pub(crate) fn install() -> Result<()> {
    install_missing(TOOLS)
}

/// Installs what is missing. That needs root. Anybody else is told at once all that is to be installed. What is said about it is
/// shown at the end, as other work may be on the screen in the meantime.
fn install_missing(tools: &[Tool]) -> Result<()> {
    if !is_root() {
        let all: Vec<_> = missing(COMPILERS).chain(missing(TOOLS)).collect();
        if all.is_empty() {
            return Ok(());
        }
        bail!("some packages are missing; install them with: sudo apt-get install {}", all.join(" "));
    }
    let packages: Vec<_> = missing(tools).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let mut update = Command::new("apt-get");
    update.arg("update");
    run_together(&mut [update])?;
    let mut install = Command::new("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages);
    run_together(&mut [install])
}

/// The packages of those tools that are not there.
fn missing(tools: &[Tool]) -> impl Iterator<Item = &'static str> {
    tools.iter().filter(|tool| find(tool.program).is_none()).map(|tool| tool.package)
}

/// Finds a program, which is a file with that path or one with that name in `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.is_absolute() {
        return path.exists().then(|| path.to_path_buf());
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A Python environment with the packages of a requirements file. It is made once below `target/`.
pub(crate) fn python(requirements: &str) -> Result<PathBuf> {
    let folder = workspace();
    let environment = folder.join("target/python");
    let python = environment.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    }
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(folder.join(requirements)))?;
    Ok(python)
}

/// Builds a program in Go that the module in a folder has or names, and returns its path, or `None` where Go is not installed.
pub(crate) fn go(name: &str, folder: &str, package: &str) -> Result<Option<PathBuf>> {
    if find("go").is_none() {
        skipped(name, "Go is not installed");
        return Ok(None);
    }
    let program = target().join("go").join(name);
    run(Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(package)
        .current_dir(workspace().join(folder)))?;
    Ok(Some(program))
}

/// Whether programs in Java can be built here.
pub(crate) fn has_java() -> bool {
    find("javac").is_some() && find("mvn").is_some()
}

/// The folder with the jars of the verifiers in Java, or `None` where Java is not installed.
pub(crate) fn nimbus() -> Result<Option<PathBuf>> {
    if !has_java() {
        skipped("the verifiers in Java", "a Java development kit or Maven is not installed");
        return Ok(None);
    }
    let folder = workspace();
    let jars = folder.join("target/java");
    run(Command::new("mvn")
        .args(["--batch-mode", "--quiet", "dependency:copy-dependencies", "--file"])
        .arg(folder.join("tests/clients/verifiers/pom.xml"))
        .arg(format!("-DoutputDirectory={}", jars.display())))?;
    Ok(Some(jars))
}

pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
