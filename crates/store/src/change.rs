//! What can change. A list of changes happens all together or not at all.

use std::ops::RangeInclusive;

use sessera_model::{CredentialKind, Identity, Timestamp, TokenHash, Uuid};

use crate::admin_token::AdminToken;
use crate::audit::NewEntry;
use crate::counter::{Allowance, CounterKey};
use crate::delivery::Taken;
use crate::key_work::KeysDone;
use crate::records::{
    Code, CredentialOf, Dispatch, Flow, KeySet, Message, NewSession, Reauthentication, Revision,
    SessionFilter,
};

/// One change. Its documentation names the condition under which it is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Adds an identity, its version being 1. Refused when its external id or an address is taken.
    InsertIdentity(Identity),
    /// Replaces an identity; `identity.version` is the version it was made from and is raised by one.
    /// Refused when that is no longer the stored version, or when its external id or an address is taken.
    UpdateIdentity(Identity),
    /// Deletes an identity with its credentials, sessions, codes and flows. Refused when it is not there.
    /// The status lists go on refusing the sessions.
    DeleteIdentity(Uuid),
    /// Adds or replaces an identity's credential of its kind. Refused when an identifier is taken.
    PutCredential(CredentialOf),
    /// Deletes an identity's credential of a kind. Nothing happens when it is not there.
    DeleteCredential {
        /// The identity that it belongs to.
        identity_id: Uuid,
        /// The kind of the credential.
        kind: CredentialKind,
    },
    /// Adds a session and gives it its place in the status lists. Refused when its identity is not there or
    /// not active.
    InsertSession(NewSession),
    /// Steps a session up or refreshes it. Refused when it is not live at `at`.
    AuthenticateSession(Reauthentication),
    /// Moves a session's end. Refused when the session is not live at `at`.
    ExtendSession {
        /// The id of the record.
        id: Uuid,
        /// Whose session it is, for whoever must know what happened.
        identity_id: Uuid,
        /// The time of the change.
        at: Timestamp,
        /// Its new end.
        expires_at: Timestamp,
    },
    /// Notes when sessions were last used. Each is named once. A session that is not there or was used later
    /// stays as it is. Whoever holds one of them in memory need not read it again.
    NoteUses(Vec<(Uuid, Timestamp)>),
    /// Revokes the session that a token opens. Refused when there is none, or when it is revoked already.
    RevokeSessionByToken {
        /// The hash of the token.
        token: TokenHash,
        /// The session that it opened when that was looked up, for whoever must know what happened.
        session_id: Uuid,
        /// Whose session it is.
        identity_id: Uuid,
    },
    /// Revokes every session that the filter names. Nothing happens when there is none.
    RevokeSessions(SessionFilter),
    /// Revokes one session. Refused when it is not there or, with `of` given, is not that identity's.
    RevokeSession {
        /// The id of the record.
        id: Uuid,
        /// The identity to which it must belong, if that matters.
        of: Option<Uuid>,
    },
    /// Deletes all sessions of an identity. The status lists go on refusing them.
    DeleteSessionsOf(Uuid),
    /// Deletes one session. The status lists go on refusing it. Refused when it is not there.
    DeleteSession {
        /// The id of the record.
        id: Uuid,
        /// Whose session it is, for whoever must know what happened.
        identity_id: Uuid,
    },
    /// Adds a flow, its version being 1.
    InsertFlow(Flow),
    /// Replaces a flow; `flow.version` is the version it was made from and is raised by one. Refused
    /// when that is no longer the stored version.
    UpdateFlow(Flow),
    /// Deletes a flow. Refused when its version is not the given one, because it was used by somebody else.
    ConsumeFlow {
        /// The id of the record.
        id: Uuid,
        /// The version that was read.
        version: i64,
    },
    /// Adds a code, which ends older ones of the same flow and purpose.
    InsertCode(Code),
    /// Uses a code up. Refused when it was used or is not there.
    UseCode(Uuid),
    /// Counts an attempt at each of some counters before anybody looks at it. Refused when there is no place at one
    /// of them; then none of them counts it.
    TakeAttempt {
        /// The counters, each of which is named once.
        counters: Vec<(CounterKey, Allowance)>,
        /// The time of the attempt.
        at: Timestamp,
    },
    /// Takes one attempt off each of some counters, because it was no wrong one. Nothing happens at one that is
    /// not there.
    GiveBackAttempt(Vec<CounterKey>),
    /// Forgets all attempts that a counter has. Nothing happens when it is not there.
    ForgetAttempts(CounterKey),
    /// Puts a message into the outbox.
    EnqueueMessage(Message),
    /// Takes a message for sending, which counts the attempt and hides the message until `until`. Refused
    /// when
    /// `attempts` is no longer the stored number, because somebody else has taken it.
    ClaimMessage {
        /// The id of the record.
        id: Uuid,
        /// How many attempts were read.
        attempts: i64,
        /// When it may be taken again if nothing more is heard of it.
        until: Timestamp,
    },
    /// A message was sent. What became of it stays for a while, its content does not.
    MessageSent(Uuid),
    /// A message could not be sent. It is tried again at `due_at`, or given up when that is absent; then its content goes.
    MessageFailed {
        /// The id of the record.
        id: Uuid,
        /// When to try again.
        due_at: Option<Timestamp>,
    },
    /// Notes an attempt to send a message, beside what became of it. Nothing happens when the message is not there.
    NoteDispatch(Dispatch),
    /// Takes a message out of the outbox that was never to be sent.
    DropMessage(Uuid),
    /// Adds a key set (version 0) or replaces one; `version` is the version it was made from and is
    /// raised by one. Refused when that is no longer the stored version. What was done to its keys is for its events.
    PutKeySet(KeySet, Vec<KeysDone>),
    /// Deletes a key set. Refused when it is not there.
    DeleteKeySet(String),
    /// Adds a token of the admin API. Refused when its name is taken.
    InsertAdminToken(AdminToken),
    /// Deletes the token of the admin API with this name. Refused when it is not there.
    DeleteAdminToken(String),
    /// Adds entries to the record of what happened.
    Record(Vec<NewEntry>),
    /// Begins a sink with what enters the record from now on. One that has begun goes on, and is known to be wanted.
    BeginSink {
        /// The sink.
        sink: String,
        /// The time of the change.
        at: Timestamp,
    },
    /// Forgets all sinks but some, with what was to be delivered to them. One that a node delivers to stays for now, and so
    /// does one that was wanted lately, because whoever forgets it may have an older configuration.
    ForgetSinks {
        /// The names of the sinks that stay.
        but: Vec<String>,
        /// Those that were wanted since then stay.
        wanted_since: Timestamp,
        /// The time of the change.
        at: Timestamp,
    },
    /// Takes a part of the record for a sink. Refused when the sink is no longer where the part begins.
    TakeFromRecord(Taken),
    /// Entries were delivered to a sink.
    Delivered {
        /// The sink.
        sink: String,
        /// The numbers of the entries.
        numbers: Vec<i64>,
    },
    /// An entry could not be delivered to a sink. It is tried again at `due_at`, or given up when that is absent.
    DeliveryFailed {
        /// The sink.
        sink: String,
        /// The number of the entry.
        number: i64,
        /// When to try again.
        due_at: Option<Timestamp>,
        /// Why it was not taken.
        problem: String,
    },
    /// Has what waits for a sink tried at once, which takes events again.
    Hasten {
        /// The sink.
        sink: String,
        /// The numbers of the first and of the last entry of those that are tried.
        numbers: RangeInclusive<i64>,
        /// The time of the change.
        at: Timestamp,
    },
    /// Has entries delivered to a sink once more. Refused when there is no such sink.
    Replay {
        /// The sink.
        sink: String,
        /// The number of the entry behind which everything is delivered. When absent, it is what was given up, and what waits
        /// is tried at once.
        after: Option<i64>,
        /// The time of the change.
        at: Timestamp,
    },
    /// Gives a session that is kept elsewhere its place in the status lists. One that has a place keeps it, and is no longer
    /// refused when it was found to be over before it was live.
    PlaceSession {
        /// The session.
        id: Uuid,
        /// Whose it is.
        identity_id: Uuid,
        /// When it was live.
        at: Timestamp,
    },
    /// Notes that sessions that are kept elsewhere and were taken (see [`crate::Store::take_sessions_elsewhere`]) are
    /// live. Nothing happens to one that has changed since it was taken.
    LiveElsewhere {
        /// The sessions.
        ids: Vec<Uuid>,
        /// When they were asked about.
        at: Timestamp,
    },
    /// Notes that a session that is kept elsewhere is over, so that the status lists refuse it. Nothing happens when it
    /// has no place in them.
    EndElsewhere {
        /// The session.
        id: Uuid,
        /// Whose session it is, for whoever must know what happened.
        identity_id: Uuid,
        /// When that was known.
        at: Timestamp,
    },
    /// The session or the identity with this id has changed where it is kept, or any of them has, and everybody drops
    /// what they have of it in memory. Those with this id that have a place in the status lists are asked about next.
    Forget(Option<Uuid>),
    /// Changes nothing. Refused when the configuration or the key sets have another version
    /// ([`Store::configuration_version`](crate::Store::configuration_version)) than the one by which the changes beside
    /// it were judged. Nobody changes either of them until the commit has ended. It stands before all other changes.
    Unchanged([i64; 4]),
    /// Adds a revision. Refused when `parent` is no longer the newest one.
    InsertRevision(Revision),
}
