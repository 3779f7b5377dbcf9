//! The life of the keys in a managed set, as plain data and a clock.
//!
//! A set that rotates by itself must never make a verifier refuse a good token. That holds when every
//! key is published long enough before it signs, and stays published long enough after. This crate
//! holds that rule and nothing else; it has no keys, no storage and no clock of its own. All nodes read the
//! same data, so they come to the same conclusion without a leader.
//!
//! | state | published | signs | private half |
//! |---|---|---|---|
//! | [`State::Prepared`] | yes | not yet | kept |
//! | [`State::Active`] | yes | yes | kept |
//! | [`State::Retiring`] | yes | no longer | destroyed once no node can sign with it any more |
//! | [`State::Retired`] | no | no | destroyed |
//! | [`State::Revoked`] | no | no | destroyed |
//!
//! [`Schedule`] answers which key is in which state at a time, what is [due](Schedule::due), and
//! makes the changes that people ask for ([`Schedule::rotate`], [`Schedule::revoke`]).
//! [`Timing`] holds the times that the rule is made of.

mod schedule;
mod timing;

pub use schedule::{Entry, Key, RevokeError, Revoked, Schedule, State, Step};
pub use timing::{Timing, TimingError};
