//! Values that must not be printed, and the hashes under which tokens are stored.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A text that never appears in `Debug` output or a log and is wiped from memory when dropped.
///
/// It has neither `Display` nor `Serialize`; code that needs the text says so with [`Secret::expose`].
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares the two as [`is_same_secret`] does.
    pub fn matches(&self, other: &str) -> bool {
        is_same_secret(self.0.as_bytes(), other.as_bytes())
    }
}

/// Compares two secrets, or what was made of them, in a time that depends on their lengths only. Whatever somebody
/// presents is compared here with what they must know.
pub fn is_same_secret(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.expose())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What is stored of a session token, a cookie or a code: its SHA-256.
///
/// Tokens carry at least 128 random bits, so a plain hash cannot be reversed by guessing, and a stolen
/// database opens no session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token as it was presented.
    pub fn of(token: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(hash)
    }

    /// Takes the hash from stored bytes. Returns `None` unless there are 32 of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn debug_never_shows_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(..)");
    }

    #[test]
    fn secrets_compare_by_content() {
        assert_eq!(Secret::new("a"), Secret::from("a"));
        assert!(!Secret::new("a").matches("ab"));
    }

    /// The files of Rust below a folder.
    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        let files = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
        files.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
    }

    #[test]
    fn secrets_are_compared_in_one_place() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut looked_at = 0;
        for name in ["accounts", "cli", "client", "config", "issuer", "server", "store"] {
            for file in sources(&crates.join(name).join("src")) {
                looked_at += 1;
                // Configurations of credentials are compared to see whether an administrator changes them.
                let text = std::fs::read_to_string(&file).unwrap().replace("config.expose()", "");
                for other in [
                    "verify_slices_are_equal",
                    "ConstantTimeEq",
                    "expose() ==",
                    "expose() !=",
                    "expose().eq(",
                ] {
                    assert!(!text.contains(other), "{} has {other}: use is_same_secret", file.display());
                }
            }
        }
        assert!(looked_at > 100, "{looked_at}");
    }

    #[test]
    fn a_token_hash_is_sha_256() {
        // FIPS 180-4, "abc".
        let hash = TokenHash::of("abc");
        assert_eq!(hash.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(TokenHash::from_bytes(hash.as_bytes()), Some(hash));
        assert_eq!(TokenHash::from_bytes(b"short"), None);
        assert_eq!(format!("{hash:?}"), "TokenHash(ba78..)");
    }
}
