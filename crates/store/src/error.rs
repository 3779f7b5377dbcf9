//! What can go wrong, by what the caller can do about it.

/// A condition of a [`crate::Change`] that did not hold; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// An identifier of a credential belongs to another identity.
    #[error("an identifier is already taken by another identity")]
    Identifier,
    /// An address belongs to another identity.
    #[error("an address is already taken by another identity")]
    Address,
    /// The external id belongs to another identity.
    #[error("the external id is already taken by another identity")]
    ExternalId,
    /// The record is not there.
    #[error("the record does not exist")]
    Missing,
    /// The record was changed, used or revoked by somebody else since it was read.
    #[error("the record was changed in the meantime")]
    Changed,
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A condition did not hold: read again and decide.
    #[error("{0}")]
    Conflict(#[from] Conflict),
    /// The database cannot be reached or does not answer in time: try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The disk is full or read-only: nothing was changed; make room.
    #[error("the database cannot be written: {0}")]
    NotWritable(String),
    /// The database was made by a newer version of Sessera.
    #[error(
        "the database {0} was written by a newer version of Sessera: start that version, or restore a backup from before the upgrade"
    )]
    NewerSchema(String),
    /// The secret in `secrets.cipher` is not the one under which the database was written.
    #[error(
        "secrets.cipher does not fit this database: start Sessera with the secret that it was created with (several may be listed; the first encrypts, all decrypt)"
    )]
    WrongSecret,
    /// A stored value cannot be read: the database is damaged or was changed by hand.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// The data source name names no database.
    #[error("{0}")]
    InvalidDsn(String),
}
