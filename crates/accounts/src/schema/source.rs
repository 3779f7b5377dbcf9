//! Where schemas and other files of the configuration are read from: `file://` and `base64://`.

use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sessera_model::files;

/// The largest file in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SchemaSourceError {
    /// The URL is of a kind that is not read.
    #[error(
        "its URL begins neither with file:// nor with base64://; put the content into a file and name it with file:///path"
    )]
    UnknownScheme,
    /// The URL leads to another machine.
    #[error(
        "its URL leads to the network, on which the server must not depend; download it once and name it with file:///path or base64://"
    )]
    Remote,
    /// The file cannot be read.
    #[error("the file {path} cannot be read: {error}")]
    File {
        /// The path of the file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The text behind `base64://` is not base64.
    #[error("what follows base64:// is not base64; make it with: base64 -w0 FILE")]
    NotBase64,
    /// The content is not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// The content is too large.
    #[error("it is larger than {} KiB", .0 / 1024)]
    TooLarge(u64),
}

/// Reads the text that a URL leads to.
pub fn read(url: &str) -> Result<String, SchemaSourceError> {
    text(read_bytes(url, MAX_BYTES)?)
}

/// Content as text.
pub fn text(bytes: Vec<u8>) -> Result<String, SchemaSourceError> {
    let text = String::from_utf8(bytes).map_err(|_| SchemaSourceError::NotText)?;
    // Some programs begin a file with a byte order mark.
    Ok(text.strip_prefix('\u{FEFF}').map(str::to_owned).unwrap_or(text))
}

/// Reads the bytes that a URL leads to, of which there may be `max`.
pub fn read_bytes(url: &str, max: u64) -> Result<Vec<u8>, SchemaSourceError> {
    let bytes = if let Some(path) = url.strip_prefix("file://") {
        files::read(Path::new(path), max).map_err(|error| match error.kind() {
            ErrorKind::FileTooLarge => SchemaSourceError::TooLarge(max),
            _ => SchemaSourceError::File { path: path.to_owned(), error },
        })?
    } else if let Some(encoded) = url.strip_prefix("base64://") {
        let encoded: String = encoded.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        BASE64.decode(encoded).map_err(|_| SchemaSourceError::NotBase64)?
    } else if url.starts_with("http://") || url.starts_with("https://") {
        return Err(SchemaSourceError::Remote);
    } else {
        return Err(SchemaSourceError::UnknownScheme);
    };
    if bytes.len() as u64 > max {
        return Err(SchemaSourceError::TooLarge(max));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_base64_with_and_without_padding_and_line_breaks() {
        for url in ["base64://e30K", "base64://e3\n 0K\n", "base64://e30", "base64://e30="] {
            assert_eq!(read(url).unwrap().trim(), "{}", "{url:?}");
        }
        assert_eq!(read("base64://77u/e30=").unwrap(), "{}", "a byte order mark is read over");
        assert!(matches!(read("base64://@@"), Err(SchemaSourceError::NotBase64)));
        assert!(matches!(read("base64:///w=="), Err(SchemaSourceError::NotText)));
    }

    #[test]
    fn reads_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        std::fs::write(&path, "{}").unwrap();
        assert_eq!(read(&format!("file://{}", path.display())).unwrap(), "{}");
        std::fs::write(&path, vec![b' '; 1024 * 1024 + 1]).unwrap();
        assert!(matches!(read(&format!("file://{}", path.display())), Err(SchemaSourceError::TooLarge(_))));
        assert!(matches!(
            read_bytes(&format!("file://{}", path.display()), 9),
            Err(SchemaSourceError::TooLarge(9))
        ));
        for endless in ["/dev/zero", "/dev/null"] {
            let refused = read(&format!("file://{endless}")).unwrap_err().to_string();
            assert!(refused.contains("a pipe or a device"), "{refused}");
        }
        let missing = read("file:///no/such/file").unwrap_err().to_string();
        assert!(missing.contains("/no/such/file"), "{missing}");
    }

    #[test]
    fn the_network_is_never_asked() {
        assert!(matches!(read("https://example.org/x.json"), Err(SchemaSourceError::Remote)));
        assert!(matches!(read("ftp://example.org/x.json"), Err(SchemaSourceError::UnknownScheme)));
    }
}
