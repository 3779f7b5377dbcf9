//! One server for one database file: what a server keeps in memory, another one on the same file would not see.
//!
//! The lock is held on a file beside the database and ends with the process that holds it, however that ends. The file
//! itself stays; it says who holds the lock, or held it last. A file beside can be removed, and a database can have two
//! names, so on Linux the database's own file is locked as well. There such a lock (`flock`) has nothing to do with those
//! of SQLite (`fcntl`); elsewhere each would keep the other out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sessera_model::Timestamp;

use crate::error::StoreError;

/// The right to be the only one that keeps anything of a database file in memory. It ends when this is dropped.
#[derive(Debug)]
pub struct FileLock {
    /// What is held: nothing on file systems without locks.
    _held: Vec<File>,
}

/// The lock's file beside a database. Links are followed, so that one database has one lock.
pub fn path_beside(database: &Path) -> PathBuf {
    let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    database.with_file_name(name)
}

impl FileLock {
    /// Takes the lock of a database file and writes down who holds it, since `now`.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when somebody else has it, and [`StoreError::NotWritable`] when the lock's file cannot be
    /// made.
    pub fn take(database: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let path = path_beside(database);
        let failed = |error: std::io::Error| StoreError::NotWritable(format!("{}: {error}", path.display()));
        let open =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut beside = open.map_err(failed)?;
        let in_use = |holder: String| StoreError::InUse { database: database.display().to_string(), holder };
        let is_held = try_lock(&beside).map_err(failed)?;
        if is_held == Some(false) {
            return Err(in_use(holder(&mut beside)));
        }
        let itself = cfg!(target_os = "linux").then(|| File::open(database)).transpose().map_err(failed)?;
        if let Some(itself) = &itself
            && try_lock(itself).map_err(failed)? == Some(false)
        {
            return Err(in_use(format!(
                "another process, under another name or without its file {}",
                path.display()
            )));
        }
        let said = json!({ "pid": std::process::id(), "host": host(), "since": now.to_string() });
        beside.set_len(0).and_then(|()| beside.write_all(said.to_string().as_bytes())).map_err(failed)?;
        Ok(Self { _held: itself.into_iter().chain([beside]).collect() })
    }
}

/// Whether a lock was free and is held now; `None` where the file system has none.
fn try_lock(file: &File) -> Result<Option<bool>, std::io::Error> {
    match file.try_lock() {
        Ok(()) => Ok(Some(true)),
        Err(TryLockError::WouldBlock) => Ok(Some(false)),
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Who holds a lock, as far as its file says.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    let said: Value = read.ok().and_then(|_| serde_json::from_str(&text).ok()).unwrap_or_default();
    match (said["pid"].as_u64(), said["since"].as_str()) {
        (Some(pid), Some(since)) => {
            let host = said["host"].as_str().map(|host| format!(" on {host}")).unwrap_or_default();
            format!("process {pid}{host}, since {since}")
        }
        _ => "another process".into(),
    }
}

/// The name of this machine, where it has one. The kernel tells it without a file, of which a unit of systemd may show none.
fn host() -> Option<String> {
    let name = rustix::system::uname().nodename().to_str().ok()?.to_owned();
    Some(name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(database: &Path) -> Result<FileLock, StoreError> {
        OpenOptions::new().append(true).create(true).open(database).unwrap();
        FileLock::take(database, Timestamp::from_seconds(1_893_490_200))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn neither_another_name_nor_a_lost_file_makes_a_second_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (database, link) = (folder.path().join("db.sqlite"), folder.path().join("hard.sqlite"));
        std::fs::write(&database, "").unwrap();
        std::fs::hard_link(&database, &link).unwrap();
        let first = take(&database).unwrap();
        assert!(matches!(take(&link), Err(StoreError::InUse { .. })));
        std::fs::remove_file(path_beside(&database)).unwrap();
        assert!(matches!(take(&database), Err(StoreError::InUse { .. })));
        drop(first);
        take(&link).unwrap();
    }

    #[test]
    fn a_second_one_is_refused_and_hears_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db.sqlite");
        let first = take(&database).unwrap();
        let refused = take(&database).unwrap_err().to_string();
        let process = format!("process {}", std::process::id());
        assert!(refused.contains(&process) && refused.contains("since 2030-01-01T09:30:00"), "{refused}");
        drop(first);
        take(&database).unwrap();
    }

    #[test]
    fn what_a_process_that_is_gone_left_behind_blocks_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db.sqlite");
        std::fs::write(path_beside(&database), "{\"pid\":1,\"since\":\"2020-01-01T00:00:00Z\"} and more")
            .unwrap();
        let _first = take(&database).unwrap();
        let refused = take(&database).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    }

    #[test]
    fn a_link_to_a_database_has_the_lock_of_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let (database, link) = (folder.path().join("db.sqlite"), folder.path().join("link.sqlite"));
        std::fs::write(&database, "").unwrap();
        std::os::unix::fs::symlink(&database, &link).unwrap();
        let _first = take(&database).unwrap();
        assert!(matches!(take(&link), Err(StoreError::InUse { .. })));
    }
}
