//! The line on which the nodes of a deployment tell each other what they changed.
//!
//! A node may answer from memory only while it knows of every change that others have finished. The line
//! is therefore trusted only for a short time after a heartbeat that went through it has come back, because
//! whatever was told before that heartbeat has then been heard. Otherwise the node asks the database.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use sessera_model::{TokenHash, Uuid};
use tokio::sync::Notify;

use crate::change::Change;
use crate::records::Reauthentication;

/// What in memory a change makes worthless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// The session that a token opens.
    Token(TokenHash),
    /// A session.
    Session(Uuid),
    /// An identity, its credentials and sessions.
    Identity(Uuid),
    /// The configuration.
    Configuration,
    /// Key sets.
    KeySets,
    /// Everything, because something may have been missed.
    Everything,
}

impl Invalidation {
    /// What other nodes have to drop when a change is made.
    pub fn of(change: &Change) -> Option<Self> {
        match change {
            Change::UpdateIdentity(identity) => Some(Self::Identity(identity.id)),
            Change::DeleteIdentity(id) | Change::DeleteSessionsOf(id) => Some(Self::Identity(*id)),
            Change::PutCredential(credential) => Some(Self::Identity(credential.identity_id)),
            Change::DeleteCredential { identity_id, .. } => Some(Self::Identity(*identity_id)),
            Change::AuthenticateSession(Reauthentication { id, .. })
            | Change::ExtendSession { id, .. }
            | Change::RevokeSession { id, .. }
            | Change::EndElsewhere { id, .. }
            | Change::DeleteSession { id, .. } => Some(Self::Session(*id)),
            Change::RevokeSessionByToken { token, .. } => Some(Self::Token(*token)),
            Change::RevokeSessions(filter) => {
                Some(filter.identity_id.map_or(Self::Everything, Self::Identity))
            }
            // The caches drop the session with such an id, too.
            Change::Forget(id) => Some(id.map_or(Self::Everything, Self::Identity)),
            Change::PutKeySet(..) | Change::DeleteKeySet(_) => Some(Self::KeySets),
            Change::InsertRevision(_) => Some(Self::Configuration),
            // Nobody has new records in memory, and the other kinds are never kept there.
            Change::InsertIdentity(_)
            | Change::Record(_)
            | Change::BeginSink { .. }
            | Change::ForgetSinks { .. }
            | Change::TakeFromRecord(_)
            | Change::Delivered { .. }
            | Change::DeliveryFailed { .. }
            | Change::Hasten { .. }
            | Change::Replay { .. }
            | Change::InsertAdminToken(_)
            | Change::DeleteAdminToken(_)
            | Change::Unchanged(_)
            | Change::InsertSession(_)
            | Change::PlaceSession { .. }
            | Change::LiveElsewhere { .. }
            | Change::NoteUses(_)
            | Change::InsertFlow(_)
            | Change::UpdateFlow(_)
            | Change::ConsumeFlow { .. }
            | Change::InsertCode(_)
            | Change::UseCode(_)
            | Change::TakeAttempt { .. }
            | Change::GiveBackAttempt(_)
            | Change::ForgetAttempts(_)
            | Change::EnqueueMessage(_)
            | Change::ClaimMessage { .. }
            | Change::MessageSent(_)
            | Change::MessageFailed { .. }
            | Change::NoteDispatch(_)
            | Change::DropMessage(_) => None,
        }
    }

    /// The word for it in a notification.
    pub(crate) fn word(&self) -> String {
        match self {
            Self::Token(token) => {
                token.as_bytes().iter().fold("t".to_owned(), |word, byte| format!("{word}{byte:02x}"))
            }
            Self::Session(id) => format!("s{}", id.simple()),
            Self::Identity(id) => format!("i{}", id.simple()),
            Self::Configuration => "c".into(),
            Self::KeySets => "k".into(),
            Self::Everything => "e".into(),
        }
    }

    /// Says what a word means. An unknown word comes from a newer version and may mean anything.
    pub(crate) fn parse(word: &str) -> Self {
        let known = match word.split_at_checked(1) {
            Some(("t", hex)) => token(hex).map(Self::Token),
            Some(("s", id)) => Uuid::parse_str(id).ok().map(Self::Session),
            Some(("i", id)) => Uuid::parse_str(id).ok().map(Self::Identity),
            Some(("c", "")) => Some(Self::Configuration),
            Some(("k", "")) => Some(Self::KeySets),
            _ => None,
        };
        known.unwrap_or(Self::Everything)
    }
}

fn token(hex: &str) -> Option<TokenHash> {
    let digits = hex.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    TokenHash::from_bytes(&bytes?)
}

/// A part that keeps something in memory and drops it. It must not put that off. When it returns, the thing
/// is dropped.
pub type Listener = Box<dyn Fn(&Invalidation) + Send + Sync>;

/// A place in the log of a primary, which its standbys replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The cluster whose log is meant.
    pub(crate) system: i64,
    /// The history of the cluster. Every promotion begins a new one, whose places say nothing about others.
    pub(crate) timeline: i64,
    /// The place, in bytes.
    pub(crate) log: i64,
}

impl Position {
    /// Whether a standby that has replayed up to here has replayed everything before `other`.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.system == other.system && self.timeline == other.timeline && self.log >= other.log
    }
}

/// How far a standby must have come to know everything that this node knows of.
///
/// Every change that this node is told of, or makes, takes a number, and with it the position is unknown.
/// The primary is then asked for the end of its log. A change is told, and a commit is answered, only
/// after its commit record is in the log, so whoever asks after number `n` was given out gets a position
/// behind the records of all changes up to `n`. The answer counts only while no further number was given
/// out. Otherwise the primary is asked again.
#[derive(Default)]
struct Known {
    changes: u64,
    position: Option<Position>,
}

/// The line, as the node that listens sees it.
pub struct Line {
    began: Instant,
    /// Whether this node is alone, so that there are no others to hear of.
    alone: bool,
    /// Until when the line is trusted, in microseconds since `began`.
    trusted_until: AtomicU64,
    /// Until when all changes are known, in microseconds since `began`.
    known_until: AtomicU64,
    listener: OnceLock<Listener>,
    known: Mutex<Known>,
    /// Signals that the position became unknown.
    moved: Notify,
}

impl Line {
    fn new(alone: bool) -> Self {
        Self {
            began: Instant::now(),
            alone,
            trusted_until: AtomicU64::new(0),
            known_until: AtomicU64::new(0),
            listener: OnceLock::new(),
            known: Mutex::default(),
            moved: Notify::new(),
        }
    }

    /// The line of a node that is alone and so knows of all changes.
    pub(crate) fn of_one() -> Self {
        Self::new(true)
    }

    /// A line between nodes, which is not trusted yet.
    pub(crate) fn of_many() -> Self {
        Self::new(false)
    }

    /// Names the part that is told of changes. Only the first one counts.
    pub fn listen(&self, listener: Listener) {
        // A second one would be a mistake in the program that starts the node, which its tests would show.
        let _ = self.listener.set(listener);
    }

    /// Whether there may be other nodes.
    pub const fn is_shared(&self) -> bool {
        !self.alone
    }

    /// Whether what is in memory may be answered now.
    pub fn is_trusted(&self) -> bool {
        self.alone || self.now() < self.trusted_until.load(Ordering::Acquire)
    }

    /// How long ago all changes were known for the last time.
    pub fn unconfirmed_for(&self) -> Duration {
        if self.alone {
            return Duration::ZERO;
        }
        Duration::from_micros(self.now().saturating_sub(self.known_until.load(Ordering::Acquire)))
    }

    /// Passes on what others changed. The position becomes unknown before anything is dropped from memory, so
    /// whoever sees that it was dropped and reads again does not read from a standby that lacks the change.
    pub(crate) fn tell(&self, invalidation: &Invalidation) {
        self.moves();
        if let Some(listener) = self.listener.get() {
            listener(invalidation);
        }
    }

    /// Notes that a heartbeat which was sent at `sent` has come back, so that what was told before was heard.
    pub(crate) fn confirm(&self, sent: Instant, trust: Duration) {
        self.known_until.fetch_max(self.since_began(sent), Ordering::AcqRel);
        self.trusted_until.fetch_max(self.since_began(sent + trust), Ordering::AcqRel);
    }

    /// Notes that the line broke.
    pub(crate) fn distrust(&self) {
        self.trusted_until.store(0, Ordering::Release);
    }

    /// Notes that something changed which standbys may not have replayed yet.
    pub(crate) fn moves(&self) {
        let mut known = self.known();
        known.changes += 1;
        known.position = None;
        drop(known);
        self.moved.notify_one();
    }

    /// Waits until the position is unknown. Returns the number to pass to [`Self::locate`] with the answer.
    pub(crate) async fn moved(&self) -> u64 {
        self.moved.notified().await;
        self.known().changes
    }

    /// Notes the end of the primary's log, which was asked for after `changes` was returned.
    pub(crate) fn locate(&self, changes: u64, position: Position) {
        let mut known = self.known();
        if known.changes == changes {
            known.position = Some(position);
        }
    }

    /// How far a standby must have come before it may be asked. It is `None` while that is unknown.
    pub(crate) fn position(&self) -> Option<Position> {
        self.known().position
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // No code panics while it holds this lock.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.since_began(Instant::now())
    }

    fn since_began(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.began).as_micros()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("trusted", &self.is_trusted()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_what_they_were() {
        let all = [
            Invalidation::Token(TokenHash::of("token")),
            Invalidation::Session(Uuid::from_u128(7)),
            Invalidation::Identity(Uuid::from_u128(8)),
            Invalidation::Configuration,
            Invalidation::KeySets,
            Invalidation::Everything,
        ];
        for invalidation in all {
            assert_eq!(Invalidation::parse(&invalidation.word()), invalidation);
        }
        for unknown in ["", "x", "s1", "tzz", "i", "cc", "é", "t00"] {
            assert_eq!(Invalidation::parse(unknown), Invalidation::Everything, "{unknown}");
        }
    }

    #[test]
    fn trust_ends_by_itself() {
        let line = Line::of_many();
        assert!(!line.is_trusted());
        line.confirm(Instant::now(), Duration::from_secs(60));
        assert!(line.is_trusted());
        assert!(line.unconfirmed_for() < Duration::from_secs(60));
        line.distrust();
        assert!(!line.is_trusted());
        // A heartbeat that took longer than the trust it gives is worth nothing.
        let line = Line::of_many();
        line.confirm(Instant::now(), Duration::ZERO);
        assert!(!line.is_trusted());
        assert!(Line::of_one().is_trusted());
    }

    #[tokio::test]
    async fn a_position_counts_until_the_next_change() {
        let at = |log: i64| Position { system: 1, timeline: 1, log };
        let line = Line::of_many();
        assert_eq!(line.position(), None);
        line.tell(&Invalidation::Everything);
        let first = line.moved().await;
        line.locate(first, at(10));
        assert_eq!(line.position(), Some(at(10)));
        // This is told while the primary is being asked, so the answer may lie before the change.
        line.moves();
        let second = line.moved().await;
        line.tell(&Invalidation::KeySets);
        line.locate(second, at(20));
        assert_eq!(line.position(), None);
        let third = line.moved().await;
        line.locate(third, at(30));
        assert_eq!(line.position(), Some(at(30)));
    }

    #[test]
    fn positions_of_other_histories_say_nothing() {
        let position = Position { system: 1, timeline: 2, log: 100 };
        assert!(Position { log: 100, ..position }.covers(&position));
        assert!(!Position { log: 99, ..position }.covers(&position));
        assert!(!Position { timeline: 1, log: 500, ..position }.covers(&position));
        assert!(!Position { system: 2, log: 500, ..position }.covers(&position));
    }
}
