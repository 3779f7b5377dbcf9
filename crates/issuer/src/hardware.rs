//! Keys in hardware, which a build without the feature `pkcs11` does not reach.

use std::path::PathBuf;
use std::sync::Arc;

use sessera_jose::SigningKey;
use sessera_tokenizer::SourceError;

/// Opens the key that a URI names.
#[cfg(feature = "pkcs11")]
pub(crate) fn open(uri: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
    sessera_pkcs11::open(uri).map_err(|error| SourceError::Elsewhere(error.to_string()))
}

/// Says that there is no way to the key that a URI names.
#[cfg(not(feature = "pkcs11"))]
pub(crate) fn open(_: &str) -> Result<Arc<dyn SigningKey>, SourceError> {
    let reason = "this program was built without the feature pkcs11, which reaches keys in hardware";
    Err(SourceError::Elsewhere(reason.into()))
}

/// The file of the PIN that a URI names.
#[cfg(feature = "pkcs11")]
pub(crate) fn pin_file(uri: &str) -> Option<PathBuf> {
    sessera_pkcs11::KeyUri::parse(uri).ok()?.token.pin_source
}

/// The file of the PIN that a URI names, which nobody here reads.
#[cfg(not(feature = "pkcs11"))]
pub(crate) fn pin_file(_: &str) -> Option<PathBuf> {
    None
}
