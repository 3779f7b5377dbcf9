//! The record of what happened: entries that nobody changes, in one order, each of which proves those before it.
//!
//! An entry is written in the transaction of the change that it tells of, without a number, so that no commit waits for
//! another. Afterwards entries are put in order in batches ([`crate::Store::chain_audit`]): each gets the next number and a
//! hash of itself and of the hash before it. Whoever changes or removes an entry later would have to make all hashes behind
//! it anew, and the last one is known to whoever noted it.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use sessera_model::{Random, Timestamp, Uuid};

use crate::error::StoreError;

/// How many bits of an entry's id are random. Before them stands the time, so that ids follow it.
const RANDOM_BITS: u32 = 74;

/// How many entries are written by one statement, which takes a bounded number of values.
pub(crate) const AT_ONCE: usize = 1000;

/// An entry as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Its id, which follows the time.
    pub id: Uuid,
    /// When it happened.
    pub at: Timestamp,
    /// Whom it is about, as far as that is one identity.
    pub identity_id: Option<Uuid>,
    /// What happened, as JSON text without secrets.
    pub content: String,
}

impl NewEntry {
    /// An entry about something that happens now.
    pub fn new(random: &dyn Random, at: Timestamp, identity_id: Option<Uuid>, content: String) -> Self {
        let random = random.uuid().as_u128() >> (128 - RANDOM_BITS);
        let id = Uuid::from_u128(first_id(at).as_u128() | random);
        Self { id, at, identity_id, content }
    }
}

/// The id before which all entries from before a time lie, and none from later.
pub fn first_id(at: Timestamp) -> Uuid {
    let micros = u128::try_from(at.micros()).unwrap_or_default();
    // Times that ids do not reach come after all of them.
    Uuid::from_u128(if micros >> (128 - RANDOM_BITS) == 0 { micros << RANDOM_BITS } else { u128::MAX })
}

/// An entry that has its place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id, which follows the time.
    pub id: Uuid,
    /// Its number, which is one more than that of the entry before.
    pub number: i64,
    /// The hash of it and of all before it.
    pub hash: ChainHash,
    /// When it happened.
    pub at: Timestamp,
    /// Whom it is about, as far as that is one identity.
    pub identity_id: Option<Uuid>,
    /// What happened, as JSON text.
    pub content: String,
}

impl AuditEntry {
    /// Whether it is found by what it says. The hash is made of what an entry says, and entries are listed by columns beside
    /// that: the id, which follows the time, and whom it is about.
    #[must_use]
    pub fn is_found_by_what_it_says(&self) -> bool {
        let content: Value = serde_json::from_str(&self.content).unwrap_or_default();
        let about = content["about"]["identity_id"].as_str().and_then(|id| Uuid::parse_str(id).ok());
        let time = |id: Uuid| id.as_u128() >> RANDOM_BITS;
        self.identity_id == about && time(self.id) == time(first_id(self.at))
    }
}

/// The hash of an entry and of all before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// The hash of the entry that follows the one with this hash.
    #[must_use]
    pub fn followed_by(&self, number: i64, at: Timestamp, content: &str) -> Self {
        let numbers = [number.to_be_bytes(), at.micros().to_be_bytes()].concat();
        let hash = digest(&SHA256, &[&self.0, numbers.as_slice(), content.as_bytes()].concat());
        Self(std::array::from_fn(|place| hash.as_ref()[place]))
    }
}

/// A place in the order: the number of an entry and its hash. The one before the first entry has zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The number of the entry.
    pub number: i64,
    /// Its hash.
    pub hash: ChainHash,
}

impl Link {
    /// The place of the entry that follows.
    #[must_use]
    pub fn next(self, at: Timestamp, content: &str) -> Self {
        let number = self.number + 1;
        Self { number, hash: self.hash.followed_by(number, at, content) }
    }
}

/// How far the record reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// The last entry that is in order.
    pub last: Link,
    /// The last entry that was swept, which the first one that is kept follows.
    pub swept: Link,
}

impl Ends {
    /// The name under which they are stored.
    pub(crate) const NAME: &'static str = "audit_ends";

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let link = |link: Link| [link.number.to_be_bytes().as_slice(), &link.hash.0].concat();
        [link(self.last), link(self.swept)].concat()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let link = |bytes: &[u8]| {
            let (number, hash) = bytes.split_first_chunk::<8>()?;
            Some(Link { number: i64::from_be_bytes(*number), hash: ChainHash(hash.try_into().ok()?) })
        };
        let ends = bytes
            .split_at_checked(40)
            .and_then(|(last, swept)| Some(Self { last: link(last)?, swept: link(swept)? }));
        ends.ok_or_else(|| StoreError::Corrupt("the ends of the record cannot be read".into()))
    }
}

/// Which entries to list. They are those that are in order; an entry is soon after it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// Where to begin, and in which direction.
    pub from: AuditFrom,
    /// How many at the most.
    pub limit: u32,
}

/// Where a list of entries begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditFrom {
    /// At what happened last, by the ids of entries.
    Latest(Span),
    /// Behind the entry with this number, the oldest one first.
    After(i64),
}

/// A part of the record, of which the entries that are asked for are found without looking at others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// By what the entries are found.
    pub of: AuditOf,
    /// The id from which on they are listed.
    pub since: Uuid,
    /// The id before which they are listed.
    pub before: Uuid,
}

impl Span {
    /// The whole record.
    pub const ALL: Self = Self { of: AuditOf::All, since: Uuid::nil(), before: Uuid::max() };
}

/// By what entries are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditOf {
    /// Every entry.
    All,
    /// Those about an identity.
    Identity(Uuid),
    /// Those about a session.
    Session(Uuid),
    /// Those with this name.
    Action(String),
    /// Those by somebody with this name or id, or of this kind where there is neither.
    Actor(String),
    /// Those by admin tokens.
    Tokens,
    /// What was refused.
    Refusals,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use sessera_model::SystemRandom;

    #[test]
    fn every_part_of_an_entry_is_in_its_hash() {
        let at = Timestamp::from_seconds;
        let hash = ChainHash::default().followed_by(1, at(1), "a");
        assert_eq!(hash, ChainHash::default().followed_by(1, at(1), "a"));
        for other in [
            ChainHash::default().followed_by(2, at(1), "a"),
            ChainHash::default().followed_by(1, at(2), "a"),
            ChainHash::default().followed_by(1, at(1), "b"),
            hash.followed_by(1, at(1), "a"),
        ] {
            assert_ne!(hash, other);
        }
    }

    #[test]
    fn the_columns_by_which_an_entry_is_found_belong_to_it() {
        let (ada, at) = (Uuid::from_u128(7), Timestamp::from_seconds(1_700_000_000));
        let entry = |identity_id: Option<Uuid>, about: &str| {
            let content = format!("{{\"about\":{about}}}");
            let NewEntry { id, at, identity_id, content } =
                NewEntry::new(&SystemRandom::default(), at, identity_id, content);
            AuditEntry { id, number: 1, hash: ChainHash::default(), at, identity_id, content }
        };
        let of_ada = format!("{{\"identity_id\":\"{ada}\"}}");
        for good in [entry(Some(ada), &of_ada), entry(None, "{}"), entry(None, "{\"of\":\"7\"}")] {
            assert!(good.is_found_by_what_it_says(), "{good:?}");
            let later = AuditEntry { id: first_id(at + Duration::from_micros(1)), ..good };
            assert!(!later.is_found_by_what_it_says());
        }
        for wrong in [entry(None, &of_ada), entry(Some(ada), "{}"), entry(Some(Uuid::nil()), &of_ada)] {
            assert!(!wrong.is_found_by_what_it_says(), "{wrong:?}");
        }
    }

    #[test]
    fn ends_come_back_as_they_were_kept_and_ids_follow_the_time() {
        let last = Link { number: 7, hash: ChainHash([9; 32]) };
        let ends = Ends { last, swept: Link::default() };
        assert_eq!(Ends::from_bytes(&ends.to_bytes()).unwrap(), ends);
        assert_eq!(Ends::from_bytes(&[0; 80]).unwrap(), Ends::default());
        assert!(Ends::from_bytes(&[0; 79]).is_err());
        let random = SystemRandom::default();
        let id = |micros| NewEntry::new(&random, Timestamp::from_micros(micros), None, String::new()).id;
        assert!(id(1_700_000_000_000_000) < id(1_700_000_000_000_001));
        assert_ne!(id(1), id(1));
        let (before, after) = (id(1_700_000_000_000_000), id(1_700_000_000_000_001));
        let between = first_id(Timestamp::from_micros(1_700_000_000_000_001));
        assert!(before < between && between <= after);
        assert_eq!(first_id(Timestamp::from_micros(i64::MAX)), Uuid::max());
        assert_eq!(first_id(Timestamp::from_micros(-1)), Uuid::nil());
    }
}
