//! `sessera update identity-config`

use anyhow::Result;
use clap::Args;

use crate::commands::identity_config::print_changed;
use crate::global::Global;
use crate::input;

/// Replace the whole identity configuration
///
/// Everything that the file does not have is gone afterwards, so begin with the output of "sessera get
/// identity-config". A text that begins with file:// and was not there before is read by this command and
/// sent as base64://. An older configuration comes back with "sessera rollback identity-config".
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera get identity-config > identity.yml
  sessera update identity-config -f identity.yml")]
pub(crate) struct UpdateIdentityConfig {
    /// The project, by its id or slug; a deployment is one project
    #[arg(value_name = "PROJECT")]
    positional: Option<String>,
    /// The configuration as JSON or YAML: a file, file://PATH, base64://CONTENT, or - for standard input
    #[arg(short, long, value_name = "FILE")]
    file: String,
}

impl UpdateIdentityConfig {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let mut config = input::document(&self.file)?;
        let context = global.connect_to(self.positional.as_deref()).await?;
        let current = context.client.config(&context.project).await?;
        input::read_files(&mut config, Some(&current))?;
        let changed = context.client.put_config(&context.project, &config).await?;
        print_changed(&context, &changed)
    }
}
