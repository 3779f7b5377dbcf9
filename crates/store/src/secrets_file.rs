//! Secrets that nobody configured. They are made once and kept in a file beside the database.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sessera_model::{Random, Secret};

use crate::error::StoreError;

/// The secrets of a deployment that configured none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedSecrets {
    /// The secret that encrypts stored values.
    pub cipher: Secret,
    /// The secret behind the values that browsers and native clients hold.
    pub cookie: Secret,
}

/// The file beside a database.
pub fn path_beside(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(".secrets.json");
    database.with_file_name(name)
}

/// Reads the secrets beside a database, and makes them when neither the database nor the file is there.
///
/// A database without its file is an error, because new secrets would not open it.
pub fn load_or_create(database: &Path, random: &dyn Random) -> Result<GeneratedSecrets, StoreError> {
    let path = path_beside(database);
    match fs::read_to_string(&path) {
        Ok(text) => parse(&text, &path),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if fs::metadata(database).is_ok_and(|file| file.len() > 0) {
                return Err(StoreError::SecretsGone {
                    database: database.display().to_string(),
                    file: path.display().to_string(),
                });
            }
            create(&path, random)
        }
        Err(error) => Err(StoreError::NotWritable(format!("{}: {error}", path.display()))),
    }
}

fn parse(text: &str, path: &Path) -> Result<GeneratedSecrets, StoreError> {
    // Some programs begin a file with a byte order mark.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let secret = |name: &str| value.get(name).and_then(Value::as_str).map(Secret::new);
    match (secret("cipher"), secret("cookie")) {
        (Some(cipher), Some(cookie)) => Ok(GeneratedSecrets { cipher, cookie }),
        _ => Err(StoreError::Corrupt(format!(
            "{} does not hold the members \"cipher\" and \"cookie\": restore it from a backup",
            path.display()
        ))),
    }
}

/// Writes new secrets to disk, and syncs the file and its folder before anything is encrypted with them.
///
/// The file gets its name only when it is complete, so a crash leaves no half of it. When another process
/// was first, its secrets are taken.
fn create(path: &Path, random: &dyn Random) -> Result<GeneratedSecrets, StoreError> {
    let secrets =
        GeneratedSecrets { cipher: random.base64url(32).into(), cookie: random.base64url(32).into() };
    let text = json!({ "cipher": secrets.cipher.expose(), "cookie": secrets.cookie.expose() }).to_string();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unnamed = folder.join(format!(".sessera-{}.new", random.uuid()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unnamed)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::hard_link(&unnamed, path)
    };
    let written = write();
    // Nothing more can be done about a file that cannot be removed; it is never read.
    let _ = fs::remove_file(&unnamed);
    let failed = |error| StoreError::NotWritable(format!("{}: {error}", path.display()));
    match written {
        Ok(()) => {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
            Ok(secrets)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            parse(&fs::read_to_string(path).map_err(failed)?, path)
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::SystemRandom;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn secrets_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db.sqlite");
        let random = SystemRandom::default();
        let made = load_or_create(&database, &random).unwrap();
        assert_eq!(load_or_create(&database, &random).unwrap(), made);
        let path = path_beside(&database);
        fs::write(&path, format!("\u{FEFF}{}", fs::read_to_string(&path).unwrap())).unwrap();
        assert_eq!(load_or_create(&database, &random).unwrap(), made, "with a byte order mark");
        let mode = fs::metadata(path_beside(&database)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn of_two_that_start_at_once_both_have_the_same_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let path = path_beside(&folder.path().join("db.sqlite"));
        let random = SystemRandom::default();
        let first = create(&path, &random).unwrap();
        assert_eq!(create(&path, &random).unwrap(), first);
    }

    #[test]
    fn a_database_without_its_secrets_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db.sqlite");
        fs::write(&database, "something").unwrap();
        let error = load_or_create(&database, &SystemRandom::default()).unwrap_err();
        assert!(error.to_string().contains("secrets.cipher"));
        fs::write(path_beside(&database), "{}").unwrap();
        assert!(matches!(load_or_create(&database, &SystemRandom::default()), Err(StoreError::Corrupt(_))));
    }
}
