//! `sessera create identity`

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use sessera_client::identities::NewIdentity;
use sessera_jose::strict_json;

use crate::commands::identities;
use crate::global::Global;
use crate::input;

/// Make an identity
///
/// The traits are those that its schema asks for. A password is read from a file or standard input, never
/// from the command line, where other people on the machine could see it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera create identity --traits '{\"email\":\"ada@example.org\"}'
  sessera create identity --traits '{\"email\":\"ada@example.org\"}' \\
    --password-file - < password.txt
  sessera create identity -f ada.yml")]
pub(crate) struct CreateIdentity {
    /// The traits as JSON
    #[arg(long, value_name = "JSON", required_unless_present = "file")]
    traits: Option<String>,
    /// Which identity schema judges the traits [default: the server's default schema]
    #[arg(long, value_name = "ID")]
    schema: Option<String>,
    /// A file with the password on its first line, or - for standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<String>,
    /// The identity's id in another system
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// The state, active or inactive
    #[arg(long)]
    state: Option<String>,
    /// The identity as the API takes it (JSON or YAML), or - for standard input; options override it
    #[arg(short, long, value_name = "FILE")]
    file: Option<String>,
}

impl CreateIdentity {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let identity = self.identity()?;
        let context = global.connect().await?;
        let made = [context.client.create_identity(&identity).await?];
        context.output.print(&identities::report(&made, identities::one_or_many(&made)?))
    }

    fn identity(self) -> Result<NewIdentity> {
        let mut identity = match &self.file {
            Some(file) => serde_json::from_value(input::document(file)?)
                .with_context(|| format!("{} is not an identity", input::name(file)))?,
            None => NewIdentity::default(),
        };
        if let Some(traits) = self.traits {
            identity.traits = strict_json::parse(traits.as_bytes())
                .map_err(|problem| anyhow::anyhow!("the traits are not JSON: {problem}. Write for example --traits '{{\"email\":\"ada@example.org\"}}'"))?;
        }
        identity.schema_id = self.schema.or(identity.schema_id);
        identity.external_id = self.external_id.or(identity.external_id);
        identity.state = self.state.or(identity.state);
        if let Some(file) = &self.password_file {
            let content = String::from_utf8(input::read(file)?).context("the password is not UTF-8 text")?;
            let Some(password) = content.lines().next().filter(|line| !line.is_empty()) else {
                bail!("{} holds no password on its first line", input::name(file));
            };
            let credentials = identity.other.entry("credentials").or_insert(Value::Null);
            *credentials = json!({ "password": { "config": { "password": password } } });
        }
        Ok(identity)
    }
}
