//! `sessera completions`

use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::Arguments;
use crate::output;

/// Print a script with which a shell completes commands and options
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
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "sessera", &mut script);
        output::write(&String::from_utf8_lossy(&script))
    }
}
