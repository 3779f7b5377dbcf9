//! Limits against abuse: how often one client may ask, and how fast passwords may be guessed.
//!
//! A client is its address; of IPv6 the network of 64 bits, which is what one subscriber gets. Failed
//! sign-ins count for a pair of account and client, so nobody can lock out a person who signs in from
//! elsewhere. The counters are this node's own and bounded: when there are too many, the oldest are
//! forgotten. What guards codes is counted in the store (see [`crate::codes`]), because a code
//! can be tried at every node.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sessera_model::Timestamp;

/// How many counters of a kind are kept at the most, in two generations.
const MAX_COUNTERS: usize = 100_000;

/// How long the last failure is remembered.
const REMEMBER: Duration = Duration::from_hours(1);

/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_mins(15);

/// What the configuration says about limits. Zero switches one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRules {
    /// How many forms one client may submit in a minute.
    pub requests_per_minute: u32,
    /// How many wrong passwords are free before pauses begin.
    pub free_failures: u32,
    /// How many codes a person is sent in an hour.
    pub codes_per_hour: u32,
}

impl Default for LimitRules {
    fn default() -> Self {
        Self { requests_per_minute: 1200, free_failures: 5, codes_per_hour: 10 }
    }
}

/// The counters of this node.
#[derive(Debug, Default)]
pub struct Limits {
    /// Keeps outsiders from choosing accounts that share a counter.
    hasher: RandomState,
    requests: Mutex<Counters<Bucket>>,
    failures: Mutex<Counters<Failures>>,
}

/// What one client has left of its minute.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// How many requests are left, in millionths.
    left: u64,
    /// When that was so.
    at: Timestamp,
}

/// Wrong passwords for one account from one client.
#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    last: Timestamp,
    /// When the next attempt is looked at.
    next: Timestamp,
}

/// Account and client, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair(u64);

impl Limits {
    /// Counts a request. The error is the time after which the next one is taken.
    pub fn request(&self, rules: LimitRules, client: IpAddr, now: Timestamp) -> Result<(), Duration> {
        const ONE: u64 = 1_000_000;
        let rate = u64::from(rules.requests_per_minute);
        if rate == 0 {
            return Ok(());
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket =
            requests.entry(self.hasher.hash_one(network(client)), || Bucket { left: rate * ONE, at: now });
        // `rate` requests a minute are `rate / 60` millionths in a microsecond.
        let passed = u64::try_from(now.since(bucket.at).as_micros()).unwrap_or(u64::MAX);
        bucket.left = bucket.left.saturating_add(passed.saturating_mul(rate) / 60).min(rate * ONE);
        bucket.at = now;
        match bucket.left.checked_sub(ONE) {
            Some(left) => {
                bucket.left = left;
                Ok(())
            }
            None => Err(Duration::from_micros((ONE - bucket.left) * 60 / rate)),
        }
    }

    /// The counter for wrong passwords.
    pub fn pair(&self, account: &str, client: IpAddr) -> Pair {
        Pair(self.hasher.hash_one((account, network(client))))
    }

    /// Asks whether a password may be tried. The error is the time after which it may. While pauses are
    /// on, attempts at the same time are one attempt: the others wait.
    pub fn attempt(&self, rules: LimitRules, pair: Pair, now: Timestamp) -> Result<(), Duration> {
        if rules.free_failures == 0 {
            return Ok(());
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(known) = failures.get(pair.0) else { return Ok(()) };
        if known.last + REMEMBER <= now {
            failures.remove(pair.0);
            return Ok(());
        }
        if known.count < rules.free_failures {
            return Ok(());
        }
        if now < known.next {
            return Err(known.next.since(now));
        }
        known.next = now + pause(known.count - rules.free_failures);
        Ok(())
    }

    /// Counts a wrong password.
    pub fn failed(&self, rules: LimitRules, pair: Pair, now: Timestamp) {
        if rules.free_failures == 0 {
            return;
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let known = failures.entry(pair.0, Failures::default);
        known.count = known.count.saturating_add(1);
        known.last = now;
        if let Some(paid) = known.count.checked_sub(rules.free_failures) {
            known.next = now + pause(paid);
        }
    }

    /// Forgets the wrong passwords before a right one.
    pub fn succeeded(&self, pair: Pair) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(pair.0);
    }
}

/// 1 s, 2 s, 4 s and so on.
fn pause(paid: u32) -> Duration {
    1_u64.checked_shl(paid).map_or(MAX_PAUSE, Duration::from_secs).min(MAX_PAUSE)
}

/// What counts as one client.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// A bounded map. When the younger half is full, it becomes the older one, and the older one is dropped.
#[derive(Debug)]
struct Counters<T> {
    young: HashMap<u64, T>,
    old: HashMap<u64, T>,
}

impl<T> Default for Counters<T> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<T> Counters<T> {
    /// A counter, which moves to the younger half.
    fn get(&mut self, key: u64) -> Option<&mut T> {
        match self.old.remove(&key) {
            Some(known) => Some(self.entry(key, || known)),
            None => self.young.get_mut(&key),
        }
    }

    fn entry(&mut self, key: u64, new: impl FnOnce() -> T) -> &mut T {
        let known = self.old.remove(&key);
        if self.young.len() >= MAX_COUNTERS / 2 && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(key).or_insert_with(|| known.unwrap_or_else(new))
    }

    fn remove(&mut self, key: u64) {
        self.young.remove(&key);
        self.old.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const RULES: LimitRules = LimitRules { requests_per_minute: 60, free_failures: 3, codes_per_hour: 1 };

    fn client(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_client_has_its_minute() {
        let limits = Limits::default();
        for _ in 0..60 {
            assert_eq!(limits.request(RULES, client(1), NOW), Ok(()));
        }
        assert_eq!(limits.request(RULES, client(1), NOW), Err(Duration::from_secs(1)));
        assert_eq!(limits.request(RULES, client(2), NOW), Ok(()), "others have their own");
        let later = NOW + Duration::from_millis(500);
        assert_eq!(limits.request(RULES, client(1), later), Err(Duration::from_millis(500)));
        let later = NOW + Duration::from_secs(2);
        assert_eq!(limits.request(RULES, client(1), later), Ok(()));
        assert_eq!(limits.request(RULES, client(1), later), Ok(()));
        assert!(limits.request(RULES, client(1), later).is_err());
        let off = LimitRules { requests_per_minute: 0, ..RULES };
        assert_eq!(limits.request(off, client(1), later), Ok(()));
    }

    #[test]
    fn the_defaults_allow_ten_sign_ins_a_second_from_one_address() {
        let limits = Limits::default();
        for at in 0..6000 {
            let now = NOW + Duration::from_millis(at * 100);
            assert_eq!(limits.request(LimitRules::default(), client(1), now), Ok(()));
        }
    }

    #[test]
    fn pauses_grow_with_every_wrong_password() {
        let limits = Limits::default();
        let pair = limits.pair("ada", client(1));
        for _ in 0..3 {
            assert_eq!(limits.attempt(RULES, pair, NOW), Ok(()));
            limits.failed(RULES, pair, NOW);
        }
        let mut now = NOW;
        for pause in [1, 2, 4, 8] {
            let pause = Duration::from_secs(pause);
            assert_eq!(limits.attempt(RULES, pair, now), Err(pause));
            now = now + pause;
            assert_eq!(limits.attempt(RULES, pair, now), Ok(()));
            assert!(limits.attempt(RULES, pair, now).is_err(), "one at a time");
            limits.failed(RULES, pair, now);
        }
        for _ in 0..100 {
            limits.failed(RULES, pair, now);
        }
        assert_eq!(limits.attempt(RULES, pair, now), Err(MAX_PAUSE));
        assert_eq!(limits.attempt(RULES, pair, now + REMEMBER), Ok(()), "in the end it is forgotten");
        let off = LimitRules { free_failures: 0, ..RULES };
        assert_eq!(limits.attempt(off, pair, now), Ok(()));
    }

    #[test]
    fn a_right_password_begins_anew_and_others_are_not_locked_out() {
        let limits = Limits::default();
        let (ada, elsewhere) = (limits.pair("ada", client(1)), limits.pair("ada", client(2)));
        for _ in 0..9 {
            limits.failed(RULES, ada, NOW);
        }
        assert_eq!(limits.attempt(RULES, elsewhere, NOW), Ok(()));
        assert_eq!(limits.attempt(RULES, limits.pair("bob", client(1)), NOW), Ok(()));
        assert!(limits.attempt(RULES, ada, NOW).is_err());
        limits.succeeded(ada);
        assert_eq!(limits.attempt(RULES, ada, NOW), Ok(()));
    }

    #[test]
    fn a_network_of_64_bits_is_one_client() {
        let limits = Limits::default();
        let of = |address: &str| limits.pair("ada", address.parse().expect("is an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn memory_is_bounded_and_what_is_in_use_stays() {
        let mut counters = Counters::default();
        for key in 0..1_000_000 {
            *counters.entry(key, || 0) += 1;
            *counters.entry(u64::MAX, || 0) += 1;
        }
        assert!(counters.young.len() + counters.old.len() <= MAX_COUNTERS);
        assert_eq!(counters.get(u64::MAX), Some(&mut 1_000_000));
        assert_eq!(counters.get(0), None);
    }
}
