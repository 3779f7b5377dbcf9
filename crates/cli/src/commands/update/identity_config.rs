//! `sessera update identity-config`

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use sessera_config::escape;

use crate::commands::identity_config::print_changed;
use crate::global::Global;
use crate::input;

/// Replace the whole identity configuration
///
/// Everything that the file does not have is gone afterwards, so begin with the output of "sessera get
/// identity-config". When something would go, the command asks first. A text that begins with file:// and was
/// not there before is read by this command and sent as base64://. An older configuration comes back with
/// "sessera rollback identity-config".
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
    /// Take templates that make no token of any session that they are tried on
    #[arg(long)]
    force: bool,
}

impl UpdateIdentityConfig {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let mut config = input::document(&self.file)?;
        let context = global.connect_to(self.positional.as_deref()).await?;
        let current = context.client.config(&context.project).await?;
        input::read_files(&mut config, Some(&current))?;
        let gone = missing(&current, &config);
        if !gone.is_empty() {
            context.confirm(&format!(
                "Replace the whole configuration? What the file does not have goes: {}.",
                gone.join(", ")
            ))?;
        }
        let changed = context.client.put_config(&context.project, &config, self.force).await?;
        print_changed(&context, &changed)
    }
}

/// The pointers of what is in one document and not in another.
fn missing(current: &Value, new: &Value) -> Vec<String> {
    fn walk(current: &Value, new: Option<&Value>, pointer: String, gone: &mut Vec<String>) {
        match (current, new) {
            // An object without members says nothing.
            (Value::Object(members), _) if members.is_empty() => {}
            (_, None | Some(Value::Null)) => gone.push(pointer),
            (Value::Object(members), Some(new)) => {
                for (name, member) in members {
                    walk(member, new.get(name), format!("{pointer}/{}", escape(name)), gone);
                }
            }
            _ => {}
        }
    }
    let mut gone = Vec::new();
    walk(current, Some(new), String::new(), &mut gone);
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_goes_is_named_where_it_begins() {
        let current = json!({"session": {"lifespan": "1h", "cookie": {}}, "a/b": {"c": [1]}});
        assert_eq!(missing(&current, &json!({})), ["/session", "/a~1b"]);
        assert_eq!(
            missing(&current, &json!({"session": {}, "a/b": {"c": null}})),
            ["/session/lifespan", "/a~1b/c"]
        );
        assert!(
            missing(&current, &json!({"session": {"lifespan": "2h"}, "a/b": {"c": []}, "d": 1})).is_empty()
        );
        assert!(missing(&json!({}), &json!([])).is_empty());
    }
}
