//! `sessera patch identity-config`

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};
use sessera_client::projects::CONFIG_PREFIX;
use sessera_config::patch;

use crate::commands::identity_config::{lost, named, print_changed};
use crate::commands::names;
use crate::global::{Context, Global};
use crate::input;
use crate::values::Assignment;

/// Change parts of the identity configuration
///
/// All changes become one JSON Patch (RFC 6902), additions first, then replacements, removals and files. It
/// is applied as a whole or not at all. The resulting configuration is printed, secrets included. Paths are those of
/// kratos.yml. A text that begins with file:// is read by this command and sent as base64://. Before a template, an
/// identity schema, a route or a sink goes that no removal names, the command asks.
///
/// Templates that are new or changed are tried on a sample session and on the newest sessions. One that makes a token
/// of none of them is refused unless --force is given, and one that works for some only is warned about.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  A template that signs with a stored key set:
    sessera patch identity-config --add \\
      '/session/whoami/tokenizer/templates/my-token={
        \"jwks_url\":\"set://my-keys\",\"ttl\":\"10m\"}'

  A claims mapper from a file of this machine:
    sessera patch identity-config --add \\
      '/session/whoami/tokenizer/templates/my-token/claims_mapper_url=
        \"file://claims.jsonnet\"'

  Content from a variable, in double quotes between single-quoted parts:
    sessera patch identity-config --add \\
      '/session/whoami/tokenizer/templates/my-token/claims_mapper_url=
        \"base64://'\"$MAPPER\"'\"'

  Other values are JSON too, so texts stand in double quotes:
    sessera patch identity-config --replace '/session/lifespan=\"12h\"' \\
      --remove /session/whoami/tokenizer/templates/old

  A whole patch from a file (JSON or YAML), or from standard input:
    sessera patch identity-config -f changes.yml")]
pub(crate) struct PatchIdentityConfig {
    /// The project, by its id or slug; a deployment is one project
    #[arg(value_name = "PROJECT")]
    positional: Option<String>,
    /// Set a value, or insert it into a list
    #[arg(long, value_name = "PATH=JSON", add = names::pointers("="))]
    add: Vec<String>,
    /// Set a value
    #[arg(long, value_name = "PATH=JSON", add = names::pointers("="))]
    replace: Vec<String>,
    /// Remove a value
    #[arg(long, value_name = "PATH", add = names::pointers(""))]
    remove: Vec<String>,
    /// A JSON Patch, as JSON or YAML: a file, file://PATH, base64://CONTENT, or - for standard input
    #[arg(short, long, value_name = "FILE")]
    file: Vec<String>,
    /// Take templates that make no token of any session that they are tried on
    #[arg(long)]
    force: bool,
}

impl PatchIdentityConfig {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let patch = self.operations()?;
        let context = global.connect_to(self.positional.as_deref()).await?;
        self.ask(&context, &patch).await?;
        let changed = context.client.patch_config(&context.project, &patch, self.force).await?;
        print_changed(&context, &changed)
    }

    /// Asks before something goes on which others rely by its name.
    async fn ask(&self, context: &Context, operations: &[Value]) -> Result<()> {
        let before = context.client.config(&context.project).await?;
        // What cannot be applied here is refused by the server, with its reason.
        let Ok(after) = patch::apply(&before, &Value::from(operations)) else { return Ok(()) };
        let named = named(&before, operations);
        let gone: Vec<String> =
            lost(&before, &after).into_iter().filter(|gone| !named.contains(gone)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        context.confirm(&format!("This removes {}. Go on?", gone.join(", ")))
    }

    fn operations(&self) -> Result<Vec<Value>> {
        let mut patch = Vec::new();
        for (op, texts) in [("add", &self.add), ("replace", &self.replace)] {
            for text in texts {
                let Assignment { path, mut value } = Assignment::parse(&format!("--{op}"), text)?;
                input::read_files(&mut value, None)?;
                patch.push(json!({ "op": op, "path": in_project(&path), "value": value }));
            }
        }
        for path in &self.remove {
            if !path.starts_with('/') {
                bail!("the path \"{path}\" of --remove is not a JSON Pointer: it begins with /");
            }
            patch.push(json!({ "op": "remove", "path": in_project(path) }));
        }
        for file in &self.file {
            let Value::Array(operations) = input::document(file)? else {
                bail!(
                    "{} is not a JSON Patch: it must be a list of operations (RFC 6902), for example [{{\"op\":\"add\",\"path\":\"/session/lifespan\",\"value\":\"12h\"}}]",
                    input::name(file)
                );
            };
            for mut operation in operations {
                for pointer in ["path", "from"] {
                    if let Some(Value::String(path)) = operation.get_mut(pointer) {
                        *path = in_project(path);
                    }
                }
                if let Some(value) = operation.get_mut("value") {
                    input::read_files(value, None)
                        .with_context(|| format!("{} cannot be used", input::name(file)))?;
                }
                patch.push(operation);
            }
        }
        if patch.is_empty() {
            bail!("no change was given: use --add, --replace, --remove or --file");
        }
        Ok(patch)
    }
}

/// The path within the project. A path that begins at the project stays as it is.
fn in_project(path: &str) -> String {
    let whole = path.strip_prefix(CONFIG_PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if whole { path.to_owned() } else { format!("{CONFIG_PREFIX}{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> PatchIdentityConfig {
        PatchIdentityConfig {
            positional: None,
            add: vec![],
            replace: vec![],
            remove: vec![],
            file: vec![],
            force: false,
        }
    }

    #[test]
    fn operations_come_in_one_order() {
        let patch = PatchIdentityConfig {
            file: vec!["base64://W3sib3AiOiJtb3ZlIiwiZnJvbSI6Ii9hIiwicGF0aCI6Ii9iIn1d".into()],
            remove: vec!["/r".into()],
            replace: vec!["/p=true".into()],
            add: vec!["/x=1".into(), "/services/identity/config/y={}".into()],
            ..command()
        };
        assert_eq!(
            Value::Array(patch.operations().unwrap()),
            json!([
                {"op": "add", "path": "/services/identity/config/x", "value": 1},
                {"op": "add", "path": "/services/identity/config/y", "value": {}},
                {"op": "replace", "path": "/services/identity/config/p", "value": true},
                {"op": "remove", "path": "/services/identity/config/r"},
                {"op": "move", "from": "/services/identity/config/a", "path": "/services/identity/config/b"},
            ])
        );
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        assert!(command().operations().unwrap_err().to_string().contains("no change was given"));
        let object = PatchIdentityConfig { file: vec!["base64://e30=".into()], ..command() };
        assert!(object.operations().unwrap_err().to_string().contains("list of operations"));
        let remove = PatchIdentityConfig { remove: vec!["x".into()], ..command() };
        assert!(remove.operations().is_err());
    }
}
