//! `sessera patch identity`

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::commands::identities;
use crate::commands::ids::path_part;
use crate::commands::names;
use crate::global::Global;
use crate::input;
use crate::values::Assignment;

/// Change parts of an identity
///
/// All changes become one JSON Patch (RFC 6902), additions first, then replacements, removals and files. It
/// is applied as a whole or not at all. Traits, metadata, state, schema, external id, and whether an address
/// is verified can be changed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera patch identity ada@example.org --replace '/traits/name/first=\"Ada\"'
  sessera patch identity ada@example.org --replace '/state=\"inactive\"'
  sessera patch identity ada@example.org \\
    --replace '/verifiable_addresses/0/verified=true'")]
pub(crate) struct PatchIdentity {
    /// The id of the identity, or an identifier such as an e-mail address
    #[arg(value_parser = path_part, add = names::identities())]
    id: String,
    /// Set a value, or insert it into a list
    #[arg(long, value_name = "PATH=JSON")]
    add: Vec<String>,
    /// Set a value
    #[arg(long, value_name = "PATH=JSON")]
    replace: Vec<String>,
    /// Remove a value
    #[arg(long, value_name = "PATH")]
    remove: Vec<String>,
    /// A JSON Patch, as JSON or YAML, or - for standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<String>,
}

impl PatchIdentity {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let mut patch = Vec::new();
        for (op, texts) in [("add", &self.add), ("replace", &self.replace)] {
            for text in texts {
                let Assignment { path, value } = Assignment::parse(&format!("--{op}"), text)?;
                patch.push(json!({ "op": op, "path": path, "value": value }));
            }
        }
        patch.extend(self.remove.iter().map(|path| json!({ "op": "remove", "path": path })));
        match self.file.as_deref().map(input::document).transpose()? {
            Some(Value::Array(operations)) => patch.extend(operations),
            Some(_) => bail!("the file is not a JSON Patch: it must be a list of operations (RFC 6902)"),
            None => {}
        }
        if patch.is_empty() {
            bail!("no change was given: use --add, --replace, --remove or --file");
        }
        let context = global.connect().await?;
        let id = identities::find(&context, &self.id).await?.id;
        let changed = [context.client.patch_identity(id, &patch).await?];
        context.output.print(&identities::report(&changed, identities::one_or_many(&changed)?))
    }
}
