//! The wire contract. A runner compares answers with recorded ones, where it stands beside the project.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::ports::OwnPort;
use crate::run::{run, sessera, skipped, workspace};

/// Runs the scenarios whose names match `only`, which are all when it is empty: against a server that keeps the sessions,
/// and against one for which that is the upstream.
pub(crate) fn check(only: &str) -> Result<()> {
    let folder = shared().join("wire");
    if !folder.is_dir() {
        skipped("the recorded answers", "the folder shared/wire is not beside the project");
        return Ok(());
    }
    let program = sessera()?;
    let work = workspace().join("target/wire");
    // What an earlier run left behind would otherwise answer in this one.
    let _ = std::fs::remove_dir_all(&work);
    for has_upstream in [false, true] {
        let work = work.join(if has_upstream { "upstream" } else { "alone" });
        std::fs::create_dir_all(&work)?;
        let (public, admin) = (OwnPort::take()?, OwnPort::take()?);
        let (public, admin) = (public.number(), admin.number());
        let runner = folder.join("wire.py");
        run(Command::new("python3").arg(&runner).arg("config").arg("--dir").arg(&work).args([
            "--public-port",
            &public.to_string(),
            "--admin-port",
            &admin.to_string(),
        ]))?;
        let config = work.join("kratos.yml");
        let _servers = if has_upstream {
            vec![behind(&program, &work, &config)?, serve(&program, &work, &config, public)?]
        } else {
            vec![serve(&program, &work, &config, public)?]
        };
        let mut check = Command::new("python3");
        check
            .arg(&runner)
            .arg("check")
            .args(["--public", &format!("http://127.0.0.1:{public}")])
            .args(["--admin", &format!("http://127.0.0.1:{admin}")])
            .arg("--golden")
            .arg(folder.join("core.golden.json"));
        if !only.is_empty() {
            check.args(["--only", only]);
        }
        run(&mut check)?;
    }
    Ok(())
}

/// Starts a server that keeps the sessions, known under the address of the configuration, and makes it the upstream of
/// the configuration.
fn behind(program: &Path, work: &Path, config: &Path) -> Result<Stopped> {
    let mut tree: Value = serde_json::from_str(&std::fs::read_to_string(config)?)?;
    let (public, admin) = (OwnPort::take()?, OwnPort::take()?);
    let mut own = tree.clone();
    own["serve"]["public"]["port"] = public.number().into();
    own["serve"]["admin"]["port"] = admin.number().into();
    own["dsn"] = format!("sqlite://{}", work.join("behind.sqlite").display()).into();
    let file = work.join("behind.yml");
    std::fs::write(&file, own.to_string())?;
    let server = serve(program, work, &file, public.number())?;
    let address = |port: u16| format!("http://127.0.0.1:{port}");
    tree["session"]["upstream"] =
        json!({"url": address(public.number()), "admin_url": address(admin.number())});
    std::fs::write(config, tree.to_string())?;
    Ok(server)
}

/// Starts a server and waits until it listens.
fn serve(program: &Path, work: &Path, config: &Path, port: u16) -> Result<Stopped> {
    let log = std::fs::File::create(config.with_extension("log"))?;
    let server = Command::new(program)
        .args(["serve", "-c"])
        .arg(config)
        .current_dir(work)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("cannot start the server")?;
    let mut server = Stopped(server);
    wait_until_it_listens(&mut server.0, port)?;
    Ok(server)
}

/// The folder of inputs that are not part of the project, which is `SESSERA_SHARED` or else `shared` beside
/// it.
pub(crate) fn shared() -> PathBuf {
    std::env::var_os("SESSERA_SHARED").map_or_else(|| workspace().join("../shared"), PathBuf::from)
}

/// A server that ends with the chore.
pub(crate) struct Stopped(pub(crate) Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        // The server may have ended by itself, which the check has reported already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn wait_until_it_listens(server: &mut Child, port: u16) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = server.try_wait()? {
            bail!("the server ended with {status}; its log lies in target");
        }
        if Instant::now() > end {
            bail!("the server does not listen on port {port} after a minute; its log lies in target");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
