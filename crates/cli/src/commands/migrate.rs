//! `sessera migrate`

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;
use sessera_config::{ConfigFile, load};
use sessera_model::{Clock as _, Random, Secret, SystemClock, SystemRandom};
use sessera_store::kratos::Kratos;
use sessera_store::transfer::{Sum, transfer};
use sessera_store::{Cipher, Engine, secrets_file};

use crate::global::Global;
use crate::output::Output;
use crate::upstream_options::UpstreamOptions;

/// Move everything into another database, or take over the people of an Ory Kratos
///
/// Databases are sqlite:///path/to/file or postgres://user:password@host/database. The target has to be
/// empty. Stop all servers that use the source first. Everything is copied, read again on both sides and
/// compared by counts and checksums, and the source stays as it is. Both sides use secrets.cipher of the
/// configuration, or the secrets that are kept beside the database file.
///
/// From an Ory Kratos 1.0 or newer, identities are taken over with their ids, schemas, addresses, metadata and
/// credentials, and live sessions with their ids, levels, methods and devices, so that nobody is signed out. What cannot be
/// taken over is counted and named. Run it again after people are sent to Sessera, and it carries what has changed in the Kratos
/// meanwhile: of what was changed on both sides, what was changed last counts.
#[derive(Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Migrate {
    /// The database to read
    #[arg(long, value_name = "DSN", env = "MIGRATE_FROM", required_unless_present = "from_kratos")]
    from: Option<String>,
    /// The database of an Ory Kratos to read
    #[arg(long, value_name = "DSN", env = "MIGRATE_FROM_KRATOS", conflicts_with = "from")]
    from_kratos: Option<String>,
    /// The database to write
    #[arg(long, value_name = "DSN", env = "MIGRATE_TO")]
    to: String,
    /// A configuration file with secrets.cipher; later ones override earlier ones
    #[arg(short, long = "config", value_name = "FILE")]
    config: Vec<ConfigFile>,
    #[command(flatten)]
    upstream: UpstreamOptions,
}

const EXAMPLES: &str = "\
Examples:
  Move from a file to a server, with passwords that no list of processes shows:
    MIGRATE_TO=postgres://sessera:secret@db/sessera \\
      sessera migrate --from sqlite://sessera.sqlite

  Take over people from an Ory Kratos:
    sessera migrate --from-kratos postgres://kratos@db/kratos \\
      --to sqlite://sessera.sqlite";

impl Migrate {
    pub(crate) async fn run(self, global: &Global) -> Result<()> {
        let output = global.output();
        let environment = self.upstream.over_process();
        let configured = load(&self.config, &environment)?.config()?.secrets.cipher;
        let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
        let target = Engine::of(&self.to).context("--to")?;
        if let Some(dsn) = &self.from_kratos {
            // Nothing is made before there is something to take over.
            let kratos = Kratos::open(dsn).await.context("--from-kratos")?;
            let cipher = cipher(configured, None, &target, &*random, &output)?;
            let store = target.open_target(cipher, random).await.context("--to")?;
            let done = kratos.import(&*store, SystemClock.now()).await?;
            store.close().await;
            return output.told(done.to_string().trim_end(), &done.to_json());
        }
        let source = Engine::of(self.from.as_deref().unwrap_or_default()).context("--from")?;
        if let Engine::Sqlite(file) = &source
            && !file.exists()
        {
            bail!("--from: there is no file {}", file.display());
        }
        let cipher = cipher(configured, Some(&source), &target, &*random, &output)?;
        let from = source.open_tables(cipher.clone(), random.clone()).await.context("--from")?;
        let to = target.open_tables(cipher, random).await.context("--to")?;
        let mut tables = Vec::new();
        let told = |table, sum: Sum| {
            output.progress(&format!("{table}: {sum}"));
            let checksum = format!("{:032x}", sum.checksum);
            tables.push(json!({ "table": table, "rows": sum.rows, "checksum": checksum }));
        };
        transfer(&*from, &*to, told).await?;
        from.close_tables().await;
        to.close_tables().await;
        let text =
            "Everything was moved and compared. Set dsn to the new database before you start the server.";
        output.told(text, &json!({ "tables": tables }))
    }
}

/// The cipher of both sides, which comes from the configuration or else from the secrets beside a database
/// file.
fn cipher(
    configured: Vec<Secret>,
    source: Option<&Engine>,
    target: &Engine,
    random: &dyn Random,
    output: &Output,
) -> Result<Arc<Cipher>> {
    if !configured.is_empty() {
        return Ok(Arc::new(Cipher::new(&configured)?));
    }
    let file = |engine: &Engine| match engine {
        Engine::Sqlite(file) => Some(file.clone()),
        Engine::Postgres { .. } => None,
    };
    let Some(file) = source.map_or_else(|| file(target), file) else {
        bail!("secrets.cipher is not configured: name the configuration of the servers with --config");
    };
    let kept = secrets_file::load_or_create(&file, random)?;
    if source.is_some() {
        output.progress(&format!(
            "The new database is encrypted with the secret of the old one. Put the secrets of {} into secrets.cipher and secrets.cookie of the configuration.",
            named(&file)
        ));
    }
    Ok(Arc::new(Cipher::new(&[kept.cipher])?))
}

fn named(database: &Path) -> String {
    secrets_file::path_beside(database).display().to_string()
}
