//! `sessera completions`

use anyhow::{Context as _, Result};
use clap::Args;
use clap_complete::Shell;
use clap_complete::env::Shells;

use crate::{COMPLETE_VARIABLE, output};

/// Print a script with which a shell completes commands, options and names
///
/// The shell asks this program, which asks the running server for the names of key sets, keys, identities,
/// sessions, revisions and templates. Without a server only commands and options are completed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera completions bash > ~/.local/share/bash-completion/completions/sessera
  sessera completions zsh > \"${fpath[1]}/_sessera\"
  sessera completions fish > ~/.config/fish/completions/sessera.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<()> {
        let shells = Shells::builtins();
        let shell = shells.completer(&self.shell.to_string()).context("there is no script for this shell")?;
        let mut script = Vec::new();
        shell.write_registration(COMPLETE_VARIABLE, "sessera", "sessera", "sessera", &mut script)?;
        output::write_exactly(&String::from_utf8_lossy(&script))
    }
}
