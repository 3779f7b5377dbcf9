//! Files with secrets or data that others on the machine may read or write.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What others than its owner may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// They may read or write it.
    ReadOrWrite,
    /// Everybody may write it.
    Write,
}

impl Access {
    /// The bits of a mode that allow it.
    const fn bits(self) -> u32 {
        match self {
            Self::ReadOrWrite => 0o077,
            Self::Write => 0o002,
        }
    }
}

/// A file of which others than its owner may make more use than they should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The path of the file.
    pub path: PathBuf,
    /// Its permissions, the lowest nine bits.
    pub mode: u32,
    /// What should not be.
    pub access: Access,
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, mode) = (self.path.display(), self.mode);
        let (verb, rights) = match self.access {
            Access::ReadOrWrite => ("read or write", "0600"),
            Access::Write => ("write", "o-w"),
        };
        write!(
            f,
            "others may {verb} {path} (its mode is {mode:04o}): take that away with \"chmod {rights} '{path}'\""
        )
    }
}

/// The file, when it is there and others than its owner have this access to it: `ReadOrWrite` for files that hold
/// secrets or data, `Write` for those that only must not be changed.
pub fn exposed(path: &Path, access: Access) -> Option<Exposed> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & access.bits() != 0).then(|| Exposed { path: path.to_owned(), mode, access })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    #[test]
    fn a_file_without_secrets_may_be_read_and_not_written() {
        assert_eq!(exposed(Path::new("/no/such/file"), Access::Write), None);
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, is_exposed) in [(0o644, false), (0o664, false), (0o602, true)] {
            fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(exposed(file.path(), Access::Write).is_some(), is_exposed, "{mode:o}");
        }
    }
}
