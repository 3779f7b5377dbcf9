//! Values at rest, which are encrypted and bound to the table, column and row that they stand in.

use std::fmt;
use std::sync::Arc;

use sessera_model::{CredentialKind, Random, Uuid};

use crate::cipher::Cipher;
use crate::error::StoreError;

/// The value that is encrypted into a database to recognise a wrong secret.
pub(crate) const CHECK: &[u8] = b"sessera check value";

/// Seals values for their place and opens them there.
#[derive(Clone)]
pub struct Sealer {
    cipher: Arc<Cipher>,
    random: Arc<dyn Random>,
}

impl Sealer {
    /// Makes a sealer that takes its nonces from `random`.
    pub fn new(cipher: Arc<Cipher>, random: Arc<dyn Random>) -> Self {
        Self { cipher, random }
    }

    pub(crate) fn seal(&self, column: &str, row: impl AsRef<[u8]>, plain: &[u8]) -> Vec<u8> {
        self.cipher.seal(&*self.random, &place(column, row), plain)
    }

    pub(crate) fn unseal(
        &self,
        column: &str,
        row: impl AsRef<[u8]>,
        sealed: &[u8],
    ) -> Result<String, StoreError> {
        let plain = self.cipher.open(&place(column, row), sealed)?;
        String::from_utf8(plain.to_vec())
            .map_err(|_| StoreError::Corrupt(format!("{column} holds something else than text")))
    }

    /// Seals a value of `place` again under the first secret. Returns `None` when it is under that secret
    /// already.
    pub(crate) fn reseal(&self, place: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let plain = self.cipher.open(place, sealed)?;
        let is_newest = self.cipher.is_under_first(sealed);
        Ok((!is_newest).then(|| self.cipher.seal(&*self.random, place, &plain)))
    }

    /// What is written into a new database, which is a value that only the same secret opens and the
    /// deployment's id.
    pub(crate) fn claim(&self) -> (Vec<u8>, Uuid) {
        (self.cipher.seal(&*self.random, CHECK, CHECK), self.random.uuid())
    }

    /// Proves that the secret is the one of the database that `check` was read from.
    pub(crate) fn prove(&self, check: &[u8]) -> Result<(), StoreError> {
        self.cipher.open(CHECK, check).map(|_| ())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("cipher", &self.cipher).finish_non_exhaustive()
    }
}

/// The bytes that stand for a place, which is a column and a row of its table.
pub(crate) fn place(column: &str, row: impl AsRef<[u8]>) -> Vec<u8> {
    [column.as_bytes(), b"/", row.as_ref()].concat()
}

/// The place of a credential's content.
pub(crate) fn credential_row(identity_id: Uuid, kind: CredentialKind) -> Vec<u8> {
    credential_place(identity_id, kind.as_str())
}

/// The place of a credential's content, by the name of its kind.
pub(crate) fn credential_place(identity_id: Uuid, kind: &str) -> Vec<u8> {
    [identity_id.as_bytes(), kind.as_bytes()].concat()
}

/// The place of a key. The length in front keeps `a` + `bc` apart from `ab` + `c`.
pub(crate) fn key_row(set: &str, kid: &str) -> Vec<u8> {
    format!("{}:{set}{kid}", set.len()).into_bytes()
}
