//! `sessera delete jwk`

use std::collections::HashSet;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use serde_json::json;
use sessera_config::Config;
use sessera_issuer::templates::templates_with_set;
use sessera_model::shell;

use crate::commands::ids::path_part;
use crate::commands::keys;
use crate::commands::names;
use crate::global::{Context, Global};
use crate::offline::times::about;
use crate::output::{Report, Table};

/// Delete key sets, or one key of a set, and print what was deleted
///
/// Tokens that a deleted key signed can no longer be verified with the set. A set that a tokenizer template
/// signs with stays: give the template another set first. All names are looked at before anything is deleted.
#[derive(Args)]
#[command(after_help = "\
Examples:
  sessera delete jwk old-keys
  sessera delete jwk my-keys --kid 2025-12 --yes")]
pub(crate) struct DeleteJwk {
    /// The names of the key sets
    #[arg(required = true, value_name = "SET", value_parser = path_part, add = names::sets())]
    sets: Vec<String>,
    /// Delete only the key with this id
    #[arg(long, value_parser = path_part, add = names::keys())]
    kid: Option<String>,
}

impl DeleteJwk {
    pub(crate) async fn run(mut self, global: &Global) -> Result<()> {
        let context = global.connect().await?;
        let mut known = HashSet::new();
        self.sets.retain(|set| known.insert(set.clone()));
        let what = self.look(&context).await?;
        let (config, _) = Config::judge(&context.client.config(&context.project).await?);
        if self.kid.is_none() {
            self.refuse_used(&config)?;
        }
        let after = self.consequence(&config);
        context.confirm(&format!("Delete {what}? Nobody can bring that back. {after}"))?;
        let mut table = Table::new(&["ID"]);
        for (number, set) in self.sets.iter().enumerate() {
            let deleted = match &self.kid {
                Some(kid) => context.client.delete_key(set, kid).await,
                None => context.client.delete_key_set(set).await,
            };
            deleted.with_context(|| match &self.sets[..number] {
                [] => "nothing was deleted".to_owned(),
                before => format!("only {} was deleted, and {set} was not", before.join(", ")),
            })?;
            table.row([set]);
        }
        context.output.done(&format!("Deleted {what}. {after}"));
        context.output.print(&Report { json: json!(self.sets), table, ids: self.sets })
    }

    /// Looks at everything that is named before anything is deleted, and says in words what that is.
    async fn look(&self, context: &Context) -> Result<String> {
        let (mut found, mut missing) = (Vec::new(), None);
        for set in &self.sets {
            match keys::find(context, set).await {
                Ok(keys) => found.push((set, keys)),
                Err(error) => _ = missing.get_or_insert((set, error)),
            }
        }
        if let Some((name, error)) = missing {
            // Who writes the id of a key behind its set means the key.
            return Err(match found.iter().find(|(_, keys)| keys.find(name).is_some()) {
                Some((set, _)) => anyhow!(
                    "there is no key set \"{name}\", but a key of {set} has this id. Nothing was deleted. To delete the key alone:\n\n    {}",
                    shell::command("delete jwk", &[set], &[("--kid", name)])
                ),
                None => error.context("nothing was deleted"),
            });
        }
        let Some(kid) = &self.kid else {
            let words = found.iter().map(|(set, keys)| match keys.keys().len() {
                1 => format!("the key set {set} with 1 key"),
                number => format!("the key set {set} with {number} keys"),
            });
            return Ok(words.collect::<Vec<_>>().join(", "));
        };
        if let Some((set, _)) = found.iter().find(|(_, keys)| keys.find(kid).is_none()) {
            bail!(
                "the key set {set} has no key \"{kid}\", so nothing was deleted. Its keys: {}",
                shell::command("get jwk", &[set], &[])
            );
        }
        Ok(format!("the key {kid} of {}", self.sets.join(", ")))
    }

    /// What becomes of tokens that are out, in a sentence. How long they live is known of those of templates.
    fn consequence(&self, config: &Config) -> String {
        let templates = self.sets.iter().flat_map(|set| templates_with_set(&config.templates, set));
        let longest = templates.map(|(_, template)| template.ttl).max();
        let it = if self.kid.is_some() && self.sets.len() == 1 { "it" } else { "they" };
        let life = longest.map_or_else(String::new, |ttl| format!(", which live for up to {},", about(ttl)));
        format!(
            "Tokens that {it} signed{life} are refused from now on, and by verifiers with an older copy of the set once they fetch it again."
        )
    }

    /// Refuses sets that a tokenizer template signs with, as the server does, before the first one is gone.
    fn refuse_used(&self, config: &Config) -> Result<()> {
        for set in &self.sets {
            if let Some((template, _)) = templates_with_set(&config.templates, set).next() {
                bail!(
                    "the tokenizer template \"{template}\" signs with the key set {set}, so nothing was deleted. Give the template another set first"
                );
            }
        }
        Ok(())
    }
}
