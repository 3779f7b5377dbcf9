//! The OpenAPI documents against a running server: schemathesis asks what they allow and what they do not.

use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use crate::ports::OwnPort;
use crate::run::{run, sessera, workspace};
use crate::tools;
use crate::wire::{Stopped, wait_until_it_listens};

/// What schemathesis checks, and why it does not check the rest.
const CONFIGURATION: &str = "tests/openapi/schemathesis.toml";

/// How many requests `cargo xtask test` makes up for each route.
pub(crate) const FEW: u32 = 5;

/// Asks both ports; `examples` is how many requests are made up for each route.
pub(crate) fn check(examples: u32) -> Result<()> {
    let program = sessera()?;
    let python = tools::python("tests/openapi/requirements.txt")?;
    let work = workspace().join("target/openapi");
    // What an earlier run left behind would otherwise answer in this one.
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work)?;
    let (public_port, admin_port) = (OwnPort::take()?, OwnPort::take()?);
    let (public, admin) = (public_port.number(), admin_port.number());
    let log = std::fs::File::create(work.join("log"))?;
    let server = serve(&program, &work, public, admin, log)?;
    let mut server = Stopped(server);
    wait_until_it_listens(&mut server.0, public)?;
    for (name, port) in [("public", public), ("admin", admin)] {
        let document = workspace().join(format!("docs/openapi/{name}.json"));
        run(Command::new(python.with_file_name("st"))
            .args(["--config-file", CONFIGURATION, "run"])
            .arg(document)
            .args(["--url", &format!("http://127.0.0.1:{port}")])
            .args(["--max-examples", &examples.to_string()])
            // The admin API takes bodies of this type only, as long as it has no token.
            .args(["--header", "Content-Type: application/json"]))?;
    }
    Ok(())
}

fn serve(
    program: &std::path::Path,
    folder: &std::path::Path,
    public: u16,
    admin: u16,
    log: std::fs::File,
) -> Result<Child> {
    Command::new(program)
        .arg("serve")
        .current_dir(folder)
        .env("SERVE_PUBLIC_PORT", public.to_string())
        .env("SERVE_ADMIN_PORT", admin.to_string())
        .env("HASHERS_ALGORITHM", "bcrypt")
        .env("HASHERS_BCRYPT_COST", "4")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .context("cannot start the server")
}
