//! Rows as the domain's types, whichever engine they come from. An engine says how it keeps the few types of columns
//! ([`Columns`]).

use serde_json::Value;
use sessera_model::{
    AssuranceLevel, Credential, CredentialKind, Identity, IdentityState, Secret, Session, StatusIndex,
    Timestamp, TokenHash, Uuid,
};

use crate::admin_token::AdminToken;
use crate::audit::{AuditEntry, ChainHash, Link};
use crate::counter::Counter;
use crate::delivery::{Delivery, SinkState};
use crate::error::StoreError;
use crate::records::{
    AssignedStatusIndex, Code, CodePurpose, Dispatch, Flow, FlowKind, Message, MessageStatus, Revision,
    RevisionSummary, SentMessage, SessionKind, StoredSession,
};
use crate::sealer::{Sealer, credential_row};

/// The columns of a row by their names. An error when one holds something unreadable.
pub(crate) trait Columns {
    fn optional_text(&self, column: &str) -> Result<Option<&str>, StoreError>;
    fn optional_bytes(&self, column: &str) -> Result<Option<&[u8]>, StoreError>;
    fn optional_integer(&self, column: &str) -> Result<Option<i64>, StoreError>;
    fn optional_id(&self, column: &str) -> Result<Option<Uuid>, StoreError>;
    fn optional_flag(&self, column: &str) -> Result<Option<bool>, StoreError>;
}

/// The error of a column that holds something unreadable.
pub(crate) fn corrupt(column: &str) -> StoreError {
    StoreError::Corrupt(format!("the column {column} cannot be read"))
}

pub(crate) fn optional_text<'r>(row: &'r impl Columns, column: &str) -> Result<Option<&'r str>, StoreError> {
    row.optional_text(column)
}

pub(crate) fn text<'r>(row: &'r impl Columns, column: &str) -> Result<&'r str, StoreError> {
    row.optional_text(column)?.ok_or_else(|| corrupt(column))
}

pub(crate) fn bytes<'r>(row: &'r impl Columns, column: &str) -> Result<&'r [u8], StoreError> {
    row.optional_bytes(column)?.ok_or_else(|| corrupt(column))
}

pub(crate) fn integer(row: &impl Columns, column: &str) -> Result<i64, StoreError> {
    row.optional_integer(column)?.ok_or_else(|| corrupt(column))
}

pub(crate) fn time(row: &impl Columns, column: &str) -> Result<Timestamp, StoreError> {
    integer(row, column).map(Timestamp::from_micros)
}

fn optional_time(row: &impl Columns, column: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.optional_integer(column)?.map(Timestamp::from_micros))
}

pub(crate) fn id(row: &impl Columns, column: &str) -> Result<Uuid, StoreError> {
    row.optional_id(column)?.ok_or_else(|| corrupt(column))
}

fn hash(row: &impl Columns, column: &str) -> Result<TokenHash, StoreError> {
    TokenHash::from_bytes(bytes(row, column)?).ok_or_else(|| corrupt(column))
}

fn json<T: serde::de::DeserializeOwned>(row: &impl Columns, column: &str) -> Result<T, StoreError> {
    serde_json::from_str(text(row, column)?).map_err(|_| corrupt(column))
}

fn optional_json(row: &impl Columns, column: &str) -> Result<Option<Value>, StoreError> {
    row.optional_text(column)?.map(serde_json::from_str).transpose().map_err(|_| corrupt(column))
}

/// The columns of an identity, named as in its table.
pub(crate) fn identity(row: &impl Columns) -> Result<Identity, StoreError> {
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

/// The column of a row that says how many others there are.
pub(crate) fn count(row: &impl Columns) -> Result<u64, StoreError> {
    integer(row, "count").map(|count| u64::try_from(count).unwrap_or_default())
}

pub(crate) fn status_index(row: &impl Columns) -> Result<StatusIndex, StoreError> {
    let number = integer(row, "status_index")?;
    u64::try_from(number).map(StatusIndex::from_number).map_err(|_| corrupt("status_index"))
}

/// The columns of a session. Its id is named `session_id`, because it comes joined with its identity.
/// The place of a session that is kept elsewhere.
pub(crate) fn given_place(row: &impl Columns) -> Result<AssignedStatusIndex, StoreError> {
    Ok(AssignedStatusIndex { index: status_index(row)?, ended_at: optional_time(row, "ended_at")? })
}

pub(crate) fn session(row: &impl Columns) -> Result<StoredSession, StoreError> {
    let level = AssuranceLevel::parse(text(row, "assurance_level")?);
    Ok(StoredSession {
        session: Session {
            id: id(row, "session_id")?,
            identity_id: id(row, "id")?,
            active: row.optional_flag("active")?.ok_or_else(|| corrupt("active"))?,
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
        status: status_index(row)?,
    })
}

/// The columns of a credential of an identity.
pub(crate) fn credential(
    row: &impl Columns,
    identity_id: Uuid,
    sealer: &Sealer,
) -> Result<Credential, StoreError> {
    let kind = CredentialKind::parse(text(row, "kind")?).ok_or_else(|| corrupt("kind"))?;
    let place = credential_row(identity_id, kind);
    let config = sealer.unseal("credentials.config", place, bytes(row, "sealed_config")?)?;
    let config: Value = serde_json::from_str(&config).map_err(|_| corrupt("sealed_config"))?;
    Ok(Credential {
        kind,
        identifiers: json(row, "identifiers")?,
        config: config.into(),
        version: integer(row, "version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}

/// The columns of a flow.
pub(crate) fn flow(row: &impl Columns, id: Uuid, sealer: &Sealer) -> Result<Flow, StoreError> {
    Ok(Flow {
        id,
        kind: FlowKind::parse(text(row, "kind")?).ok_or_else(|| corrupt("kind"))?,
        body: sealer.unseal("flows.body", id, bytes(row, "sealed_body")?)?,
        expires_at: time(row, "expires_at")?,
        version: integer(row, "version")?,
    })
}

/// The columns of a code that was sent in a flow.
pub(crate) fn code(row: &impl Columns, flow_id: Uuid, purpose: CodePurpose) -> Result<Code, StoreError> {
    Ok(Code {
        id: id(row, "id")?,
        flow_id,
        purpose,
        identity_id: id(row, "identity_id")?,
        address: text(row, "address")?.to_owned(),
        hash: hash(row, "hash")?,
        expires_at: time(row, "expires_at")?,
    })
}

/// The columns of a message that waits.
pub(crate) fn message(row: &impl Columns, sealer: &Sealer) -> Result<Message, StoreError> {
    let id = id(row, "id")?;
    let (recipient, content) = sealed_message(row, id, sealer)?;
    Ok(Message {
        id,
        recipient,
        template: text(row, "template")?.to_owned(),
        content,
        attempts: integer(row, "attempts")?,
        created_at: time(row, "created_at")?,
        due_at: time(row, "due_at")?,
    })
}

/// The columns of a message that say what became of it.
pub(crate) fn sent_message(row: &impl Columns, sealer: &Sealer) -> Result<SentMessage, StoreError> {
    let (id, created_at) = (id(row, "id")?, time(row, "created_at")?);
    let (recipient, _) = sealed_message(row, id, sealer)?;
    let mut dispatches: Vec<Dispatch> = json(row, "dispatches")?;
    for dispatch in &mut dispatches {
        dispatch.message_id = id;
    }
    Ok(SentMessage {
        id,
        recipient,
        template: text(row, "template")?.to_owned(),
        status: MessageStatus::parse(text(row, "status")?).ok_or_else(|| corrupt("status"))?,
        attempts: integer(row, "attempts")?,
        dispatches,
        created_at,
        updated_at: time(row, "updated_at")?.max(created_at),
    })
}

/// The recipient of a message and what it says.
fn sealed_message(row: &impl Columns, id: Uuid, sealer: &Sealer) -> Result<(String, Secret), StoreError> {
    let sealed = sealer.unseal("outbox", id, bytes(row, "sealed")?)?;
    let (recipient, content) = sealed.split_once('\n').ok_or_else(|| corrupt("sealed"))?;
    Ok((recipient.to_owned(), content.into()))
}

/// A message sealed for its row.
pub(crate) fn seal_message(sealer: &Sealer, id: Uuid, recipient: &str, content: &str) -> Vec<u8> {
    // An address has no line break, so the first one ends it.
    let plain = format!("{}\n{content}", recipient.replace(['\r', '\n'], ""));
    sealer.seal("outbox", id, plain.as_bytes())
}

/// The same row without what the message says.
pub(crate) fn emptied_message(row: &impl Columns, id: Uuid, sealer: &Sealer) -> Result<Vec<u8>, StoreError> {
    let (recipient, _) = sealed_message(row, id, sealer)?;
    Ok(seal_message(sealer, id, &recipient, ""))
}

/// The dispatches of a row with one more, as its column has them.
pub(crate) fn with_dispatch(row: &impl Columns, dispatch: &Dispatch) -> Result<String, StoreError> {
    let mut dispatches: Vec<Dispatch> = json(row, "dispatches")?;
    dispatches.push(dispatch.clone());
    // Ids, times and texts always have a JSON form.
    Ok(serde_json::to_string(&dispatches).unwrap_or_default())
}

/// The columns of a revision without its content.
pub(crate) fn revision_summary(row: &impl Columns, sealer: &Sealer) -> Result<RevisionSummary, StoreError> {
    let id = id(row, "id")?;
    Ok(RevisionSummary {
        id,
        parent: row.optional_id("parent")?,
        created_at: time(row, "created_at")?,
        made_by: row.optional_text("made_by")?.map(str::to_owned),
        diff: match row.optional_bytes("sealed_diff")? {
            Some(sealed) => sealer.unseal("revisions.diff", id, sealed)?,
            None => text(row, "diff")?.to_owned(),
        },
    })
}

/// The columns of a revision.
pub(crate) fn revision(row: &impl Columns, sealer: &Sealer) -> Result<Revision, StoreError> {
    let RevisionSummary { id, parent, created_at, made_by, diff } = revision_summary(row, sealer)?;
    let config = sealer.unseal("revisions.config", id, bytes(row, "sealed_config")?)?;
    Ok(Revision { id, parent, created_at, made_by, config: config.into(), diff })
}

/// The columns of a token of the admin API.
pub(crate) fn admin_token(row: &impl Columns) -> Result<AdminToken, StoreError> {
    Ok(AdminToken {
        name: text(row, "name")?.to_owned(),
        role: text(row, "role")?.parse().map_err(|_| corrupt("role"))?,
        hash: hash(row, "hash")?,
        created_at: time(row, "created_at")?,
        expires_at: optional_time(row, "expires_at")?,
    })
}

/// The place of an entry of the record in the order.
pub(crate) fn link(row: &impl Columns) -> Result<Link, StoreError> {
    // No entry has a hash of zeros, so one that is damaged shows when the record is verified, and does not keep others from
    // being listed.
    let hash = bytes(row, "hash").ok().and_then(|hash| hash.try_into().ok()).unwrap_or_default();
    Ok(Link { number: integer(row, "number")?, hash: ChainHash(hash) })
}

/// The columns of an entry of the record.
pub(crate) fn audit_entry(row: &impl Columns) -> Result<AuditEntry, StoreError> {
    let Link { number, hash } = link(row)?;
    Ok(AuditEntry {
        id: id(row, "id")?,
        number,
        hash,
        at: time(row, "at")?,
        identity_id: row.optional_id("identity_id")?,
        content: text(row, "content")?.to_owned(),
    })
}

/// The columns of a delivery and of its entry.
pub(crate) fn delivery(row: &impl Columns) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        entry: audit_entry(row)?,
        since: time(row, "since")?,
        attempts: integer(row, "attempts")?,
        due_at: optional_time(row, "due_at")?,
        problem: row.optional_text("problem")?.map(str::to_owned),
    })
}

/// The columns of a sink and of what is to be delivered to it.
pub(crate) fn sink_state(row: &impl Columns) -> Result<SinkState, StoreError> {
    let count = |name| integer(row, name)?.try_into().map_err(|_| corrupt(name));
    Ok(SinkState {
        sink: text(row, "name")?.to_owned(),
        number: integer(row, "number")?,
        waiting: count("waiting")?,
        given_up: count("given_up")?,
        oldest: optional_time(row, "oldest")?,
        problem: row.optional_text("problem")?.map(str::to_owned),
    })
}

/// The columns of a counter.
pub(crate) fn counter(row: &impl Columns) -> Result<Counter, StoreError> {
    Ok(Counter { count: integer(row, "count")?, at: time(row, "at")? })
}
