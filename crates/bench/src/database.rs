//! The database of the measured server, which is SQLite in a folder of its own or PostgreSQL.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use sessera_model::SystemRandom;
use sessera_store::{Cipher, Engine, Store};

/// The secret under which the measured server keeps its values.
pub(crate) const CIPHER: &str = "a cipher secret of 32 characters";

/// A database that is measured.
pub(crate) enum Database {
    /// The file of a database of SQLite.
    Sqlite(PathBuf),
    /// The data source name of a database of PostgreSQL.
    Postgres(String),
}

impl Database {
    /// Empties the database.
    pub(crate) fn clear(&self) -> Result<()> {
        match self {
            // The folder of the file is new, so there is nothing to delete.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(dsn) => psql(dsn, "DROP SCHEMA public CASCADE; CREATE SCHEMA public;").map(drop),
        }
    }

    /// The value of `dsn` in the configuration.
    pub(crate) fn dsn(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite://{}", file.display()),
            Self::Postgres(dsn) => dsn.clone(),
        }
    }

    /// Opens the database as the server does.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        let cipher = Arc::new(Cipher::new(&[CIPHER.into()])?);
        Ok(Engine::of(&self.dsn())?.open(cipher, Arc::new(SystemRandom::default())).await?)
    }

    /// The size of the database on disk, in bytes.
    pub(crate) fn size(&self) -> Result<u64> {
        match self {
            Self::Sqlite(file) => {
                let parts = ["", "-wal"].map(|part| format!("{}{part}", file.display()));
                Ok(parts.iter().filter_map(|part| std::fs::metadata(part).ok()).map(|part| part.len()).sum())
            }
            Self::Postgres(dsn) => {
                Ok(psql(dsn, "SELECT pg_database_size(current_database());")?.trim().parse()?)
            }
        }
    }
}

/// Runs statements in a database of PostgreSQL and returns what they print.
pub(crate) fn psql(dsn: &str, statements: &str) -> Result<String> {
    let mut child = Command::new("psql")
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", dsn])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("psql is needed to measure PostgreSQL")?;
    child.stdin.take().context("psql reads nothing")?.write_all(statements.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("psql ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}
