//! The files of which a configuration is made.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sessera_model::files;

/// The largest file in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// How long whoever writes into a pipe may take until its end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file of which a configuration is made.
///
/// One that lies on a disk is read whenever the configuration is. Anything else, such as the pipe of `-c <(command)`, gives
/// its content once, which is kept: all copies of this value share it.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    path: PathBuf,
    kept: Arc<OnceLock<Result<String, String>>>,
    has_said: Arc<AtomicBool>,
}

impl ConfigFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is, unless it gives its content once.
    pub fn that_may_change(&self) -> Option<PathBuf> {
        (self.kept.get().is_none() && !files::gives_once(&self.path)).then(|| self.path.clone())
    }

    /// What stands in it, or why it cannot be read.
    pub(crate) fn read(&self) -> Result<String, String> {
        if self.that_may_change().is_some() {
            return text(files::read(&self.path, MAX_BYTES));
        }
        self.kept.get_or_init(|| text(read_within(&self.path, PATIENCE))).clone()
    }

    /// Notes whether something stands in the file. An error where something did before and nothing does now: many programs
    /// empty a file before they write it, and to begin anew with defaults would open what it closes.
    pub(crate) fn note(&self, says_something: bool) -> Result<(), String> {
        if says_something {
            self.has_said.store(true, Ordering::Relaxed);
        } else if self.has_said.load(Ordering::Relaxed) {
            return Err("nothing stands in the file any more: write {} where nothing is meant".into());
        }
        Ok(())
    }
}

impl<T: Into<OsString>> From<T> for ConfigFile {
    fn from(path: T) -> Self {
        Self { path: PathBuf::from(path.into()), kept: Arc::default(), has_said: Arc::default() }
    }
}

fn text(content: io::Result<Vec<u8>>) -> Result<String, String> {
    let content = content.map_err(|error| unreadable(&error))?;
    String::from_utf8(content).map_err(|_| "it is not UTF-8 text: save it with the encoding UTF-8".into())
}

/// Why a file cannot be read, and what to do about it.
fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file: put it there, or name another one with -c".into(),
        io::ErrorKind::IsADirectory => "this is a folder: give the path of a file with -c".into(),
        io::ErrorKind::PermissionDenied => {
            "this user may not read the file: change its owner or its mode".into()
        }
        _ if error.raw_os_error().is_some() => format!("it cannot be read: {error}"),
        _ => error.to_string(),
    }
}

/// Reads what gives its content once, to its end. Nobody can be kept from waiting for a pipe into which nobody writes, so
/// that another thread does.
fn read_within(path: &Path, patience: Duration) -> io::Result<Vec<u8>> {
    let (told, read) = channel();
    let path = path.to_owned();
    std::thread::Builder::new().spawn(move || told.send(files::read_once(&path, MAX_BYTES)))?;
    read.recv_timeout(patience).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "nobody wrote it to its end within {} seconds: see whether the command still runs that writes it",
                patience.as_secs()
            ),
        )),
        RecvTimeoutError::Disconnected => Err(io::ErrorKind::Interrupted.into()),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;
    use crate::environment::Environment;
    use crate::load::load_all;

    fn pipe(folder: &Path) -> PathBuf {
        let path = folder.join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn a_pipe_is_read_to_its_end_once_and_keeps_what_it_gave() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(folder.path());
        let writer = {
            let path = path.clone();
            std::thread::spawn(move || std::fs::write(path, "log: {level: debug}\n").unwrap())
        };
        let file = ConfigFile::from(path);
        for _ in 0..2 {
            let loaded = load_all(std::slice::from_ref(&file), &Environment::new());
            assert!(loaded.errors.is_empty(), "{loaded:?}");
            assert_eq!(loaded.tree["log"]["level"], "debug");
        }
        assert_eq!(file.that_may_change(), None);
        writer.join().unwrap();
    }

    #[test]
    fn nobody_waits_for_ever_for_a_pipe_into_which_nobody_writes() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_within(&pipe(folder.path()), Duration::from_millis(1)).unwrap_err();
        assert!(error.to_string().contains("nobody wrote it to its end"), "{error}");
    }

    #[test]
    fn what_has_no_end_is_refused_by_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large.yml");
        std::fs::File::create(&large).unwrap().set_len(MAX_BYTES + 1).unwrap();
        let link = folder.path().join("zero.yml");
        symlink("/dev/zero", &link).unwrap();
        for path in [PathBuf::from("/dev/zero"), link, large] {
            let errors = load_all(&[path.clone().into()], &Environment::new()).errors;
            assert!(errors.len() == 1 && errors[0].contains("larger than 16 MiB"), "{path:?}: {errors:?}");
        }
        assert!(load_all(&["/dev/null".into()], &Environment::new()).errors.is_empty());
        let errors = load_all(&[folder.path().into()], &Environment::new()).errors;
        assert!(errors.len() == 1 && errors[0].contains("this is a folder"), "{errors:?}");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let utf16 = folder.path().join("utf16.yml");
        std::fs::write(&utf16, b"\xff\xfea\0:\0").unwrap();
        for (path, advice) in [
            (utf16, "save it with the encoding UTF-8"),
            (folder.path().join("none.yml"), "there is no such file"),
        ] {
            let errors = load_all(&[path.into()], &Environment::new()).errors;
            assert!(errors.len() == 1 && errors[0].contains(advice), "{errors:?}");
        }
    }
}
