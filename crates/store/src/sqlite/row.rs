//! Converting columns to the domain's types.

use serde_json::Value;
use sessera_model::{
    AssuranceLevel, Identity, IdentityState, Session, StatusIndex, Timestamp, TokenHash, Uuid,
};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::StoreError;
use crate::records::{SessionKind, StoredSession};

/// The error of a column that holds something unreadable.
pub(super) fn corrupt(column: &str) -> StoreError {
    StoreError::Corrupt(format!("the column {column} cannot be read"))
}

pub(super) fn text<'r>(row: &'r SqliteRow, column: &str) -> Result<&'r str, StoreError> {
    row.try_get(column).map_err(|_| corrupt(column))
}

pub(super) fn optional_text<'r>(row: &'r SqliteRow, column: &str) -> Result<Option<&'r str>, StoreError> {
    row.try_get(column).map_err(|_| corrupt(column))
}

pub(super) fn bytes<'r>(row: &'r SqliteRow, column: &str) -> Result<&'r [u8], StoreError> {
    row.try_get(column).map_err(|_| corrupt(column))
}

pub(super) fn integer(row: &SqliteRow, column: &str) -> Result<i64, StoreError> {
    row.try_get(column).map_err(|_| corrupt(column))
}

pub(super) fn time(row: &SqliteRow, column: &str) -> Result<Timestamp, StoreError> {
    integer(row, column).map(Timestamp::from_micros)
}

pub(super) fn optional_time(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = row.try_get(column).map_err(|_| corrupt(column))?;
    Ok(micros.map(Timestamp::from_micros))
}

pub(super) fn id(row: &SqliteRow, column: &str) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes(row, column)?).map_err(|_| corrupt(column))
}

pub(super) fn hash(row: &SqliteRow, column: &str) -> Result<TokenHash, StoreError> {
    TokenHash::from_bytes(bytes(row, column)?).ok_or_else(|| corrupt(column))
}

pub(super) fn json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(text(row, column)?).map_err(|_| corrupt(column))
}

fn optional_json(row: &SqliteRow, column: &str) -> Result<Option<Value>, StoreError> {
    optional_text(row, column)?.map(serde_json::from_str).transpose().map_err(|_| corrupt(column))
}

/// The columns of an identity, named as in its table.
pub(super) fn identity(row: &SqliteRow) -> Result<Identity, StoreError> {
    Ok(Identity {
        id: id(row, "id")?,
        external_id: optional_text(row, "external_id")?.map(str::to_owned),
        schema_id: text(row, "schema_id")?.to_owned(),
        state: IdentityState::parse(text(row, "state")?).ok_or_else(|| corrupt("state"))?,
        state_changed_at: time(row, "state_changed_at")?,
        traits: json(row, "traits")?,
        verifiable_addresses: json(row, "verifiable_addresses")?,
        recovery_addresses: json(row, "recovery_addresses")?,
        metadata_public: optional_json(row, "metadata_public")?,
        metadata_admin: optional_json(row, "metadata_admin")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        version: integer(row, "version")?,
    })
}

fn status(row: &SqliteRow) -> Result<StatusIndex, StoreError> {
    let number = integer(row, "status_index")?;
    u64::try_from(number).map(StatusIndex::from_number).map_err(|_| corrupt("status_index"))
}

/// The columns of a session. Its id is named `session_id`, because it comes joined with its identity.
pub(super) fn session(row: &SqliteRow) -> Result<StoredSession, StoreError> {
    let level = AssuranceLevel::parse(text(row, "assurance_level")?);
    Ok(StoredSession {
        session: Session {
            id: id(row, "session_id")?,
            identity_id: id(row, "id")?,
            active: integer(row, "active")? != 0,
            issued_at: time(row, "issued_at")?,
            expires_at: time(row, "expires_at")?,
            authenticated_at: time(row, "authenticated_at")?,
            last_used_at: optional_time(row, "last_used_at")?,
            assurance_level: level.ok_or_else(|| corrupt("assurance_level"))?,
            methods: json(row, "methods")?,
            devices: json(row, "devices")?,
        },
        kind: SessionKind::parse(text(row, "kind")?).ok_or_else(|| corrupt("kind"))?,
        token: hash(row, "token_hash")?,
        status: status(row)?,
    })
}
