//! Where key sets and mappers come from.

use std::path::PathBuf;
use std::sync::Arc;

use sessera_jose::{MAX_NAME_BYTES, SigningKey, is_name, without_byte_order_mark_in};
use sessera_model::names::is_path_part;
use sessera_model::shell::{command, word};

use crate::signing_order::Activation;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::GeneralPurposeConfig;
use base64::engine::{DecodePaddingMode, GeneralPurpose};

/// Where a key set or a mapper comes from, parsed.
#[derive(Clone, PartialEq, Eq)]
pub enum SourceUrl {
    /// `base64://...`: the content itself, not decoded yet.
    Base64(String),
    /// `file://...`: a file on the server's machine, read again when it changes.
    File(PathBuf),
    /// `set://NAME`: a key set that is stored in this deployment.
    Set(String),
    /// `pkcs11:...`: a key that is kept and signs outside of this process (RFC 7512).
    Pkcs11(String),
}

/// A source cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The text begins with a scheme that is none of a source. The rest of it is left out, because a key may stand in
    /// it.
    #[error("{0}... is no source: write base64://..., file:///path or, for keys, set://NAME or pkcs11:...")]
    UnknownScheme(String),
    /// The text has no scheme. It is left out, because it may be a key.
    #[error(
        "a source begins with base64:// (before content in base64), file:// (before a path) or, for keys, set:// (before a name) or pkcs11:"
    )]
    NoScheme,
    /// http or https.
    #[error(
        "sources are never fetched over http: whoever answers there could change keys and code of a running server. Download the file and name it with file:// or base64://, or store the key set here and name it with set://NAME"
    )]
    Remote,
    /// The content of a `base64://` source is not base64.
    #[error("the text behind base64:// is not base64")]
    BadBase64,
    /// A file cannot be read.
    #[error("the file cannot be read: {0}")]
    File(String),
    /// No key set can have the name that follows `set://`.
    #[error(
        "what follows set:// names no key set: a name has 1 to {MAX_NAME_BYTES} bytes, no '/', and no control characters or others that are not seen"
    )]
    NoSetName,
    /// There is no key set with this name.
    #[error("there is no key set \"{0}\" here")]
    NoSuchSet(String),
    /// A stored key set was named where there is no server to ask for it.
    #[error(
        "set://{0} is stored by a server: write it to a file with \"{command} > {file}\", and name that file",
        command = command("get jwk", &[.0], &[("--private", ""), ("--format", "json")]),
        file = word(&format!("{}.json", .0))
    )]
    NeedsServer(String),
    /// A mapper was looked for under `set://` or `pkcs11:`, which name keys only.
    #[error("set:// and pkcs11: name keys; a mapper comes from file:// or base64://")]
    KeysAreNoMapper,
    /// A key outside of this process cannot be used.
    #[error("{0}")]
    Elsewhere(String),
}

/// Reads sources. The server reads files and its own key sets; the command line reads files only.
pub trait Sources {
    /// The content of a file.
    fn file(&self, path: &std::path::Path) -> Result<Vec<u8>, SourceError>;
    /// A stored key set as JSON, private members included.
    fn key_set(&self, name: &str) -> Result<Vec<u8>, SourceError>;
    /// The key outside of this process that a `pkcs11:` URI names.
    fn signing_key(&self, uri: &str) -> Result<Arc<dyn SigningKey>, SourceError>;
    /// When the keys of a managed set begin to sign; `None` for a set whose first key signs.
    fn activations(&self, _name: &str) -> Vec<Activation> {
        Vec::new()
    }
}

/// Whether a name of a set or an id of a key can stand in a path and in `set://NAME` without surprises.
pub fn is_set_name(name: &str) -> bool {
    is_name(name) && is_path_part(name)
}

impl SourceUrl {
    /// Parses a source.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        let text = text.trim();
        if let Some(content) = text.strip_prefix("base64://") {
            return Ok(Self::Base64(content.to_owned()));
        }
        if let Some(path) = text.strip_prefix("file://") {
            return Ok(Self::File(PathBuf::from(path)));
        }
        if let Some(name) = text.strip_prefix("set://") {
            if !is_set_name(name) {
                return Err(SourceError::NoSetName);
            }
            return Ok(Self::Set(name.to_owned()));
        }
        if text.starts_with("pkcs11:") {
            return Ok(Self::Pkcs11(text.to_owned()));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return Err(SourceError::Remote);
        }
        let scheme = text.split_once("://").map(|(scheme, _)| scheme).filter(|scheme| {
            (1..=16).contains(&scheme.len()) && scheme.bytes().all(|byte| byte.is_ascii_lowercase())
        });
        Err(scheme.map_or(SourceError::NoScheme, |scheme| SourceError::UnknownScheme(format!("{scheme}://"))))
    }

    /// The content of the source, without a byte order mark. A key that signs elsewhere has none.
    pub fn read(&self, sources: &dyn Sources) -> Result<Vec<u8>, SourceError> {
        let mut content = match self {
            Self::Base64(content) => decode_base64(content).ok_or(SourceError::BadBase64)?,
            Self::File(path) => sources.file(path)?,
            Self::Set(name) => sources.key_set(name)?,
            Self::Pkcs11(_) => return Err(SourceError::KeysAreNoMapper),
        };
        let mark = content.len() - without_byte_order_mark_in(&content).len();
        content.drain(..mark);
        Ok(content)
    }

    /// The source as text. The content of a `base64://` source is left out, because it may hold keys, and so is what
    /// follows the object in a `pkcs11:` URI, because it may hold a PIN.
    pub fn describe(&self) -> String {
        match self {
            Self::Base64(content) => format!("base64://... ({} characters)", content.len()),
            Self::File(path) => format!("file://{}", path.display()),
            Self::Set(name) => format!("set://{name}"),
            Self::Pkcs11(uri) => match uri.split('?').next() {
                Some(object) if !object.contains("pin-") => object.to_owned(),
                _ => "pkcs11:...".to_owned(),
            },
        }
    }
}

impl std::fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

/// Decodes base64 in either alphabet, with or without padding. White space is ignored, because the program
/// `base64` wraps its output at 76 columns.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let compact: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT).decode(compact).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_parsed() {
        assert_eq!(SourceUrl::parse("file:///a/b"), Ok(SourceUrl::File("/a/b".into())));
        let uri = "pkcs11:object=k?module-path=/m.so";
        assert_eq!(SourceUrl::parse(uri), Ok(SourceUrl::Pkcs11(uri.into())));
        assert_eq!(SourceUrl::parse("set://keys"), Ok(SourceUrl::Set("keys".into())));
        for name in ["", "a/b", "..", "a\nb", "a\u{202e}b", &"x".repeat(256)] {
            assert_eq!(SourceUrl::parse(&format!("set://{name}")), Err(SourceError::NoSetName), "{name:?}");
        }
        assert_eq!(SourceUrl::parse("https://example.org/jwks.json"), Err(SourceError::Remote));
        assert_eq!(SourceUrl::parse("ftp://x"), Err(SourceError::UnknownScheme("ftp://".into())));
        assert!(!format!("{:?}", SourceUrl::parse("base64://c2VjcmV0")).contains("c2VjcmV0"));
        for uri in ["pkcs11:object=k?module-path=/m.so&pin-value=s3cret", "pkcs11:object=k;pin-value=s3cret"]
        {
            assert!(!format!("{:?}", SourceUrl::parse(uri)).contains("s3cret"), "{uri}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_read_over() {
        struct Marked;
        impl Sources for Marked {
            fn file(&self, _: &std::path::Path) -> Result<Vec<u8>, SourceError> {
                Ok("\u{FEFF}{claims: {}}".into())
            }
            fn key_set(&self, name: &str) -> Result<Vec<u8>, SourceError> {
                Err(SourceError::NoSuchSet(name.into()))
            }
            fn signing_key(&self, uri: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
                Err(SourceError::Elsewhere(uri.into()))
            }
        }
        for url in ["file:///m.jsonnet", "base64://77u/e2NsYWltczoge319"] {
            let read = SourceUrl::parse(url).and_then(|url| url.read(&Marked));
            assert_eq!(read.as_deref(), Ok(&b"{claims: {}}"[..]), "{url}");
        }
    }

    #[test]
    fn what_is_no_source_is_not_repeated() {
        let keys = "eyJrZXlzIjpbeyJrdHkiOiJvY3QiLCJrIjoic2VjcmV0In1dfQ==";
        for text in
            [keys.to_owned(), format!("{keys}://"), format!("BASE64://{keys}"), format!("ftp://{keys}")]
        {
            let message = SourceUrl::parse(&text).unwrap_err().to_string();
            assert!(!message.contains("eyJ") && message.contains("base64://"), "{message}");
        }
    }

    #[test]
    fn base64_takes_white_space_and_both_alphabets() {
        assert_eq!(decode_base64("aGVs\n bG8=").as_deref(), Some(&b"hello"[..]));
        assert_eq!(decode_base64("aGVsbG8").as_deref(), Some(&b"hello"[..]));
        assert_eq!(decode_base64("-_-_"), decode_base64("+/+/"));
        assert_eq!(decode_base64("@@@"), None);
    }
}
