//! Files with secrets or data that others on the machine may read or write.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::secrets_file;

/// The bits of a mode that let others than the owner in.
const OTHERS: u32 = 0o077;

/// A file that others than its owner may read or write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// Which file.
    pub path: PathBuf,
    /// Its permissions, the lowest nine bits.
    pub mode: u32,
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, mode) = (self.path.display(), self.mode);
        write!(
            f,
            "others may read or write {path} (its mode is {mode:04o}): take that away with \"chmod 0600 '{path}'\""
        )
    }
}

/// The file, when it is there and others than its owner may read or write it. For configuration files, key sets and
/// whatever else holds secrets.
pub fn exposed(path: &Path) -> Option<Exposed> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & OTHERS != 0).then(|| Exposed { path: path.to_owned(), mode })
}

/// Those of the files of a SQLite database that are exposed: the database, what SQLite keeps beside it, and the secrets
/// that were made for it.
pub fn exposed_files(database: &Path) -> Vec<Exposed> {
    let beside = |end: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let files = [database.to_owned(), beside("-wal"), beside("-shm"), secrets_file::path_beside(database)];
    files.iter().filter_map(|path| exposed(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    #[test]
    fn every_file_of_a_database_that_others_may_use_is_named_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db.sqlite");
        let files = ["db.sqlite", "db.sqlite-wal", "db.sqlite-shm", "db.sqlite.secrets.json"];
        for name in files {
            fs::write(folder.path().join(name), "").unwrap();
            fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o600)).unwrap();
        }
        assert_eq!(exposed_files(&database), []);
        for name in files {
            for mode in [0o644, 0o640, 0o602, 0o666] {
                let path = folder.path().join(name);
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
                let found = exposed_files(&database);
                assert_eq!(found, [Exposed { path: path.clone(), mode }]);
                let said = found[0].to_string();
                assert!(said.contains(name) && said.contains(&format!("{mode:04o}")), "{said}");
                fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            }
        }
        assert_eq!(exposed(&folder.path().join("nothing")), None);
    }
}
