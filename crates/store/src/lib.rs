//! Durable storage. There is one interface, [`Store`], with two engines behind it, a file ([`sqlite`]) and a
//! server that many nodes share ([`postgres`]).
//!
//! Reading is done by the methods of [`Store`]. Everything that changes goes through
//! [`Store::commit`], which takes a list of [`Change`]s that happen all together or not at all. Changes carry
//! their conditions (the version they were made from, a code not used yet), so two requests that
//! race end with exactly one winner and a [`StoreError::Conflict`] for the other.
//!
//! Programs commit through a [`Committer`], which tells whoever keeps copies in memory. What changes mean to whoever must
//! reconstruct what happened is an [`Event`].
//!
//! Tokens are stored as hashes only ([`sessera_model::TokenHash`]); private keys, configuration
//! revisions, flows, messages and credentials are encrypted under `secrets.cipher`
//! ([`cipher::Cipher`]) by the engine, so the layers above need not think of it.
//!
//! To keep something else: add its type and its `Change` in [`records`] and [`change`], a method
//! to [`Store`], a migration and the SQL in each engine's folder, and a case in the contract tests.

pub mod admin_token;
pub mod asked;
pub mod audit;
pub mod change;
mod changed;
pub mod cipher;
pub mod committer;
pub mod counter;
pub mod delivery;
pub mod engine;
pub mod error;
pub mod event;
pub mod exposed;
pub mod key_work;
pub mod kratos;
pub mod line;
mod listings;
pub mod lock;
mod migrations;
pub mod observed;
pub mod parameters;
pub mod postgres;
mod recording;
pub mod records;
pub mod reseal;
mod row;
mod scheme;
pub mod sealer;
pub mod secrets_file;
pub mod sqlite;
mod status_list;
pub mod transfer;

use async_trait::async_trait;
use sessera_model::{Credential, CredentialKind, Identity, Session, StatusIndex, Timestamp, TokenHash, Uuid};

pub use admin_token::AdminToken;
pub use asked::Asked;
pub use audit::{AuditEntry, AuditFrom, AuditOf, AuditPage, Ends, Link, NewEntry, Span};
pub use change::Change;
pub use cipher::Cipher;
pub use committer::{CommitListener, Committer, Outcome};
pub use counter::{Allowance, Counter, CounterKey};
pub use delivery::{Delivery, DeliveryPage, NewDelivery, SinkState, Taken, TakingSink};
pub use engine::Engine;
pub use error::{Conflict, StoreError};
pub use event::{Described, Event};
pub use key_work::{KeyWork, KeysDone};
pub use line::{Invalidation, Line};
pub use records::{
    AssignedStatusIndex, Code, CodePurpose, CredentialOf, Dispatch, DueRechecks, Ended, Flow, FlowKind,
    IdentifierFilter, IdentityFilter, KeySet, Managed, Matching, Message, MessageFilter, MessageStatus,
    NewSession, Outstanding, Page, PoolUse, Reauthentication, Revision, RevisionSummary, SentMessage,
    SessionFilter, SessionKind, StoredKey, StoredSession, place_of,
};

/// What a store can be asked. All methods are safe to call from many tasks at once.
#[async_trait]
pub trait Store: Send + Sync {
    /// Asks the database for a sign of life.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The database's own clock. `None` when it is the clock of this machine.
    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    /// The identifier of this deployment, which was made with its database. It is the id of the one project.
    async fn deployment_id(&self) -> Result<Uuid, StoreError>;

    // Identities

    /// The identity with this id.
    async fn identity(&self, id: Uuid) -> Result<Option<Identity>, StoreError>;

    /// The identity with this external id.
    async fn identity_by_external_id(&self, external_id: &str) -> Result<Option<Identity>, StoreError>;

    /// The identity that signs in with `identifier` (already normalised) and a credential of `kind`.
    async fn identity_by_identifier(
        &self,
        kind: CredentialKind,
        identifier: &str,
    ) -> Result<Option<Identity>, StoreError>;

    /// The identity that holds this verifiable or recovery address.
    async fn identity_by_address(&self, via: &str, value: &str) -> Result<Option<Identity>, StoreError>;

    /// Identities in the order of their ids.
    async fn identities(&self, filter: &IdentityFilter, page: &Page) -> Result<Vec<Identity>, StoreError>;

    /// How many identities there are.
    async fn count_identities(&self) -> Result<u64, StoreError>;

    /// The credentials of an identity, ordered by kind.
    async fn credentials(&self, identity_id: Uuid) -> Result<Vec<Credential>, StoreError>;

    /// The credentials of several identities at once, as (identity, credential).
    async fn credentials_of(&self, identity_ids: &[Uuid]) -> Result<Vec<(Uuid, Credential)>, StoreError>;

    // Sessions

    /// The session that a token or cookie with this hash opens, with its identity, whatever its state.
    async fn session_by_token(
        &self,
        token: &TokenHash,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError>;

    /// Reads a session as [`Self::session_by_token`] does, from a copy of the database that has every change
    /// that this node knows of. Returns `None` when there is no such copy, it has no such session, or it does
    /// not answer.
    async fn copy_of_session(&self, _token: &TokenHash) -> Option<(StoredSession, Identity)> {
        None
    }

    /// The session with this id, with its identity, whatever its state.
    async fn session(&self, id: Uuid) -> Result<Option<(StoredSession, Identity)>, StoreError>;

    /// The session at a place of the status lists, with its identity, whatever its state.
    async fn session_by_status(
        &self,
        index: StatusIndex,
    ) -> Result<Option<(StoredSession, Identity)>, StoreError>;

    /// The place in the status lists of a session that is kept elsewhere.
    async fn place(&self, session: Uuid) -> Result<Option<AssignedStatusIndex>, StoreError>;

    /// The session that is kept elsewhere and has this place in the status lists.
    async fn session_elsewhere(&self, index: StatusIndex) -> Result<Option<Uuid>, StoreError>;

    /// Takes sessions that are kept elsewhere, have a place in the status lists and are not known to be over, those first
    /// that nobody asked about for longest. Of several nodes that take at once each gets others.
    async fn take_sessions_elsewhere(&self, taking: DueRechecks) -> Result<Vec<Outstanding>, StoreError>;

    /// A status list as it is at `now`, with a bit for each place from the lowest bit of the first byte on.
    /// The bit is 1 when the session was revoked, has ended or was deleted, or when its identity may not sign
    /// in; of a session that is kept elsewhere, when it is noted to be over. It is 0 when the session is live, when nobody has the place yet, and when the session was
    /// [swept](Self::sweep). Returns `None` when no session has a place in this list yet.
    async fn status_list(&self, list: u64, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sessions, newest first (by issue time, then id), with their identities. A page begins behind the
    /// [place](place_of) of a session.
    async fn sessions(
        &self,
        filter: &SessionFilter,
        page: &Page,
    ) -> Result<Vec<(Session, Identity)>, StoreError>;

    /// How many sessions the filter names.
    async fn count_sessions(&self, filter: &SessionFilter) -> Result<u64, StoreError>;

    // Flows and codes

    /// The flow with this id.
    async fn flow(&self, id: Uuid) -> Result<Option<Flow>, StoreError>;

    /// The newest unused code of a flow.
    async fn code(&self, flow_id: Uuid, purpose: CodePurpose) -> Result<Option<Code>, StoreError>;

    // Limits

    /// The counters with these keys, in the same order. One that is not there counts nothing.
    async fn counters(&self, keys: &[CounterKey]) -> Result<Vec<Counter>, StoreError>;

    // Messages

    /// Messages that are due at `now`, oldest first, at most `limit`.
    async fn due_messages(&self, now: Timestamp, limit: u32) -> Result<Vec<Message>, StoreError>;

    /// What became of messages, newest first (by the time at which they were written, then id). A page begins behind the
    /// [place](SentMessage::place) of a message.
    async fn messages(&self, filter: &MessageFilter, page: &Page) -> Result<Vec<SentMessage>, StoreError>;

    /// What became of the message with this id.
    async fn message(&self, id: Uuid) -> Result<Option<SentMessage>, StoreError>;

    // Key sets

    /// The key set with this name, with its keys in their owner's order.
    async fn key_set(&self, name: &str) -> Result<Option<KeySet>, StoreError>;

    /// All key sets, ordered by name.
    async fn key_sets(&self) -> Result<Vec<KeySet>, StoreError>;

    // Tokens of the admin API

    /// The admin token with this hash, whether it has ended or not.
    async fn admin_token(&self, hash: &TokenHash) -> Result<Option<AdminToken>, StoreError>;

    /// All admin tokens, ordered by name.
    async fn admin_tokens(&self) -> Result<Vec<AdminToken>, StoreError>;

    // The record

    /// Entries of the record that are in order.
    async fn audit(&self, page: &AuditPage) -> Result<Vec<AuditEntry>, StoreError>;

    /// How far the record reaches.
    async fn audit_ends(&self) -> Result<Ends, StoreError>;

    /// Puts entries in order that have no number yet, at most `limit`, and tells how many. One node at a time does it.
    async fn chain_audit(&self, limit: u32) -> Result<u64, StoreError>;

    /// Deletes the oldest entries, as far as they are from before a time, at most `limit`, with what is to be delivered of
    /// them, and tells how many.
    async fn sweep_audit(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    // Deliveries of the record's entries to sinks

    /// Makes a node the one that delivers to a sink, and tells how far the sink has come: the number of the entry that it
    /// took last. Nothing when another node has it, or when the sink has not begun.
    async fn take_sink(&self, taking: &TakingSink) -> Result<Option<i64>, StoreError>;

    /// Deliveries to a sink that are due at `now`, in the order of their entries. Of those about the same subject only the
    /// first that waits is among them.
    async fn due_deliveries(
        &self,
        sink: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Deliveries that wait or were given up.
    async fn deliveries(&self, page: &DeliveryPage) -> Result<Vec<Delivery>, StoreError>;

    /// How all sinks are doing, ordered by name.
    async fn sinks(&self) -> Result<Vec<SinkState>, StoreError>;

    // Revisions of the configuration

    /// The newest revision.
    async fn newest_revision(&self) -> Result<Option<Revision>, StoreError>;

    /// The revision with this id.
    async fn revision(&self, id: Uuid) -> Result<Option<Revision>, StoreError>;

    /// Revisions without their content, newest first.
    async fn revisions(&self, page: &Page) -> Result<Vec<RevisionSummary>, StoreError>;

    /// A fingerprint of the configuration and the key sets, which stays the same only while neither changes.
    async fn configuration_version(&self) -> Result<[i64; 4], StoreError>;

    // Changes

    /// The line on which other nodes tell what they changed.
    fn line(&self) -> &Line;

    /// Applies all changes in one transaction, in order. When it returns `Ok`, they are on disk.
    async fn commit(&self, changes: &[Change]) -> Result<(), StoreError>;

    /// Deletes what has ended, which is expired flows, codes, sessions, counters and sent messages, at most
    /// `limit` rows of each. Returns how many rows were deleted.
    async fn sweep(&self, ended: Ended, limit: u32) -> Result<u64, StoreError>;

    /// How the connections to the database are used now.
    fn pools(&self) -> Vec<PoolUse>;

    /// Writes everything back and closes all connections.
    async fn close(&self);
}
