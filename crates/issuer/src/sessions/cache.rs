//! Live sessions in memory: bounded by bytes, and never older than a change that was answered.
//!
//! Nothing is taken out when something changes. Every change takes the next number and leaves it at its
//! *mark*: the place in a fixed table to which the token, the session's id or the identity's id leads.
//! Whoever reads the source remembers the newest number from before, and an entry is good only while none of
//! its three marks holds a newer one. So an entry that was read before a change is never used after it,
//! however the two raced, and a change costs the same however many sessions an identity has. Entries that
//! share a mark by chance are read from the store once more, which is all that it costs.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, Weighter};
use sessera_model::{Timestamp, TokenHash, Uuid};
use sessera_store::{Change, CommitListener, Invalidation, Outcome};

use super::live_session::LiveSession;

/// How many marks there are, a power of two. With a hundred thousand sessions in memory a change makes
/// about five of them be read again.
const MARKS: usize = 1 << 16;

/// What the cache itself needs for an entry, in bytes: the key, the slots, the counters.
const OVERHEAD: usize = 192;

/// The size of a common session, from which the number of entries is guessed.
const COMMON_SIZE: u64 = 3 * 1024;

/// The number of the newest change from before the store was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading(u64);

/// Live sessions by the hash of their token.
pub struct SessionCache {
    entries:
        Cache<TokenHash, Entry, Bytes, BuildHasherDefault<FirstBytes>, DefaultLifecycle<TokenHash, Entry>>,
    /// Under which hash a session is kept that has several, where somebody asks for it by its id.
    keys: OnceLock<Cache<Uuid, TokenHash>>,
    changes: Changes,
}

#[derive(Clone)]
struct Entry {
    live: Arc<LiveSession>,
    read: Reading,
    /// What it took when it was weighed.
    weight: u64,
}

impl Entry {
    fn weighed(live: Arc<LiveSession>, read: Reading) -> Self {
        let weight = (live.size() + OVERHEAD) as u64;
        Self { live, read, weight }
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<TokenHash, Entry> for Bytes {
    fn weight(&self, _: &TokenHash, entry: &Entry) -> u64 {
        entry.weight
    }
}

/// The hash of a hash: its first bytes.
#[derive(Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// All keys have one length, so it tells nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

impl std::fmt::Debug for SessionCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionCache").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl SessionCache {
    /// A cache that takes at most `max_bytes`; nothing is kept when that is 0.
    pub fn new(max_bytes: u64) -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(usize::try_from(max_bytes / COMMON_SIZE).unwrap_or(usize::MAX))
            .weight_capacity(max_bytes)
            .build();
        // Both capacities are set, which is all that can be wrong with the options.
        let options = options.unwrap_or_else(|error| unreachable!("{error}"));
        let hasher = BuildHasherDefault::default();
        Self {
            entries: Cache::with_options(options, Bytes, hasher, DefaultLifecycle::default()),
            keys: OnceLock::new(),
            changes: Changes::new(),
        }
    }

    /// Takes at most `max_bytes` from now on.
    pub fn set_max_bytes(&self, max_bytes: u64) {
        if max_bytes != self.entries.capacity() {
            self.entries.set_capacity(max_bytes);
        }
    }

    /// How many sessions are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }

    /// The session of a token, if it is here and still good as far as this node was told. `schemas_url` is
    /// the configuration's of now.
    pub fn get(&self, token: &TokenHash, now: Timestamp, schemas_url: &str) -> Option<Arc<LiveSession>> {
        self.get_aged(token, now, schemas_url, Duration::ZERO)
    }

    /// The session of a token as [`Self::get`] tells it, also when its time in memory ended no longer than `grace`
    /// ago. One that is too old to be told stays until a newer one takes its place.
    pub fn get_aged(
        &self,
        token: &TokenHash,
        now: Timestamp,
        schemas_url: &str,
        grace: Duration,
    ) -> Option<Arc<LiveSession>> {
        let Entry { live, read, .. } = self.entries.get(token)?;
        let good = live.session.is_live(now)
            && live.schemas_url() == schemas_url
            && self.changes.is_current(read, token, &live);
        if !good {
            self.entries.remove_if(token, |entry| entry.read == read);
            return None;
        }
        (now < live.fresh_until + grace).then_some(live)
    }

    /// To be called before the store is read.
    pub fn begin(&self) -> Reading {
        Reading(self.changes.latest.load(Ordering::SeqCst))
    }

    /// Whether nothing has changed that a session was made of since `read` was given out.
    pub(super) fn is_current(&self, read: Reading, token: &TokenHash, live: &LiveSession) -> bool {
        self.changes.is_current(read, token, live)
    }

    /// Keeps a session that was read after `read` was given out, unless it changed in the meantime.
    pub fn insert(&self, read: Reading, token: TokenHash, live: Arc<LiveSession>) {
        if self.changes.is_current(read, &token, &live) {
            live.kept_under.get_or_init(|| token);
            self.entries.insert(token, Entry::weighed(live, read));
        }
    }

    /// Notes under which hash a session is kept, so that [`Self::key_of`] finds it.
    pub(super) fn note_key(&self, id: Uuid, token: TokenHash) {
        let most = usize::try_from(self.entries.capacity() / COMMON_SIZE).unwrap_or(usize::MAX).max(1);
        self.keys.get_or_init(|| Cache::new(most)).insert(id, token);
    }

    /// The hash under which a session was kept last.
    pub(super) fn key_of(&self, id: Uuid) -> Option<TokenHash> {
        self.keys.get()?.get(&id)
    }

    /// Whether this very session is kept.
    pub(crate) fn keeps(&self, live: &LiveSession) -> bool {
        self.entry_of(live).is_some()
    }

    /// Weighs a session again where it is kept, because something else is kept of it than before.
    pub(crate) fn weigh_again(&self, live: &LiveSession) {
        while let Some((token, entry)) = self.entry_of(live) {
            let weighed = Entry::weighed(entry.live, entry.read);
            // One that was taken out in the meantime stays out. Another thread that weighed it before may come after this one, so it is
            // looked at once more.
            if weighed.weight == entry.weight || self.entries.replace(token, weighed, true).is_err() {
                break;
            }
        }
    }

    /// Where this very session is kept. That it is looked at here does not make it worth more.
    fn entry_of(&self, live: &LiveSession) -> Option<(TokenHash, Entry)> {
        let token = live.kept_under.get()?;
        let entry = self.entries.peek(token)?;
        std::ptr::eq(Arc::as_ptr(&entry.live), live).then_some((*token, entry))
    }

    /// What was read up to now about this token is no longer good.
    pub fn drop_token(&self, token: &TokenHash) {
        self.changes.note(mark_of_token(token));
    }

    /// Drops what is kept of a token that is refused where sessions are kept, and its session. Returns the session's id.
    /// A token of which nothing is kept changes nothing, so nobody makes others be asked about by making tokens up.
    pub(super) fn drop_refused(&self, token: &TokenHash) -> Option<Uuid> {
        let (_, entry) = self.entries.remove(token)?;
        self.drop_token(token);
        self.drop_session(entry.live.session.id);
        Some(entry.live.session.id)
    }

    /// What was read up to now about this session is no longer good.
    pub fn drop_session(&self, id: Uuid) {
        self.changes.note(mark_of(id));
    }

    /// What was read up to now about this identity is no longer good: its sessions, its credentials.
    pub fn drop_identity(&self, id: Uuid) {
        self.changes.note(mark_of(id));
    }

    /// Nothing that was read up to now is good any more.
    pub fn drop_all(&self) {
        self.changes.note_all();
        self.entries.clear();
    }

    /// Drops what is worth nothing any more.
    pub fn invalidate(&self, invalidation: &Invalidation) {
        match invalidation {
            Invalidation::Token(token) => self.drop_token(token),
            Invalidation::Session(id) => self.drop_session(*id),
            Invalidation::Identity(id) => self.drop_identity(*id),
            Invalidation::Everything => self.drop_all(),
            // They are no part of a session.
            Invalidation::Configuration | Invalidation::KeySets => {}
        }
    }
}

impl CommitListener for SessionCache {
    fn name(&self) -> &'static str {
        "session cache"
    }

    /// Drops what the changes touch, uncertain ones too.
    fn told(&self, changes: &[Change], _: Outcome) {
        for invalidation in changes.iter().filter_map(Invalidation::of) {
            self.invalidate(&invalidation);
        }
    }
}

/// The numbers of changes, and where they were left.
struct Changes {
    latest: AtomicU64,
    /// The newest change of everything.
    all: AtomicU64,
    marks: Box<[AtomicU64]>,
}

impl Changes {
    fn new() -> Self {
        let marks = (0..MARKS).map(|_| AtomicU64::new(0)).collect();
        Self { latest: AtomicU64::new(0), all: AtomicU64::new(0), marks }
    }

    fn note(&self, mark: usize) {
        let number = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        self.marks[mark].fetch_max(number, Ordering::SeqCst);
    }

    fn note_all(&self) {
        let number = self.latest.fetch_add(1, Ordering::SeqCst) + 1;
        self.all.fetch_max(number, Ordering::SeqCst);
    }

    fn is_current(&self, read: Reading, token: &TokenHash, live: &LiveSession) -> bool {
        let newest = |mark: usize| self.marks[mark].load(Ordering::SeqCst);
        self.all.load(Ordering::SeqCst) <= read.0
            && newest(mark_of_token(token)) <= read.0
            && newest(mark_of(live.session.id)) <= read.0
            && newest(mark_of(live.session.identity_id)) <= read.0
    }
}

fn mark_of_token(token: &TokenHash) -> usize {
    usize::from(u16::from_le_bytes([token.as_bytes()[0], token.as_bytes()[1]]))
}

/// Sessions and identities share the marks. Their ids are random; those of elsewhere may be counted up,
/// so all bytes take part.
fn mark_of(id: Uuid) -> usize {
    let (high, low) = id.as_u64_pair();
    // The golden ratio spreads neighbours over the whole range (Knuth, volume 3, section 6.4).
    let spread = (high ^ low.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48;
    usize::try_from(spread).unwrap_or_default()
}

const _: () = assert!(MARKS == 1 << 16, "marks are found by 16 bits");

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
