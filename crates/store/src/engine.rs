//! Which engine a data source name means.

use std::path::PathBuf;
use std::sync::Arc;

use sessera_model::Random;

use crate::postgres::{PostgresDsn, PostgresOptions, PostgresStore, is_postgres};
use crate::sqlite::{SqliteOptions, SqliteStore, parse_dsn};
use crate::transfer::Tables;
use crate::{Cipher, Store, StoreError};

/// A database that is not opened yet.
#[derive(Clone, Debug)]
pub enum Engine {
    /// A database in a file.
    Sqlite(PathBuf),
    /// A database on a server.
    Postgres {
        /// The cluster.
        dsn: PostgresDsn,
        /// Its standbys, from which sessions may be read.
        read_only: Option<PostgresDsn>,
    },
}

impl Engine {
    /// The database that a data source name means (`sqlite://`, `postgres://` or `cockroach://`).
    pub fn of(dsn: &str) -> Result<Self, StoreError> {
        if is_postgres(dsn) {
            Ok(Self::Postgres { dsn: PostgresDsn::parse(dsn)?, read_only: None })
        } else {
            parse_dsn(dsn).map(Self::Sqlite)
        }
    }

    /// Names the standbys from which sessions may be read.
    pub fn with_standbys(self, standbys: &str) -> Result<Self, StoreError> {
        match self {
            Self::Postgres { dsn, .. } if dsn.is_postgres && is_postgres(standbys) => {
                Ok(Self::Postgres { dsn, read_only: Some(PostgresDsn::parse(standbys)?) })
            }
            _ => Err(StoreError::InvalidDsn(
                "dsn_read_only names standbys of a PostgreSQL cluster, so it and dsn must both begin with postgres://. Remove it, or use PostgreSQL".into(),
            )),
        }
    }

    /// Opens it for a server and brings it up to date. A file is made when it is not there, and is the caller's alone
    /// until the store is closed.
    pub async fn open(
        self,
        cipher: Arc<Cipher>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<dyn Store>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => {
                Arc::new(SqliteStore::open_alone(SqliteOptions { path, cipher, random }).await?)
            }
            Self::Postgres { dsn, read_only } => {
                Arc::new(PostgresStore::open(PostgresOptions { dsn, read_only, cipher, random }).await?)
            }
        })
    }

    /// Opens it for moving its tables. A file must not be in use by a server, which would not see what changes.
    pub async fn open_tables(
        self,
        cipher: Arc<Cipher>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<dyn Tables>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => {
                Arc::new(SqliteStore::open_alone(SqliteOptions { path, cipher, random }).await?)
            }
            Self::Postgres { .. } => self.open_tables_in_use(cipher, random).await?,
        })
    }

    /// Opens its tables while servers may use them, for work that changes nothing that servers see.
    pub async fn open_tables_in_use(
        self,
        cipher: Arc<Cipher>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<dyn Tables>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(SqliteStore::open(SqliteOptions { path, cipher, random }).await?),
            Self::Postgres { dsn, read_only } => {
                Arc::new(PostgresStore::open(PostgresOptions { dsn, read_only, cipher, random }).await?)
            }
        })
    }
}
