//! Opening a database file, which is created privately, migrated and checked against its secret.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sessera_model::{Clock as _, Random, SystemClock, Uuid};
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection, SqlitePool};

use super::readers::Readers;
use super::wipe::Wiper;
use super::{SqliteStore, revisions};
use crate::cipher::Cipher;
use crate::error::{StoreError, from_sqlx};
use crate::line::Line;
use crate::lock::FileLock;
use crate::migrations::{self, TABLE_OF_KRATOS};
use crate::parameters::{Row, SQLITE, SQLITE_READ, used_of};
use crate::sealer::Sealer;
use crate::secrets_file;

/// What a store on SQLite needs.
pub struct SqliteOptions {
    /// The database file.
    pub path: PathBuf,
    /// The cipher for everything that must not stand in the file in the clear.
    pub cipher: Arc<Cipher>,
    /// The source of the deployment's id and of nonces.
    pub random: Arc<dyn Random>,
}

/// How long a statement waits for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many kilobytes of pages a reading connection keeps. The inner pages of the trees of ten million
/// sessions fit in.
const READER_CACHE: &str = "-8000";

/// The number of reading connections. More do not help a machine with few cores.
const READERS: u32 = 4;

/// The file that a data source name points to, as in `sqlite://path?...` or `sqlite:path`. Names of databases in memory
/// are refused, because every connection would have one of its own, and so are the parameters that [`SQLITE`] refuses.
pub fn parse_dsn(dsn: &str) -> Result<PathBuf, StoreError> {
    file_of(dsn, &[SQLITE])
}

/// The file that a data source name points to, for reading it only.
pub fn parse_dsn_for_reading(dsn: &str) -> Result<PathBuf, StoreError> {
    file_of(dsn, &[SQLITE_READ, SQLITE])
}

fn file_of(dsn: &str, tables: &[&'static [Row]]) -> Result<PathBuf, StoreError> {
    let rest = dsn.strip_prefix("sqlite://").or_else(|| dsn.strip_prefix("sqlite:"));
    let (path, parameters) = rest.map_or(("", ""), |rest| rest.split_once('?').unwrap_or((rest, "")));
    let is_in_memory =
        path.contains(":memory:") || parameters.split('&').any(|parameter| parameter == "mode=memory");
    // Kratos has a word of its own for it.
    if dsn == "memory" || is_in_memory {
        return Err(StoreError::InvalidDsn(
            "the dsn names a database in memory, which would forget every key and session: write sqlite:///path/to/file.sqlite"
                .into(),
        ));
    }
    let file = Some(path).filter(|path| !path.is_empty()).map(PathBuf::from).ok_or_else(|| {
        // A value without a scheme may be a password that came to the wrong place.
        let what = match dsn.split_once("://") {
            Some((scheme, _)) => format!("the dsn with the scheme \"{scheme}\" is not supported"),
            None => "the dsn is no address of a database".to_owned(),
        };
        StoreError::InvalidDsn(format!(
            "{what}: write sqlite:///path/to/file.sqlite or postgres://user:password@host:5432/database"
        ))
    })?;
    used_of(parameters, tables)?;
    Ok(file)
}

impl SqliteStore {
    /// Opens the database, making it when it is not there, as the only one who keeps anything of it in memory until
    /// the store is closed.
    ///
    /// # Errors
    /// Opens it as [`Self::open`] does. The error is [`StoreError::InUse`] when another process has it.
    pub async fn open_alone(options: SqliteOptions) -> Result<Self, StoreError> {
        // A link leads to the database only when that is there.
        create_private(&options.path)?;
        refuse_that_of_a_kratos(&options.path).await?;
        let lock = FileLock::take(&options.path, SystemClock.now())?;
        let mut store = Self::open(options).await?;
        store.lock = Mutex::new(Some(lock));
        Ok(store)
    }

    /// Opens the database, making it when it is not there. Others may have it open as well.
    pub async fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        let path = options.path.clone();
        Self::connected(options).await.map_err(|error| match error {
            StoreError::WrongSecret if secrets_file::path_beside(&path).exists() => {
                StoreError::SecretsMadeUp(secrets_file::path_beside(&path).display().to_string())
            }
            other => other.of(&path.display().to_string()),
        })
    }

    async fn connected(options: SqliteOptions) -> Result<Self, StoreError> {
        create_private(&options.path)?;
        refuse_that_of_a_kratos(&options.path).await?;
        let connect = SqliteConnectOptions::new()
            .filename(&options.path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("trusted_schema", "OFF")
            // What is deleted is overwritten.
            .pragma("secure_delete", "ON")
            .statement_cache_capacity(200);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY_TIMEOUT)
            // The test is a round trip, which ends only after a rollback that was queued before it.
            .test_before_acquire(true)
            .before_acquire(|connection, _| {
                // SQLite undoes a transaction by itself when the disk is full or fails. The library then
                // fails to undo it again and counts it as open for ever, so that connection would refuse all
                // that follows.
                let clean = !connection.is_in_transaction();
                Box::pin(async move { Ok(clean) })
            })
            .connect_with(connect.clone())
            .await
            .map_err(from_sqlx)?;
        migrate(&writer, &options.path).await?;
        let sealer = Sealer::new(options.cipher, options.random);
        let deployment_id = claim(&writer, &sealer).await?;
        let wiper = Wiper::start(&connect);
        revisions::seal_differences(&writer, &sealer).await?;
        // A process that was killed may have left in the log what it had deleted.
        wiper.ask();
        let connect = connect.pragma("cache_size", READER_CACHE);
        let readers = Readers::open(connect, READERS, BUSY_TIMEOUT).await?;
        Ok(Self {
            writer,
            readers,
            wiper,
            sealer,
            line: Line::of_one(),
            deployment_id,
            lock: Mutex::default(),
        })
    }
}

/// Creates the file readable by its owner alone, before SQLite opens it.
fn create_private(path: &Path) -> Result<(), StoreError> {
    let created = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    created.map(|_| ()).map_err(|error| not_writable(path, &error.to_string()))
}

/// Refuses the database of an Ory Kratos, in which nothing is changed. What else may be wrong shows when it is opened.
async fn refuse_that_of_a_kratos(path: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let Ok(mut connection) = SqliteConnection::connect_with(&options).await else { return Ok(()) };
    let table = sqlx::query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")
        .bind(TABLE_OF_KRATOS)
        .fetch_optional(&mut connection)
        .await;
    match table {
        Ok(Some(_)) => Err(StoreError::OfKratos(path.display().to_string())),
        _ => Ok(()),
    }
}

/// Whether a database could be opened or made at a path, as far as that can be seen without touching anything.
///
/// # Errors
/// [`StoreError::NotWritable`] with the reason.
pub fn could_be_made(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let problem = match (std::fs::metadata(folder), std::fs::metadata(path)) {
        (Err(error), _) => error.to_string(),
        (Ok(folder), _) if !folder.is_dir() => "what should be its folder is none".to_owned(),
        (_, Ok(file)) if file.is_dir() => "it is a folder".to_owned(),
        (_, Ok(file)) if file.permissions().readonly() => "it is for reading only".to_owned(),
        (Ok(folder), Err(_)) if folder.permissions().readonly() => {
            "its folder is for reading only".to_owned()
        }
        _ => return Ok(()),
    };
    Err(not_writable(path, &problem))
}

fn not_writable(path: &Path, problem: &str) -> StoreError {
    StoreError::NotWritable(format!("{}: {problem}", path.display()))
}

async fn migrate(writer: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    let mut connection = writer.acquire().await.map_err(from_sqlx)?;
    // A table that is made anew is dropped first, which must not delete what refers to its rows.
    connection.execute("PRAGMA foreign_keys = OFF").await.map_err(from_sqlx)?;
    let migrated = migrations::sqlite().run(&mut *connection).await;
    connection.execute("PRAGMA foreign_keys = ON").await.map_err(from_sqlx)?;
    migrated.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => {
            StoreError::NewerSchema(path.display().to_string())
        }
        MigrateError::Execute(error) => from_sqlx(error),
        other => StoreError::Corrupt(other.to_string()),
    })
}

/// Reads the deployment's id and proves the secret, or writes both into a new database.
async fn claim(writer: &SqlitePool, sealer: &Sealer) -> Result<Uuid, StoreError> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(from_sqlx)?;
    let found =
        sqlx::query("SELECT name, value FROM meta WHERE name IN ('check', 'deployment_id') ORDER BY name")
            .fetch_all(&mut *transaction)
            .await
            .map_err(from_sqlx)?;
    let values: Vec<Vec<u8>> =
        found.iter().map(|row| row.try_get("value")).collect::<Result<_, _>>().map_err(from_sqlx)?;
    let id = if let [check, id] = values.as_slice() {
        sealer.prove(check)?;
        Uuid::from_slice(id).map_err(|_| StoreError::Corrupt("the deployment's id cannot be read".into()))?
    } else if !values.is_empty() {
        return Err(StoreError::Corrupt("the check value or the deployment's id is gone from meta".into()));
    } else {
        let (check, id) = sealer.claim();
        for (name, value) in [("check", check), ("deployment_id", id.as_bytes().to_vec())] {
            sqlx::query("INSERT INTO meta (name, value) VALUES (?, ?)")
                .bind(name)
                .bind(value)
                .execute(&mut *transaction)
                .await
                .map_err(from_sqlx)?;
        }
        id
    };
    transaction.commit().await.map_err(from_sqlx)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_at_which_nothing_can_be_made_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "").unwrap();
        for good in ["new.sqlite", "file"] {
            could_be_made(&at(good)).unwrap();
        }
        could_be_made(Path::new("sessera.sqlite")).unwrap();
        for bad in ["none/x.sqlite", "file/x.sqlite", ""] {
            let told = could_be_made(&at(bad)).unwrap_err().to_string();
            assert!(told.contains("another dsn"), "{bad}: {told}");
        }
        assert!(folder.path().read_dir().unwrap().count() == 1, "nothing was made");
    }

    #[test]
    fn a_dsn_names_a_file() {
        assert_eq!(parse_dsn("sqlite:///d/db.sqlite?_fk=true&mode=rwc").unwrap(), Path::new("/d/db.sqlite"));
        assert_eq!(parse_dsn("sqlite://sessera.sqlite").unwrap(), Path::new("sessera.sqlite"));
        let in_memory = [
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite://file::memory:?_fk=true",
            "sqlite://d?mode=memory",
        ];
        for dsn in ["memory", "postgres://x", "sqlite://", ""].into_iter().chain(in_memory) {
            assert!(matches!(parse_dsn(dsn), Err(StoreError::InvalidDsn(_))), "{dsn}");
        }
        for misplaced in ["SECRET", "mysql://u:SECRET@h/d", "u:SECRET@h"] {
            let said = parse_dsn(misplaced).unwrap_err().to_string();
            assert!(!said.contains("SECRET") && said.contains("sqlite:///"), "{said}");
        }
        for dsn in ["memory", "sqlite::memory:"] {
            let said = parse_dsn(dsn).unwrap_err().to_string();
            assert!(said.contains("would forget every key"), "{dsn}: {said}");
        }
        for dsn in ["sqlite:///d/db.sqlite?mode=ro", "sqlite:///d/db.sqlite?immutable=1"] {
            assert!(matches!(parse_dsn(dsn), Err(StoreError::InvalidDsn(_))), "{dsn}");
            assert_eq!(parse_dsn_for_reading(dsn).unwrap(), Path::new("/d/db.sqlite"));
        }
        assert!(parse_dsn_for_reading("sqlite:///d/db.sqlite?foo=1").is_err());
    }
}
