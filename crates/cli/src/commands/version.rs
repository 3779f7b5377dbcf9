//! `sessera version`

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::global::Global;

/// Print the version, as --version does
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera version
  sessera version --format jsonpath=version")]
pub(crate) struct Version {}

impl Version {
    pub(crate) fn run(self, global: &Global) -> Result<()> {
        let Self {} = self;
        let version = env!("CARGO_PKG_VERSION");
        let document = json!({ "name": "sessera", "version": version });
        global.output().print_text(&format!("sessera {version}\n"), &document, Some(version))
    }
}
