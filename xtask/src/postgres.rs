//! PostgreSQL for the tests, which is a private cluster on a free port that ends with the chore.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::ports::OwnPort;
use crate::run::{python_path, run, sessera, workspace};
use crate::tools::{POSTGRES, is_root};

/// The tests that run with a cluster, in this order.
const TESTS: [&str; 8] = [
    "tests/nodes/test_nodes.py",
    "tests/nodes/test_upstream.py",
    "tests/nodes/test_standbys.py",
    "tests/nodes/test_migrate.py",
    "tests/nodes/test_move.py",
    "tests/faults/test_connections.py",
    "tests/faults/test_clock.py",
    "tests/faults/test_faults.py",
];

/// Settings for millions of rows, with a quarter of a usual server's memory and no work that only a power cut
/// needs.
const LARGE: &str =
    "shared_buffers = 4GB\nmax_wal_size = 16GB\ncheckpoint_timeout = 1h\nfull_page_writes = off\n";

/// Runs everything that needs PostgreSQL, which is the store's tests, three nodes behind nginx, standbys and
/// faults.
pub(crate) fn test() -> Result<()> {
    store()?;
    nodes()
}

/// Runs the tests of the store.
fn store() -> Result<()> {
    let cluster = Cluster::start("store", "")?;
    run(cluster
        .offer(Command::new("cargo").args(["test", "--workspace", "--locked"]))
        .args(["--test", "postgres", "--test", "reseal", "--test", "transfer"]))
}

/// Runs three nodes behind nginx, standbys and faults.
pub(crate) fn nodes() -> Result<()> {
    let program = sessera()?;
    let cluster = Cluster::start("nodes", "")?;
    for test in TESTS {
        run(&mut cluster.python(test, &program)?)?;
    }
    Ok(())
}

/// Measures the server on PostgreSQL by `sessera-bench` with these arguments. The database runs on the
/// client's core.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    /// The core of the client; the server has the first one.
    const CORE: &str = "1";
    let cluster = Cluster::start("bench", LARGE)?;
    let pid = fs::read_to_string(cluster.folder.join("postmaster.pid"))?;
    let pid = pid.lines().next().context("PostgreSQL tells no process id")?;
    // Processes that PostgreSQL starts for connections inherit the core.
    run(Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", CORE, pid])
        .stdout(Stdio::null()))?;
    run(Command::new("cargo")
        .args(["run", "--release", "--locked", "-p", "sessera-bench", "--", "--dsn"])
        .arg(cluster.dsn("postgres"))
        .args(arguments))
}

/// A running cluster. It holds test data only, so everybody on this machine may connect.
pub(crate) struct Cluster {
    folder: PathBuf,
    port: OwnPort,
}

impl Cluster {
    /// Makes a new cluster and starts it. `more` are lines of its configuration.
    pub(crate) fn start(name: &str, more: &str) -> Result<Self> {
        let port = OwnPort::take()?;
        let folder = place(name)?;
        run(program("initdb")?
            .arg("--pgdata")
            .arg(&folder)
            .args(["--username=sessera", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"])
            .stdout(Stdio::null()))?;
        // No data of the tests has to survive a power cut.
        let settings = format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n\
             max_connections = 100\n{more}",
            port.number()
        );
        let file = folder.join("postgresql.conf");
        let default = fs::read_to_string(&file)?;
        fs::write(&file, default + &settings)?;
        let cluster = Self { folder, port };
        cluster.control("start")?;
        Ok(cluster)
    }

    /// The data source name of one of its databases.
    pub(crate) fn dsn(&self, database: &str) -> String {
        format!("postgres://sessera@127.0.0.1:{}/{database}?sslmode=disable", self.port.number())
    }

    /// Names this cluster to the tests of the store.
    pub(crate) fn offer<'a>(&self, tests: &'a mut Command) -> &'a mut Command {
        tests.env("SESSERA_TEST_POSTGRES", self.dsn("postgres"))
    }

    /// A test in Python that uses this cluster and the server.
    pub(crate) fn python(&self, test: &str, server: &Path) -> Result<Command> {
        let mut command = Command::new("python3");
        command
            .arg(workspace().join(test))
            .env("SESSERA", server)
            .env("PYTHONPATH", python_path())
            .env("POSTGRES_PORT", self.port.number().to_string())
            .env("POSTGRES_CONTROL", self.controls()?);
        Ok(command)
    }

    /// The commands with which a test stops and starts the server, as JSON.
    fn controls(&self) -> Result<String> {
        let program = program("pg_ctl")?;
        let owner = owner()?.map_or("null".into(), |(user, group)| format!("[{user},{group}]"));
        Ok(format!(
            "{{\"program\":\"{}\",\"folder\":\"{}\",\"owner\":{owner}}}",
            program.get_program().to_string_lossy(),
            self.folder.display()
        ))
    }

    /// Starts, restarts or stops the server and waits until that is done.
    pub(crate) fn control(&self, what: &str) -> Result<()> {
        let log = self.folder.join("log");
        run(program("pg_ctl")?
            .args([what, "--wait", "--timeout=60", "--mode=fast", "--silent", "--log"])
            .arg(&log)
            .arg("--pgdata")
            .arg(&self.folder))
        .with_context(|| format!("see {}", log.display()))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Its messages are on the screen already.
        let _ = self.control("stop");
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Makes the command of one of PostgreSQL's programs. The server refuses to run as root, so root runs it as
/// its own user.
fn program(name: &str) -> Result<Command> {
    let versions = fs::read_dir(POSTGRES).with_context(|| format!("{POSTGRES} is not there"))?;
    let newest = versions.filter_map(|version| Some(version.ok()?.path())).max();
    let mut command = Command::new(newest.unwrap_or_default().join("bin").join(name));
    command.current_dir("/");
    if let Some((user, group)) = owner()? {
        command.uid(user).gid(group);
    }
    Ok(command)
}

/// The user to whom the cluster belongs when this chore runs as root.
fn owner() -> Result<Option<(u32, u32)>> {
    if !is_root() {
        return Ok(None);
    }
    let id = |flag: &str| -> Result<u32> {
        let output = Command::new("id").args([flag, "postgres"]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
    };
    Ok(Some((id("-u")?, id("-g")?)))
}

/// Makes an empty folder for the cluster, which its owner can reach.
fn place(name: &str) -> Result<PathBuf> {
    let folder = workspace().join("target/postgres").join(name);
    // What an earlier run left behind is of no use.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    if let Some((user, group)) = owner()? {
        std::os::unix::fs::chown(&folder, Some(user), Some(group))?;
    }
    if !reachable(&folder)? {
        bail!("the user postgres cannot reach {}: move the project out of a closed folder", folder.display());
    }
    Ok(folder)
}

fn reachable(folder: &Path) -> Result<bool> {
    let mut test = Command::new("test");
    test.arg("-w").arg(folder);
    if let Some((user, group)) = owner()? {
        test.uid(user).gid(group);
    }
    Ok(test.status()?.success())
}
