//! `sessera get identity-config`

use anyhow::Result;
use clap::Args;

use crate::global::Global;

/// Show the identity configuration, secrets included
///
/// It has the keys of kratos.yml, without those that belong to the machine (dsn, secrets, serve, log).
/// "sessera patch identity-config" changes parts of it, "sessera update identity-config" all of it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera get identity-config
  sessera get identity-config \\
    --format jsonpointer=/session/whoami/tokenizer/templates
  sessera get identity-config --format yaml > identity.yml")]
pub(crate) struct GetIdentityConfig {
    /// The project, by its id or slug; a deployment is one project
    #[arg(value_name = "PROJECT")]
    positional: Option<String>,
}

impl GetIdentityConfig {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect_to(self.positional.as_deref()).await?;
        context.output.print_document(&context.client.config(&context.project).await?)
    }
}
