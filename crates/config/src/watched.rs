//! Files that were read, and whether they have changed since.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Files that were read, each with the time of its last change then; without one when it was not there.
#[derive(Clone, Debug, Default)]
pub struct WatchedFiles(Vec<(PathBuf, Option<SystemTime>)>);

impl WatchedFiles {
    /// Files that were read by a reading that began at `began`. Those in `seen` were read before and keep their
    /// time.
    pub fn read(files: impl Iterator<Item = PathBuf>, seen: &Self, began: SystemTime) -> Self {
        let mut files: Vec<PathBuf> = files.collect();
        files.sort();
        files.dedup();
        let with_time = |file: PathBuf| {
            let known = seen.0.iter().find(|(known, _)| *known == file);
            let time = known.map_or_else(|| read_at(&file, began), |(_, changed)| *changed);
            (file, time)
        };
        Self(files.into_iter().map(with_time).collect())
    }

    /// Whether one of them has changed since it was read.
    pub fn have_changed(&self) -> bool {
        self.0.iter().any(|(file, changed)| changed_at(file) != *changed)
    }
}

/// When a file was last changed, as far as a reading that began at `began` can have seen it. A file that was
/// changed meanwhile may have been read before: its time is one that no file has, so it is read again.
fn read_at(file: &Path, began: SystemTime) -> Option<SystemTime> {
    /// By how much the times of files can be behind the clock.
    const COARSE: Duration = Duration::from_millis(20);
    changed_at(file).map(|changed| if changed + COARSE >= began { SystemTime::UNIX_EPOCH } else { changed })
}

fn changed_at(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|file| file.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &Path, seen: &WatchedFiles, began: SystemTime) -> WatchedFiles {
        WatchedFiles::read([file.to_owned(), file.to_owned()].into_iter(), seen, began)
    }

    #[test]
    fn a_change_of_a_file_is_noticed_also_while_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sessera.yml");
        let (long_ago, none) = (SystemTime::UNIX_EPOCH + Duration::from_secs(1), WatchedFiles::default());
        let absent = read(&file, &none, SystemTime::now());
        assert!(!absent.have_changed());
        std::fs::write(&file, "a").unwrap();
        assert!(absent.have_changed(), "it is there now");
        assert!(read(&file, &none, long_ago).have_changed(), "it was written after the reading began");
        let later = SystemTime::now() + Duration::from_secs(60);
        let whole = read(&file, &none, later);
        assert!(!whole.have_changed());
        let handle = std::fs::File::options().write(true).open(&file).unwrap();
        handle.set_modified(long_ago).unwrap();
        assert!(whole.have_changed());
        assert!(read(&file, &whole, later).have_changed(), "it was read before and keeps its time");
        assert!(!read(&file, &none, later).have_changed());
    }
}
