//! The test of the Jsonnet engine that needs another program, which is go-jsonnet.

use std::process::Command;

use anyhow::Result;

use crate::instructions;
use crate::run::{run, workspace};
use crate::tools::python;

/// Runs random programs and programs with odd arguments here and in go-jsonnet, and fails when the results
/// differ.
pub(crate) fn differential(seed: u64, count: u64) -> Result<()> {
    let python = python("crates/jsonnet/examples/differential/requirements.txt")?;
    let script = workspace().join("crates/jsonnet/examples/differential/compare.py");
    let program = instructions::example("differential")?;
    let compare =
        |arguments: &[String]| run(Command::new(&python).arg(&script).arg(&program).args(arguments));
    compare(&["arguments".to_owned()])?;
    compare(&[seed.to_string(), count.to_string()])
}
