//! What can change. A list of changes happens all together or not at all.

use sessera_model::{
    AssuranceLevel, AuthenticationMethod, CredentialKind, Device, Identity, Timestamp, TokenHash, Uuid,
};

use crate::records::{Code, CredentialOf, Flow, KeySet, Message, NewSession, Revision, SessionFilter};

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
        /// Whose it is.
        identity_id: Uuid,
        /// Its kind.
        kind: CredentialKind,
    },
    /// Adds a session and gives it its place in the status lists. Refused when its identity is not there or
    /// not active.
    InsertSession(NewSession),
    /// Steps a session up or refreshes it. Refused when it is not live at `at`.
    AuthenticateSession {
        /// Which one.
        id: Uuid,
        /// When.
        at: Timestamp,
        /// The level it now has.
        assurance_level: AssuranceLevel,
        /// All its proofs.
        methods: Vec<AuthenticationMethod>,
        /// All its devices.
        devices: Vec<Device>,
        /// Its new end.
        expires_at: Timestamp,
        /// Its new token; the old one opens nothing any more. `None` keeps it.
        token: Option<TokenHash>,
    },
    /// Moves a session's end. Refused when the session is not live at `at`.
    ExtendSession {
        /// Which one.
        id: Uuid,
        /// When.
        at: Timestamp,
        /// Its new end.
        expires_at: Timestamp,
    },
    /// Notes when sessions were last used, each once. Nothing happens to one that is not there or was used
    /// later. Nobody who holds a session in memory has to read it again for that.
    NoteUses(Vec<(Uuid, Timestamp)>),
    /// Revokes the session that a token opens. Refused when there is none, or it is revoked already.
    RevokeSessionByToken(TokenHash),
    /// Revokes every session that the filter names. Nothing happens when there is none.
    RevokeSessions(SessionFilter),
    /// Revokes one session. Refused when it is not there (with `of` given: not that identity's).
    RevokeSession {
        /// Which one.
        id: Uuid,
        /// Only when it belongs to this identity.
        of: Option<Uuid>,
    },
    /// Deletes all sessions of an identity. The status lists go on refusing them.
    DeleteSessionsOf(Uuid),
    /// Deletes one session. The status lists go on refusing it. Refused when it is not there.
    DeleteSession(Uuid),
    /// Adds a flow, its version being 1.
    InsertFlow(Flow),
    /// Replaces a flow; `flow.version` is the version it was made from and is raised by one. Refused
    /// when that is no longer the stored version.
    UpdateFlow(Flow),
    /// Deletes a flow. Refused when its version is not the given one: it was used by somebody else.
    ConsumeFlow {
        /// Which one.
        id: Uuid,
        /// The version that was read.
        version: i64,
    },
    /// Adds a code; older ones of the same flow and purpose end.
    InsertCode(Code),
    /// Uses a code up. Refused when it was used or is not there.
    UseCode(Uuid),
    /// Puts a message into the outbox.
    EnqueueMessage(Message),
    /// Takes a message for sending: counts the attempt and hides the message until `until`. Refused when
    /// `attempts` is no longer the stored number: somebody else has taken it.
    ClaimMessage {
        /// Which one.
        id: Uuid,
        /// How many attempts were read.
        attempts: i64,
        /// When it may be taken again, should nothing more be heard of it.
        until: Timestamp,
    },
    /// A message was sent: it leaves the outbox.
    MessageSent(Uuid),
    /// A message could not be sent: it is tried again at `due_at`, or given up when that is absent.
    MessageFailed {
        /// Which one.
        id: Uuid,
        /// When to try again.
        due_at: Option<Timestamp>,
    },
    /// Adds a key set (version 0) or replaces one; `version` is the version it was made from and is
    /// raised by one. Refused when that is no longer the stored version.
    PutKeySet(KeySet),
    /// Deletes a key set. Refused when it is not there.
    DeleteKeySet(String),
    /// Adds a revision. Refused when `parent` is no longer the newest one.
    InsertRevision(Revision),
}
