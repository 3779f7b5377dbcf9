//! The tests of mail with the real server and a mail server from PyPI.

use std::process::Command;

use anyhow::Result;

use crate::run::{python_path, run, sessera, workspace};
use crate::tools;

/// Sends codes through aiosmtpd on loopback.
pub(crate) fn test() -> Result<()> {
    let program = sessera()?;
    let python = tools::python("tests/mail/requirements.txt")?;
    run(Command::new(python)
        .arg(workspace().join("tests/mail/test_mail.py"))
        .env("PYTHONPATH", python_path())
        .env("SESSERA", program))
}
