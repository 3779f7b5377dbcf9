//! Files that somebody names, read within bounds: what has no end takes neither all memory nor all time.

use std::fs::{File, metadata};
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// Reads a file of at most `max` bytes that lies on a disk.
///
/// Anything else is refused: a file that a configuration names is read again whenever something changes, while a pipe gives
/// its content once and a device may do so for ever.
pub fn read(path: &Path, max: u64) -> Result<Vec<u8>> {
    if gives_once(path) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "it is a pipe or a device, of which the content cannot be read again: put the content into a file",
        ));
    }
    read_once(path, max)
}

/// Reads whatever is named, to its end or until there are more than `max` bytes.
pub fn read_once(path: &Path, max: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(max.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > max {
        let (number, unit) = if max < 1 << 20 { (max >> 10, "KiB") } else { (max >> 20, "MiB") };
        return Err(Error::new(ErrorKind::FileTooLarge, format!("it is larger than {number} {unit}")));
    }
    Ok(content)
}

/// Whether something is there that is neither a file on a disk nor a folder, such as a pipe or a device.
pub fn gives_once(path: &Path) -> bool {
    metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir())
}
