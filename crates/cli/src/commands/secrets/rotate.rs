//! `sessera secrets rotate`

use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use serde_json::json;
use sessera_config::{Config, ConfigFile, Loaded, load_all};
use sessera_model::SystemRandom;
use sessera_store::reseal::{Count, count, reseal};
use sessera_store::sealer::Sealer;
use sessera_store::{Cipher, Engine, secrets_file};

use crate::global::Global;
use crate::upstream_options::UpstreamOptions;

/// Encrypt everything that is stored under the first secret of secrets.cipher
///
/// Afterwards the other secrets of the list may be removed. The command works on the database of the
/// configuration while servers use it, and it can be stopped and run again at any time. Every server must
/// have the new secret at the front before you run it:
///
///   1. Add the new secret at the end of secrets.cipher on every node, and restart them one by one.
///   2. Move it to the front on every node, and restart them.
///   3. Run this command.
///   4. Remove the old secret on every node. Keep it as long as you keep backups from before.
///
/// A secret that can be guessed is refused, an older one too, as servers refuse it. To be rid of one, stop the
/// servers, put a new secret in front of it and run the command with --accept-weak-older.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  sessera secrets rotate -c sessera.yml --dry-run
  sessera secrets rotate -c sessera.yml"
)]
pub(crate) struct RotateSecrets {
    /// A configuration file of the servers; later ones override earlier ones
    #[arg(short, long = "config", value_name = "FILE")]
    config: Vec<ConfigFile>,
    /// Only count the values that would be encrypted again
    #[arg(long)]
    dry_run: bool,
    /// Decrypt with older secrets that are shorter than a secret must be
    #[arg(long)]
    accept_weak_older: bool,
    #[command(flatten)]
    upstream: UpstreamOptions,
}

impl RotateSecrets {
    /// The configuration. Weak secrets are refused; of older ones it is said how to be rid of them.
    fn configuration(&self, loaded: &Loaded) -> Result<Config> {
        let lenient = loaded.config_to_rotate(true);
        if self.accept_weak_older || lenient.is_err() {
            return Ok(lenient?);
        }
        loaded.config_to_rotate(false).map_err(|error| {
            anyhow!(
                "{error}\nWhat was encrypted under an older secret that is too short is encrypted anew with --accept-weak-older"
            )
        })
    }

    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let output = global.output();
        let environment = self.upstream.over_process();
        let config = self.configuration(&load_all(&self.config, &environment))?;
        let engine = Engine::of(&config.dsn)?;
        require_secrets(&config, &engine)?;
        let cipher = Arc::new(Cipher::new(&config.secrets.cipher)?);
        let random = Arc::new(SystemRandom::default());
        let sealer = Sealer::new(cipher.clone(), random.clone());
        let tables = engine.open_tables_in_use(cipher, random).await?;
        if self.dry_run {
            let mut all = Count::default();
            let mut by_table = Vec::new();
            for (table, found) in count(&*tables, &sealer).await? {
                output.progress(&format!(
                    "{table}: {} of {} values are under an older secret",
                    found.older, found.values
                ));
                by_table.push(json!({ "table": table, "values": found.values, "older": found.older }));
                all = all.and(found);
            }
            if all.unreadable == 0 {
                let text = format!("{} of {} values would be encrypted again.", all.older, all.values);
                let document = json!({ "values": all.values, "older": all.older, "tables": by_table });
                output.told(&text, &document)?;
            } else {
                bail!(
                    "{} values cannot be decrypted with any secret of secrets.cipher: add the one that they were written under",
                    all.unreadable
                );
            }
        } else {
            let told = |table, found: Count| {
                output.progress(&format!("{table}: {} values were encrypted again", found.older));
            };
            let done = reseal(&*tables, &sealer, told).await?;
            let text = format!(
                "{} of {} values were encrypted again; all are under the first secret now. The others may be removed from secrets.cipher on every node. Backups from before still need them.",
                done.older, done.values
            );
            output.told(&text, &json!({ "values": done.values, "encrypted_again": done.older }))?;
        }
        tables.close_tables().await;
        Ok(())
    }
}

/// Checks that there is a list of secrets to rotate, and a database.
fn require_secrets(config: &Config, engine: &Engine) -> Result<()> {
    let Engine::Sqlite(file) = engine else {
        if config.secrets.cipher.is_empty() {
            bail!("secrets.cipher is not configured: name the configuration of the servers with --config");
        }
        return Ok(());
    };
    if !file.exists() {
        bail!("there is no database {}: name the configuration of the servers with --config", file.display());
    }
    if config.secrets.cipher.is_empty() {
        bail!(
            "secrets.cipher is not configured, so the secret in {} is used. Set secrets.cipher to a new secret and behind it the member \"cipher\" of that file, and secrets.cookie to the member \"cookie\"; restart the server, then run this again",
            secrets_file::path_beside(file).display()
        );
    }
    Ok(())
}
