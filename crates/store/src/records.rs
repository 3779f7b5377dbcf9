//! What is stored beside the domain's own types.

use std::fmt;

use serde::{Deserialize, Serialize};
use sessera_model::{
    AssuranceLevel, AuthenticationMethod, CredentialKind, Device, Secret, Session, StatusIndex, Timestamp,
    TokenHash, Uuid,
};
use sessera_rotation::Schedule;

/// A part of a list, with at most `limit` items behind `after`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The last item of the page before, in the list's own order: its id, or of a session its [`place_of`]. Without one
    /// the page is the first.
    pub after: Option<Uuid>,
    /// How many items at the most.
    pub limit: u32,
}

/// How many bits of a place are the end of it, which says the beginning of the session's id.
const ID_BITS: u32 = 74;

/// The place of a session in lists, as something that looks like an id: when it was issued, and as much of its id as there
/// is room for, which tells apart what was issued in the same microsecond. A list goes on behind it even when the session
/// is gone.
pub fn place_of(session: &Session) -> Uuid {
    place(session.issued_at, session.id)
}

fn place(at: Timestamp, id: Uuid) -> Uuid {
    let micros = u128::try_from(at.micros()).unwrap_or_default();
    Uuid::from_u128(micros << ID_BITS | id.as_u128() >> (128 - ID_BITS))
}

/// The time and the id from which on sessions, or messages, stand before a place; older ones, and those with smaller ids,
/// stand behind.
pub(crate) fn before_place(place: Uuid) -> (Timestamp, Uuid) {
    let place = place.as_u128();
    let micros = i64::try_from(place >> ID_BITS).unwrap_or(i64::MAX);
    (Timestamp::from_micros(micros), Uuid::from_u128(place << (128 - ID_BITS)))
}

/// Which identities to list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct IdentityFilter {
    /// The ids that alone are listed, unless this is empty.
    pub ids: Vec<Uuid>,
    /// By what a credential must find them.
    pub identifier: Option<IdentifierFilter>,
}

/// By what a credential must find an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierFilter {
    /// What is typed to sign in, normalised.
    pub typed: String,
    /// What finds a link to an account at a provider, as it is.
    pub link: String,
    /// How much of an identifier that is.
    pub matching: Matching,
}

/// How much of an identifier has to be what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// The whole identifier.
    Whole,
    /// The beginning of the identifier.
    Beginning,
    /// Its beginning, for the first part of a list in the order of identifiers. No part follows it, and it takes no longer
    /// however many people there are.
    FirstBeginning,
}

/// How many identifiers of a kind are read for each of the first people whose identifiers begin with a text: most have one.
pub(crate) const MANY: u32 = 4;

/// Which sessions to list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SessionFilter {
    /// The identity whose sessions alone are listed.
    pub identity_id: Option<Uuid>,
    /// The session that is left out.
    pub except: Option<Uuid>,
    /// With `true` only those are listed that are live at the time (neither revoked nor expired), with
    /// `false` only the others.
    pub live: Option<(bool, Timestamp)>,
}

/// How a session is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// The session is carried by a token in a header.
    Native,
    /// The session is carried by a cookie.
    Browser,
}

impl SessionKind {
    /// The word in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Browser => "browser",
        }
    }

    /// The kind that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "native" => Some(Self::Native),
            "browser" => Some(Self::Browser),
            _ => None,
        }
    }
}

/// A session that is to be stored, with how it is carried and the hash of what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// How it is carried.
    pub kind: SessionKind,
    /// The hash of the session token that opens it.
    pub token: TokenHash,
}

/// What becomes of a session whose owner proves something again.
#[derive(Clone, Debug, PartialEq)]
pub struct Reauthentication {
    /// The session.
    pub id: Uuid,
    /// Whose session it is.
    pub identity_id: Uuid,
    /// The time of the change.
    pub at: Timestamp,
    /// The assurance level that the session now has.
    pub assurance_level: AssuranceLevel,
    /// All its proofs.
    pub methods: Vec<AuthenticationMethod>,
    /// All its devices.
    pub devices: Vec<Device>,
    /// Its new end.
    pub expires_at: Timestamp,
    /// Its new token, which replaces the old one. `None` keeps the old one.
    pub token: Option<TokenHash>,
}

/// A session as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// The session.
    pub session: Session,
    /// How it is carried.
    pub kind: SessionKind,
    /// The hash of the session token that opens it.
    pub token: TokenHash,
    /// Its place in the status lists, which the store gave it when it was added.
    pub status: StatusIndex,
}

/// Which sessions that are kept elsewhere are taken, to be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueRechecks {
    /// Those that were last asked about at this time or before.
    pub asked_before: Timestamp,
    /// The time of now.
    pub now: Timestamp,
    /// Until when nobody else gets them.
    pub until: Timestamp,
    /// How many at the most.
    pub limit: u32,
}

/// A session that is kept elsewhere and has a place in the status lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outstanding {
    /// The session.
    pub id: Uuid,
    /// Whose it is.
    pub identity_id: Uuid,
    /// When it was last known to be live. 0 where it has changed since.
    pub asked_at: Timestamp,
}

/// The place in the status lists of a session that is kept elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssignedStatusIndex {
    /// The list, and the number in it.
    pub index: StatusIndex,
    /// When the session was found to be over, since when the lists refuse it.
    pub ended_at: Option<Timestamp>,
}

/// The kinds of self-service flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowKind {
    /// Signing in.
    Login,
    /// Signing up.
    Registration,
    /// Changing one's own account.
    Settings,
    /// Getting back into an account.
    Recovery,
    /// Proving an address.
    Verification,
    /// An error to be shown to a browser.
    Error,
    /// A one-time code to be exchanged for a session or a token.
    Exchange,
}

impl FlowKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Login,
        Self::Registration,
        Self::Settings,
        Self::Recovery,
        Self::Verification,
        Self::Error,
        Self::Exchange,
    ];

    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Registration => "registration",
            Self::Settings => "settings",
            Self::Recovery => "recovery",
            Self::Verification => "verification",
            Self::Error => "error",
            Self::Exchange => "exchange",
        }
    }

    /// The kind that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A self-service flow. Its body is the server's own JSON, which is stored encrypted.
#[derive(Clone, PartialEq)]
pub struct Flow {
    /// Identifier, part of its URL.
    pub id: Uuid,
    /// Its kind.
    pub kind: FlowKind,
    /// The server's own JSON text.
    pub body: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// A number that grows with every change. A change names the version it was made from. A new flow has 1.
    pub version: i64,
}

impl fmt::Debug for Flow {
    /// Leaves the body out, because it holds secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("expires_at", &self.expires_at)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodePurpose {
    /// The code is for getting back into an account.
    Recovery,
    /// The code is for proving an address.
    Verification,
}

impl CodePurpose {
    /// The word in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Verification => "verification",
        }
    }

    /// The purpose that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "recovery" => Some(Self::Recovery),
            "verification" => Some(Self::Verification),
            _ => None,
        }
    }
}

/// A code that was sent to an address. Only a keyed hash of it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Identifier.
    pub id: Uuid,
    /// The flow in which it is good.
    pub flow_id: Uuid,
    /// What it is for.
    pub purpose: CodePurpose,
    /// The identity that the code was sent to.
    pub identity_id: Uuid,
    /// The address it was sent to.
    pub address: String,
    /// HMAC of the code under a secret of the server.
    pub hash: TokenHash,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A message to a person that waits to be sent. Recipient and content are stored encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Identifier.
    pub id: Uuid,
    /// The e-mail address it goes to.
    pub recipient: String,
    /// Which template it is made from, for example `verification_code`.
    pub template: String,
    /// What the template needs, as JSON text.
    pub content: Secret,
    /// How often sending was tried.
    pub attempts: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it may be tried (again).
    pub due_at: Timestamp,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("template", &self.template)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// An attempt to send a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    /// Identifier.
    pub id: Uuid,
    /// The message.
    #[serde(skip)]
    pub message_id: Uuid,
    /// When it was made.
    pub at: Timestamp,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// It waits to be sent, or to be tried again.
    Queued,
    /// It is being sent.
    Processing,
    /// A server has taken it.
    Sent,
    /// It is not tried again.
    Abandoned,
}

impl MessageStatus {
    /// All statuses of messages.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Processing, Self::Sent, Self::Abandoned];

    /// The word on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Sent => "sent",
            Self::Abandoned => "abandoned",
        }
    }

    /// The status that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// What became of a message, without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// Identifier.
    pub id: Uuid,
    /// The address that it goes to.
    pub recipient: String,
    /// The template that it was written with.
    pub template: String,
    /// How far it has come.
    pub status: MessageStatus,
    /// How often sending was tried.
    pub attempts: i64,
    /// The attempts, as far as they were noted, the oldest first.
    pub dispatches: Vec<Dispatch>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When something last became of it.
    pub updated_at: Timestamp,
}

impl SentMessage {
    /// Its place in lists, as [`place_of`] is that of a session.
    pub fn place(&self) -> Uuid {
        place(self.created_at, self.id)
    }
}

/// Which messages to list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MessageFilter {
    /// The status that they must have.
    pub status: Option<MessageStatus>,
    /// The address that they must go to.
    pub recipient: Option<String>,
    /// Templates of what is left out.
    pub without: &'static [&'static str],
}

/// A key as it is stored. Its private JSON Web Key is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// The key's id, which is unique within its set.
    pub kid: String,
    /// The JSON Web Key (RFC 7517) as JSON text, private members included.
    pub jwk: Secret,
    /// When it was put into the set.
    pub created_at: Timestamp,
}

/// How the keys of a managed set are made, and when each of them signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Managed {
    /// The algorithm that keys are made for, for example `ES256`.
    pub algorithm: String,
    /// When each of its keys is published, signs and ends.
    #[serde(rename = "rotation")]
    pub schedule: Schedule,
}

/// A key set, with its keys in its owner's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    /// Its name.
    pub name: String,
    /// Its keys. Without `managed` the first one signs.
    pub keys: Vec<StoredKey>,
    /// How its keys rotate, when they rotate by themselves.
    pub managed: Option<Managed>,
    /// A number that grows with every change. A change names the version it was made from. A new set has 1.
    pub version: i64,
}

impl KeySet {
    /// A set that is not stored yet and whose owner keeps its keys in order.
    pub const fn new(name: String, keys: Vec<StoredKey>) -> Self {
        Self { name, keys, managed: None, version: 0 }
    }
}

/// A revision of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Identifier.
    pub id: Uuid,
    /// The revision it was made from; the first has none.
    pub parent: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it, as JSON text like the actor of an entry of the record; nothing when nobody knows.
    pub made_by: Option<String>,
    /// The identity configuration as JSON text.
    pub config: Secret,
    /// What changed, as JSON text.
    pub diff: String,
}

/// What stands in clear where the difference of a revision is encrypted.
pub(crate) const NO_DIFFERENCE: &str = "[]";

/// A revision without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionSummary {
    /// Identifier.
    pub id: Uuid,
    /// The revision it was made from.
    pub parent: Option<Uuid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it, as JSON text like the actor of an entry of the record; nothing when nobody knows.
    pub made_by: Option<String>,
    /// What changed, as JSON text.
    pub diff: String,
}

/// A credential of an identity that is to be written. Identifiers are normalised already.
#[derive(Clone, Debug, PartialEq)]
pub struct CredentialOf {
    /// The identity that it belongs to.
    pub identity_id: Uuid,
    /// The credential.
    pub credential: sessera_model::Credential,
}

impl CredentialOf {
    /// The kind of the credential.
    pub const fn kind(&self) -> CredentialKind {
        self.credential.kind
    }
}

/// Before which times things have ended that are swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// For sessions, of which status lists speak for a while.
    pub sessions: Timestamp,
    /// For messages, of which administrators are told for a while what became of them.
    pub messages: Timestamp,
    /// For all other kinds, such as flows and codes.
    pub others: Timestamp,
}

/// How the connections of a pool are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// What the pool is for: `readers` and `writer`, or `primary` and `standbys`.
    pub name: &'static str,
    /// The most connections that it makes.
    pub most: usize,
    /// How many connections do something.
    pub in_use: usize,
    /// How many connections are idle.
    pub idle: usize,
    /// How many operations wait for a connection. `None` where the pool does not tell.
    pub waiting: Option<usize>,
}
