//! Which engine a data source name means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sessera_model::Random;

use crate::kratos::Target;
use crate::postgres::{PostgresDsn, PostgresOptions, PostgresStore};
use crate::scheme::is_postgres;
use crate::sqlite::{SqliteOptions, SqliteStore, parse_dsn};
use crate::transfer::Tables;
use crate::{Cipher, Store, StoreError, secrets_file};

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

    /// The files that hold its data, or secrets of the connection to it.
    pub fn secret_files(&self) -> Vec<PathBuf> {
        match self {
            Self::Sqlite(database) => files_of(database),
            Self::Postgres { dsn, read_only } => {
                dsn.key_files.iter().chain(read_only.iter().flat_map(|dsn| &dsn.key_files)).cloned().collect()
            }
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
        Ok(self.open_target(cipher, random).await?)
    }

    /// Opens it as a server would, for taking people into it.
    pub async fn open_target(
        self,
        cipher: Arc<Cipher>,
        random: Arc<dyn Random>,
    ) -> Result<Arc<dyn Target>, StoreError> {
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

/// The files of a SQLite database: the database, what SQLite keeps beside it, and the secrets that were made for it.
fn files_of(database: &Path) -> Vec<PathBuf> {
    let beside = |end: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    vec![database.to_owned(), beside("-wal"), beside("-shm"), secrets_file::path_beside(database)]
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::exposed::{Access, Exposed, exposed};

    fn of_engine(engine: &Engine) -> Vec<Exposed> {
        engine.secret_files().iter().filter_map(|path| exposed(path, Access::ReadOrWrite)).collect()
    }

    #[test]
    fn every_file_of_a_database_that_others_may_use_is_named_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::Sqlite(folder.path().join("db.sqlite"));
        let files = ["db.sqlite", "db.sqlite-wal", "db.sqlite-shm", "db.sqlite.secrets.json"];
        for name in files {
            fs::write(folder.path().join(name), "").unwrap();
            fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o600)).unwrap();
        }
        assert_eq!(of_engine(&engine), []);
        for name in files {
            for mode in [0o644, 0o640, 0o602, 0o666] {
                let path = folder.path().join(name);
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
                let found = of_engine(&engine);
                assert_eq!(found, [Exposed { path: path.clone(), mode, access: Access::ReadOrWrite }]);
                let said = found[0].to_string();
                assert!(said.contains(name) && said.contains(&format!("{mode:04o}")), "{said}");
                fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            }
        }
    }

    #[test]
    fn the_key_of_a_client_s_certificate_is_a_secret_file() {
        let dsn = "postgres://u@h/d?sslmode=verify-full&sslkey=/etc/client%20key.pem&sslcert=/etc/client.pem";
        assert_eq!(Engine::of(dsn).unwrap().secret_files(), [PathBuf::from("/etc/client key.pem")]);
    }
}
