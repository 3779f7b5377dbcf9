//! `sessera man`

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, Command, CommandFactory as _};

use crate::Arguments;
use crate::global::Global;

/// Write the manual pages, one for each command, into a folder
///
/// A folder man1 below one that "manpath" prints is where "man sessera" and "man sessera-create-jwk" find them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera man ~/.local/share/man/man1
  man sessera-patch-identity-config")]
pub(crate) struct Man {
    /// The folder, which is made when it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(self, global: &Global) -> Result<()> {
        let shown = self.folder.display();
        std::fs::create_dir_all(&self.folder)
            .with_context(|| format!("the folder {shown} cannot be made"))?;
        let mut command = Arguments::command().disable_help_subcommand(true);
        command.build();
        clap_mangen::generate_to(with_usage(command), &self.folder)
            .with_context(|| format!("the manual pages cannot be written into {shown}"))?;
        global.output().done(&format!("The manual pages are in {shown}."));
        Ok(())
    }
}

/// A command whose synopsis is the usage that its help has. The one that is made of its options shows none of their values.
fn with_usage(mut command: Command) -> Command {
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    command.override_usage(usage).mut_subcommands(with_usage)
}
