//! `sessera rollback identity-config`

use anyhow::Result;
use clap::Args;
use sessera_client::projects::Revision;
use sessera_model::Uuid;

use crate::commands::identity_config::print_changed;
use crate::commands::ids;
use crate::commands::names;
use crate::global::{Context, Global};

/// How many revisions are read at once.
const READ: u32 = 250;

/// How many changes are named in the question.
const MAX_NAMED: usize = 20;

/// Make an older revision of the identity configuration the newest one again
///
/// The whole configuration is replaced, so the command asks first, and names what was changed since and is undone. Nothing is lost,
/// because the old configuration becomes a new revision and the ones between stay. "sessera list revisions" shows what each one
/// changed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera list revisions
  sessera rollback identity-config 0b6f2c9e-6a4e-4f0e-9f4e-2f1d8a3b5c7d")]
pub(crate) struct RollbackIdentityConfig {
    /// The revision to go back to
    #[arg(value_parser = ids::revision, add = names::revisions())]
    revision: Uuid,
}

impl RollbackIdentityConfig {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let newer = self.newer(&context).await?;
        context.confirm(&format!(
            "Replace the whole configuration by that of the revision {}?{}",
            self.revision,
            undone(&newer)
        ))?;
        let changed = context.client.roll_back(&context.project, self.revision).await?;
        print_changed(&context, &changed)?;
        let undo = newer.first().map_or_else(String::new, |newest| {
            format!(" To undo that: sessera rollback identity-config {}", newest.id)
        });
        context
            .output
            .done(&format!("The configuration is that of the revision {} again.{undo}", self.revision));
        Ok(())
    }

    /// The revisions that were made after that one, newest first. All of them are where it is the project's own.
    async fn newer(&self, context: &Context) -> Result<Vec<Revision>> {
        let (mut newer, mut next) = (Vec::new(), None);
        loop {
            let part = context.client.revisions(&context.project, Some(READ), next.as_deref()).await?;
            for revision in part.items {
                if revision.id == self.revision {
                    return Ok(newer);
                }
                newer.push(revision);
            }
            next = part.next;
            if next.is_none() {
                return Ok(newer);
            }
        }
    }
}

/// Names what these revisions changed, each place once and as it was changed last.
fn undone(newer: &[Revision]) -> String {
    let mut places: Vec<(&str, String)> = Vec::new();
    for change in newer.iter().flat_map(|revision| revision.diff.as_array().into_iter().flatten()) {
        let (op, path) =
            (change["op"].as_str().unwrap_or_default(), change["path"].as_str().unwrap_or_default());
        if !places.iter().any(|(known, _)| *known == path) {
            places.push((path, format!("{op} {path}")));
        }
    }
    let more = match places.len().checked_sub(MAX_NAMED) {
        None | Some(0) => String::new(),
        Some(more) => format!(", and {more} more"),
    };
    let named: Vec<String> = places.into_iter().take(MAX_NAMED).map(|(_, change)| change).collect();
    if named.is_empty() {
        String::new()
    } else {
        format!(" This was changed since and is undone: {}{more}.", named.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn revision(diff: Value) -> Revision {
        Revision { id: Uuid::nil(), parent: None, created_at: String::new(), actor: None, diff }
    }

    #[test]
    fn what_is_undone_is_named_once() {
        let change = |op: &str, path: &str| json!({"op": op, "path": path});
        let newer = [
            revision(json!([change("remove", "/a")])),
            revision(json!([change("add", "/a"), change("replace", "/b")])),
        ];
        assert_eq!(undone(&newer), " This was changed since and is undone: remove /a, replace /b.");
        assert_eq!(undone(&[]), "");
        let many = (0..50).map(|number| change("add", &format!("/{number}"))).collect();
        assert!(undone(&[revision(many)]).ends_with("add /19, and 30 more."));
    }
}
