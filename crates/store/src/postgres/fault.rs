//! What the errors of PostgreSQL mean (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).

use std::io::ErrorKind;

use sqlx::postgres::PgDatabaseError;

use crate::error::{Conflict, StoreError};

/// Says what an error means for the caller.
pub(super) fn from_sqlx(error: sqlx::Error) -> StoreError {
    let Some(database) = database(&error) else {
        return match error {
            // The library reports a certificate that is not trusted in this way.
            sqlx::Error::Io(cause) if cause.kind() == ErrorKind::InvalidData => {
                StoreError::Unavailable(format!(
                    "{cause}. Check sslmode and sslrootcert in the dsn, and that the server's certificate names the host of the dsn"
                ))
            }
            sqlx::Error::Io(cause)
                if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) =>
            {
                StoreError::Unavailable(format!(
                    "a file that the dsn names cannot be read: {cause}. Check sslrootcert, sslcert and sslkey in the dsn, or the folder of the socket when its host is a path"
                ))
            }
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
                StoreError::Unavailable(error.to_string())
            }
            sqlx::Error::Configuration(_) => StoreError::InvalidDsn(error.to_string()),
            other => StoreError::Corrupt(other.to_string()),
        };
    };
    let what = database.message().to_owned();
    match database.code() {
        "23503" => Conflict::Missing.into(),
        "23505" => taken(database.constraint().unwrap_or_default()).into(),
        // A text holds a NUL character.
        "22021" => Conflict::Unstorable.into(),
        // The host is, or has become, a standby.
        "25006" => StoreError::Unavailable(what),
        "53100" | "58030" | "42501" => StoreError::NotWritable(what),
        "3D000" | "28000" | "28P01" => StoreError::Unavailable(format!(
            "{what}. Check user, password and database in the dsn, and that the database was created"
        )),
        // These are connections, resources, the operator's intervention, clashes, locks and overlong
        // transactions.
        code if ["08", "53", "57", "40", "55", "25"].iter().any(|class| code.starts_with(class)) => {
            StoreError::Unavailable(what)
        }
        _ => StoreError::Corrupt(what),
    }
}

/// Whether the transaction clashed with another one and may succeed when it is tried again.
pub(super) fn is_clash(error: &sqlx::Error) -> bool {
    database(error).is_some_and(|database| matches!(database.code(), "40001" | "40P01"))
}

/// Whether the connection is of no more use.
pub(super) fn ends_connection(error: &sqlx::Error) -> bool {
    database(error).is_none_or(|database| {
        let code = database.code();
        // A cancelled statement (57014) leaves the connection good.
        code.starts_with("08") || code.starts_with("25") || (code.starts_with("57") && code != "57014")
    })
}

fn database(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error().and_then(|error| error.try_downcast_ref())
}

/// Says which condition a violated constraint stands for.
fn taken(constraint: &str) -> Conflict {
    match constraint {
        "identities_external_id" => Conflict::ExternalId,
        "addresses_of_one" => Conflict::Address,
        "identifiers_of_one" => Conflict::Identifier,
        _ => Conflict::Changed,
    }
}
