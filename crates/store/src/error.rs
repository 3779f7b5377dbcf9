//! What can go wrong, sorted by what the caller can do about it.

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
    /// A limit leaves no place for it now.
    #[error("there were too many attempts")]
    Limited,
    /// A text holds a character that the database cannot store.
    #[error("a text holds a NUL character, which cannot be stored")]
    Unstorable,
}

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A condition did not hold. The caller reads again and decides.
    #[error("{0}")]
    Conflict(#[from] Conflict),
    /// The database cannot be reached or does not answer in time. The caller may try again later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The disk is full or read-only, or another program keeps the file locked, and nothing was changed. The operator has to
    /// see to it.
    #[error(
        "the database cannot be written: {0}. See that its disk has room, that Sessera may write there and that no other program keeps it locked, or give it another dsn"
    )]
    NotWritable(String),
    /// The file with the secrets that were made up for a database is gone.
    #[error(
        "the database {database} is there, but the file with its secrets, {file}, is gone. Restore it from a backup, or set secrets.cipher and secrets.cookie to what stood in it. If the database is that of another program, such as an Ory Kratos, name another file as dsn"
    )]
    SecretsGone {
        /// The database.
        database: String,
        /// The file beside it.
        file: String,
    },
    /// Another process has the database file: stop it, or use another file.
    #[error(
        "the database {database} is in use by {holder}. A file belongs to one server, because others would not see what it keeps in memory: stop that process first, give this one another dsn, or use PostgreSQL for several servers"
    )]
    InUse {
        /// The file.
        database: String,
        /// Who has it.
        holder: String,
    },
    /// The database was made by a newer version of Sessera.
    #[error(
        "the database {0} was written by a newer version of Sessera: start that version, or restore a backup from before the upgrade"
    )]
    NewerSchema(String),
    /// The database is the one that an Ory Kratos keeps its people in.
    #[error(
        "the database {0} belongs to an Ory Kratos: give Sessera one of its own by dsn, which the environment variable DSN overrides. \"sessera migrate --from-kratos\" takes over the people of the other one"
    )]
    OfKratos(String),
    /// The secret in `secrets.cipher` is not the one under which the database was written.
    #[error(
        "secrets.cipher does not fit this database: start Sessera with the secret that it was created with (several may be listed; the first encrypts, all decrypt)"
    )]
    WrongSecret,
    /// The same, where the database was written under a secret that was made up for it.
    #[error(
        "secrets.cipher does not fit this database, because it was created without one, under secrets that were made up for it: {0} has them. Put its \"cipher\" behind yours in secrets.cipher and its \"cookie\" behind yours in secrets.cookie, and start again; \"sessera secrets rotate\" then encrypts everything under yours"
    )]
    SecretsMadeUp(String),
    /// A stored value cannot be read, because the database is damaged or was changed by hand.
    #[error("the database holds a value that cannot be read: {0}")]
    Corrupt(String),
    /// The data source name does not name a database.
    #[error("{0}")]
    InvalidDsn(String),
}

impl StoreError {
    /// The error with the name of the database that it is about, such as a file or a host, where its words lack it.
    #[must_use]
    pub(crate) fn of(self, database: &str) -> Self {
        let named = |what: String| if what.contains(database) { what } else { format!("{database}: {what}") };
        match self {
            Self::Unavailable(what) => Self::Unavailable(named(what)),
            Self::NotWritable(what) => Self::NotWritable(named(what)),
            Self::Corrupt(what) => Self::Corrupt(named(what)),
            other => other,
        }
    }
}

/// Says what an error of the database library means for the caller.
pub(crate) fn from_sqlx(error: sqlx::Error) -> StoreError {
    /// The primary result codes of SQLite (<https://sqlite.org/rescode.html>).
    const BUSY: i64 = 5;
    const LOCKED: i64 = 6;
    const READONLY: i64 = 8;
    const IOERR: i64 = 10;
    const CORRUPT: i64 = 11;
    const FULL: i64 = 13;
    const CANTOPEN: i64 = 14;
    const NOTADB: i64 = 26;
    match &error {
        sqlx::Error::Database(database) => {
            let code = database.code().and_then(|code| code.parse::<i64>().ok()).unwrap_or(0) & 0xFF;
            let what = database.message().to_owned();
            match code {
                BUSY | LOCKED => StoreError::NotWritable(format!(
                    "{what}, because another program has its file open for a change; \"fuser\" with the file's name says which one"
                )),
                NOTADB => {
                    StoreError::Corrupt(format!("{what}. Restore a backup, or name another file as dsn"))
                }
                READONLY | FULL | IOERR | CANTOPEN => StoreError::NotWritable(what),
                CORRUPT => StoreError::Corrupt(what),
                _ => conflict_of(&what).map_or(StoreError::Corrupt(what), StoreError::Conflict),
            }
        }
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Io(_) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Corrupt(error.to_string()),
    }
}

/// Says which condition a violated constraint stands for.
fn conflict_of(message: &str) -> Option<Conflict> {
    if message.contains("FOREIGN KEY") {
        Some(Conflict::Missing)
    } else if !message.contains("UNIQUE") {
        None
    } else if message.contains("identities.external_id") {
        Some(Conflict::ExternalId)
    } else if message.contains("addresses.") {
        Some(Conflict::Address)
    } else if message.contains("identifiers.") {
        Some(Conflict::Identifier)
    } else {
        Some(Conflict::Changed)
    }
}
