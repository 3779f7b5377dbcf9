//! A managed set: its keys, their states, and what changes them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessera_model::{GoDuration, Timestamp};

use crate::timing::{Timing, TimingError};

/// A key as the rule sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its id.
    pub kid: String,
    /// When it was made, which is when nodes began to publish it.
    pub published_at: Timestamp,
    /// When it begins to sign.
    pub activates_at: Timestamp,
    /// When it was found to be compromised, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// The longest life of a token that it may have signed.
    pub max_ttl: GoDuration,
    /// Whether the private half still exists.
    pub has_private: bool,
}

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The key is published and does not sign yet.
    Prepared,
    /// The key signs.
    Active,
    /// The key is published and no longer signs.
    Retiring,
    /// The key is no longer published; its public half is kept for audits.
    Retired,
    /// The key was compromised and was taken out at once.
    Revoked,
}

impl State {
    /// The word for the state on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    /// Whether verifiers are shown the key.
    pub const fn is_published(self) -> bool {
        matches!(self, Self::Prepared | Self::Active | Self::Retiring)
    }
}

/// When each key of a managed set is published, signs and ends: the set without its key material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// How long a key signs.
    pub period: GoDuration,
    /// The latest time at which the set was changed. The set never acts as if it were earlier, so a
    /// clock that jumps back re-activates nothing.
    pub floor: Timestamp,
    /// All keys, in the order in which they were made.
    pub keys: Vec<Key>,
}

/// Something that has to be done to a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make a key and publish it. It signs from `activates_at` on.
    Prepare {
        /// When it begins to sign.
        activates_at: Timestamp,
    },
    /// Destroy the private half of a key: no node can sign with it any more.
    DestroyPrivate {
        /// The id of the key.
        kid: String,
    },
}

/// What a key's life looks like from now on: a state that it enters, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The id of the key.
    pub kid: String,
    /// When it enters the state.
    pub at: Timestamp,
    /// The state.
    pub state: State,
}

/// What a revocation means for those who verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// The time until which verifiers may accept the key's tokens, because they keep the set they fetched
    /// before.
    pub accepted_until: Timestamp,
    /// The key that signs now. When it is absent, a key must be made that signs at once.
    pub signer: Option<String>,
}

/// A key cannot be revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevokeError {
    /// There is no such key.
    #[error("the set has no key \"{0}\"")]
    NoSuchKey(String),
    /// The key was revoked before.
    #[error("the key \"{kid}\" was revoked at {at} already")]
    Already {
        /// The id of the key.
        kid: String,
        /// When it was revoked.
        at: Timestamp,
    },
}

impl Schedule {
    /// A set that has no key yet. What is [due](Self::due) in it is a key that signs at once.
    pub fn new(period: GoDuration, timing: &Timing, now: Timestamp) -> Result<Self, TimingError> {
        timing.check(period)?;
        Ok(Self { period, floor: now, keys: Vec::new() })
    }

    /// A set of keys that exist already, in their owner's order. The first one signed and goes on signing,
    /// and the others are retiring from now on.
    pub fn adopt(
        kids: &[String],
        period: GoDuration,
        max_ttl: GoDuration,
        timing: &Timing,
        now: Timestamp,
    ) -> Result<Self, TimingError> {
        let mut set = Self::new(period, timing, now)?;
        for kid in kids.iter().rev() {
            set.add(kid.clone(), now, max_ttl, now);
        }
        Ok(set)
    }

    /// The time that counts, which is the clock's but never earlier than the last change.
    pub fn at(&self, clock: Timestamp) -> Timestamp {
        clock.max(self.floor)
    }

    /// The key that signs. Of the keys that are not revoked it is the one whose activation passed last.
    pub fn active(&self, clock: Timestamp) -> Option<&Key> {
        self.position_of_active(self.at(clock)).map(|position| &self.keys[position])
    }

    fn position_of_active(&self, now: Timestamp) -> Option<usize> {
        (0..self.keys.len())
            .filter(|position| {
                let key = &self.keys[*position];
                key.revoked_at.is_none() && key.activates_at <= now
            })
            .max_by_key(|position| (self.keys[*position].activates_at, *position))
    }

    /// When another key took a key's place, which is the first activation after its own that really happened.
    fn succeeded_at(&self, position: usize, now: Timestamp) -> Option<Timestamp> {
        let own = (self.keys[position].activates_at, position);
        self.keys
            .iter()
            .enumerate()
            .filter(|(other, key)| (key.activates_at, *other) > own && key.activates_at <= now)
            .filter(|(_, key)| key.revoked_at.is_none_or(|revoked| revoked > key.activates_at))
            .map(|(_, key)| key.activates_at)
            .min()
    }

    /// The state of the key at a position of [`Schedule::keys`].
    fn state_at(&self, position: usize, now: Timestamp, timing: &Timing) -> State {
        let key = &self.keys[position];
        if key.revoked_at.is_some() {
            return State::Revoked;
        }
        if key.activates_at > now {
            return State::Prepared;
        }
        if self.position_of_active(now) == Some(position) {
            return State::Active;
        }
        let succeeded = self.succeeded_at(position, now).unwrap_or(key.activates_at);
        if now < succeeded + timing.retention(key.max_ttl.get()) { State::Retiring } else { State::Retired }
    }

    /// All keys with their states, in the order in which they were made.
    pub fn states(&self, clock: Timestamp, timing: &Timing) -> Vec<(&Key, State)> {
        let now = self.at(clock);
        self.keys.iter().enumerate().map(|(at, key)| (key, self.state_at(at, now, timing))).collect()
    }

    /// The keys that verifiers are shown.
    pub fn published(&self, clock: Timestamp, timing: &Timing) -> Vec<&Key> {
        let states = self.states(clock, timing).into_iter();
        states.filter(|(_, state)| state.is_published()).map(|(key, _)| key).collect()
    }

    /// What has to be done now, in the order in which it has to be done. Once that is done, the list is
    /// empty.
    pub fn due(&self, clock: Timestamp, timing: &Timing) -> Vec<Step> {
        let now = self.at(clock);
        let mut steps = Vec::new();
        match self.position_of_active(now) {
            None => steps.push(Step::Prepare { activates_at: now }),
            Some(active) => {
                let prepared = self.keys.iter().any(|key| key.revoked_at.is_none() && key.activates_at > now);
                if !prepared {
                    let planned = self.keys[active].activates_at + self.period.get();
                    steps.push(Step::Prepare { activates_at: planned.max(now + timing.notice()) });
                }
            }
        }
        for (position, key) in self.keys.iter().enumerate().filter(|(_, key)| key.has_private) {
            let dead = key.revoked_at.is_some()
                || (self.position_of_active(now) != Some(position)
                    && self
                        .succeeded_at(position, now)
                        .is_some_and(|succeeded| now >= succeeded + timing.drain()));
            if dead {
                steps.push(Step::DestroyPrivate { kid: key.kid.clone() });
            }
        }
        steps
    }

    /// Adds a key that was made for a [`Step::Prepare`]. `max_ttl` is the longest life of a token that
    /// any template could sign with the set at this time.
    pub fn add(&mut self, kid: String, activates_at: Timestamp, max_ttl: GoDuration, clock: Timestamp) {
        let now = self.touch(clock);
        self.keys.push(Key {
            kid,
            published_at: now,
            activates_at: activates_at.max(now),
            revoked_at: None,
            max_ttl,
            has_private: true,
        });
    }

    /// Notes that the private half of a key was destroyed.
    pub fn destroyed(&mut self, kid: &str, clock: Timestamp) {
        self.touch(clock);
        for key in self.keys.iter_mut().filter(|key| key.kid == kid) {
            key.has_private = false;
        }
    }

    /// Lets the next key sign as soon as all verifiers can know it, and returns when that is.
    /// A set without a prepared key has no next one, so do what is due first.
    pub fn rotate(&mut self, clock: Timestamp, timing: &Timing) -> Option<Timestamp> {
        let now = self.touch(clock);
        let next = self
            .keys
            .iter_mut()
            .filter(|key| key.revoked_at.is_none() && key.activates_at > now)
            .min_by_key(|key| key.activates_at)?;
        let earliest = now.max(next.published_at + timing.notice());
        // A key that is planned to sign even earlier keeps its plan.
        next.activates_at = next.activates_at.min(earliest);
        Some(next.activates_at)
    }

    /// Takes a compromised key out at once. If it was the one that signs, the prepared one signs from now on.
    pub fn revoke(&mut self, kid: &str, clock: Timestamp, timing: &Timing) -> Result<Revoked, RevokeError> {
        let now = self.at(clock);
        let position = self.keys.iter().position(|key| key.kid == kid);
        let position = position.ok_or_else(|| RevokeError::NoSuchKey(kid.to_owned()))?;
        if let Some(at) = self.keys[position].revoked_at {
            return Err(RevokeError::Already { kid: kid.to_owned(), at });
        }
        self.touch(clock);
        let was_active = self.position_of_active(now) == Some(position);
        self.keys[position].revoked_at = Some(now);
        if was_active {
            let next = self
                .keys
                .iter_mut()
                .filter(|key| key.revoked_at.is_none() && key.activates_at > now)
                .min_by_key(|key| key.activates_at);
            match next {
                Some(next) => next.activates_at = now,
                // An older key would count as the latest one now. It was taken out of service, so nothing
                // signs.
                None => return Ok(self.revoked(position, None, now, timing)),
            }
        }
        let signer = self.position_of_active(now).map(|active| self.keys[active].kid.clone());
        Ok(self.revoked(position, signer, now, timing))
    }

    fn revoked(&self, position: usize, signer: Option<String>, now: Timestamp, timing: &Timing) -> Revoked {
        let tokens = timing.lease.get() + self.keys[position].max_ttl.get();
        let sets = timing.lease.get() + timing.max_age.get();
        Revoked { accepted_until: now + tokens.min(sets) + timing.skew.get(), signer }
    }

    /// Raises the longest life of tokens of all keys that may still sign. Returns whether that changed
    /// anything.
    pub fn raise_max_ttl(&mut self, max_ttl: GoDuration, clock: Timestamp) -> bool {
        let mut raised = false;
        let may_sign = |key: &&mut Key| key.revoked_at.is_none() && key.has_private;
        for key in self.keys.iter_mut().filter(may_sign).filter(|key| key.max_ttl < max_ttl) {
            key.max_ttl = max_ttl;
            raised = true;
        }
        if raised {
            self.touch(clock);
        }
        raised
    }

    /// Puts off the activation of prepared keys until they have been published for as long as these times
    /// ask, which may be longer than the times by which they were planned. Returns whether that changed
    /// anything.
    pub fn put_off(&mut self, clock: Timestamp, timing: &Timing) -> bool {
        let now = self.at(clock);
        let mut changed = false;
        for key in self.keys.iter_mut().filter(|key| key.revoked_at.is_none() && key.activates_at > now) {
            let earliest = key.published_at + timing.notice();
            if key.activates_at < earliest {
                key.activates_at = earliest;
                changed = true;
            }
        }
        if changed {
            self.touch(clock);
        }
        changed
    }

    /// Every state that a key will enter, ordered by time.
    pub fn timeline(&self, clock: Timestamp, timing: &Timing) -> Vec<Entry> {
        let now = self.at(clock);
        let mut entries = Vec::new();
        let mut enters = |key: &Key, at: Timestamp, state: State| {
            if at > now {
                entries.push(Entry { kid: key.kid.clone(), at, state });
            }
        };
        for (position, key) in self.keys.iter().enumerate().filter(|(_, key)| key.revoked_at.is_none()) {
            enters(key, key.activates_at, State::Active);
            if let Some(succeeded) = self.succeeded_at(position, Timestamp::MAX) {
                enters(key, succeeded, State::Retiring);
                enters(key, succeeded + timing.retention(key.max_ttl.get()), State::Retired);
            }
        }
        entries.sort_by(|a, b| (a.at, &a.kid).cmp(&(b.at, &b.kid)));
        entries
    }

    /// How long verifiers may keep what is published now, which never reaches beyond the next planned
    /// removal.
    pub fn max_age(&self, clock: Timestamp, timing: &Timing) -> Duration {
        let now = self.at(clock);
        let removal = self.timeline(clock, timing).into_iter().find(|entry| entry.state == State::Retired);
        removal.map_or(timing.max_age.get(), |entry| timing.max_age.get().min(entry.at.since(now)))
    }

    /// Moves the floor to now and returns the time that counts.
    fn touch(&mut self, clock: Timestamp) -> Timestamp {
        self.floor = self.at(clock);
        self.floor
    }
}

#[cfg(test)]
mod tests;
