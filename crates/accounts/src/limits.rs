//! Limits against abuse: how often one client may ask, and how fast passwords and codes may be guessed.
//!
//! A client is its address; of IPv6 the network of 64 bits, which is what one subscriber gets. Requests are counted
//! in this node's memory, which is bounded: when there are too many counters, the oldest are forgotten. Where several
//! nodes share a database, it counts them as well. What a client leaves behind ([`crate::left_behind`]) is counted in
//! memory alone, so on each node by itself. Guesses are counted in the store alone
//! ([`sessera_store::counter`]), where each takes its place before it is looked at.
//!
//! | what is guessed | counts for |
//! |---|---|
//! | a password | account and client together, so nobody can lock out a person who signs in from elsewhere, and the client whatever the account |
//! | a code by e-mail, of an app or printed | the account, and the client whatever the account |
//! | who has an address, by taking it oneself, where nobody is told | the account that would take it, and the client whatever the account |

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sessera_config::network;
use sessera_model::{Timestamp, Uuid};
use sessera_store::{Allowance, Change, Counter, CounterKey};

use crate::keys::{Keys, Purpose};
use crate::left_behind::Left;

/// How many counters of requests are kept at the most, in two generations.
const MAX_COUNTERS: usize = 100_000;

/// How many times as many wrong codes as one account one client has free: several people may share an address.
const ACCOUNTS_OF_A_CLIENT: u32 = 4;

/// How many times as many wrong passwords as one account one client has in an hour, whatever the accounts: a whole
/// company may share an address, and whoever tries one password on many accounts comes to an end.
const WRONG_PASSWORDS_OF_A_CLIENT: u32 = 60;

/// What the configuration says about limits. Zero switches one off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRules {
    /// How many requests that leave something behind one client may make in a minute.
    pub requests_per_minute: u32,
    /// How many wrong passwords or codes are free before pauses begin.
    pub free_failures: u32,
    /// How many codes a person is sent in an hour.
    pub codes_per_hour: u32,
    /// How many bytes one client may leave behind in an hour.
    pub bytes_per_hour: u64,
}

impl Default for LimitRules {
    fn default() -> Self {
        Self {
            requests_per_minute: 1200,
            free_failures: 5,
            codes_per_hour: 10,
            bytes_per_hour: 32 * 1024 * 1024,
        }
    }
}

/// The counters of this node.
#[derive(Debug, Default)]
pub struct Limits {
    /// Keeps outsiders from choosing clients that share a counter.
    hasher: RandomState,
    requests: Mutex<Counters<Counter>>,
    left: Mutex<Counters<Left>>,
}

impl Limits {
    /// Whether a client may leave something behind. The error is the time after which it may.
    pub fn room(&self, rules: LimitRules, client: IpAddr, now: Timestamp) -> Result<(), Duration> {
        if rules.bytes_per_hour == 0 {
            return Ok(());
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.entry(self.hasher.hash_one(network(client)), Left::default).room(rules.bytes_per_hour, now)
    }

    /// Counts what a client has left behind, in bytes, or has taken away.
    pub fn left(&self, rules: LimitRules, client: IpAddr, bytes: i64, now: Timestamp) {
        if bytes == 0 || rules.bytes_per_hour == 0 {
            return;
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = left.entry(self.hasher.hash_one(network(client)), Left::default);
        of_client.add(bytes, rules.bytes_per_hour, now);
    }

    /// Counts a request. The error is the time after which the next one is taken.
    pub fn request(&self, rules: LimitRules, client: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let Some(allowance) = requests(rules) else { return Ok(()) };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = requests.entry(self.hasher.hash_one(network(client)), Counter::default);
        counter.take(allowance, now)
    }
}

/// How many requests one client may make. `None`: any number.
const fn requests(rules: LimitRules) -> Option<Allowance> {
    match rules.requests_per_minute {
        0 => None,
        per_minute => Some(Allowance::Requests { per_minute }),
    }
}

/// The change that counts a request of a client for all nodes, where there is a limit.
pub fn shared_request(keys: &Keys, rules: LimitRules, client: IpAddr, now: Timestamp) -> Option<Change> {
    let counter = (key(keys, &["request", &network(client).to_string()]), requests(rules)?);
    Some(Change::TakeAttempt { counters: vec![counter], at: now })
}

/// The change that counts a code that is sent for something, where there is a limit. It counts for the person, whatever
/// the address, and for the address, whoever says that it is theirs. Nobody is known who signs up.
pub fn sent_code(
    keys: &Keys,
    rules: LimitRules,
    purpose: &str,
    identity_id: Option<Uuid>,
    address: &str,
    now: Timestamp,
) -> Option<Change> {
    let most = Some(rules.codes_per_hour).filter(|most| *most > 0)?;
    let owner = identity_id.map(|id| key(keys, &["sent", purpose, &id.to_string()]));
    let counters = owner.into_iter().chain([key(keys, &["sent to", purpose, address])]);
    let counters = counters.map(|key| (key, Allowance::InAnHour { most })).collect();
    Some(Change::TakeAttempt { counters, at: now })
}

/// What somebody may be guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess<'a> {
    /// The password of whoever signs in with this identifier, which is in its one form.
    Password(&'a str),
    /// A code that was sent to this address, which is in its one form, whether anybody has it or not.
    MailedCode(&'a str),
    /// A code that somebody was given by hand, or has as a second factor.
    CodeOf(Uuid),
    /// An address or name that somebody wants for their account, which tells them whether another person has it.
    IdentifierFor(Uuid),
}

/// The counters at which a guess counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuessCounters {
    /// The counter of the account, or of account and client. It is forgotten when the guess was right.
    own: Option<(CounterKey, Allowance)>,
    /// The counter of the client.
    client: Option<(CounterKey, Allowance)>,
}

impl GuessCounters {
    /// Those of a guess that a client makes. Where the client is not known, only the account counts.
    pub fn of(guess: Guess<'_>, client: Option<IpAddr>, keys: &Keys, rules: LimitRules) -> Self {
        let free = rules.free_failures;
        if free == 0 {
            return Self { own: None, client: None };
        }
        let client = client.map(|address| network(address).to_string());
        let owner = match guess {
            Guess::Password(identifier) => {
                client.as_deref().map(|client| key(keys, &["password", identifier, client]))
            }
            Guess::MailedCode(address) => Some(key(keys, &["code to", address])),
            Guess::CodeOf(identity_id) => Some(key(keys, &["code of", &identity_id.to_string()])),
            Guess::IdentifierFor(identity_id) => {
                Some(key(keys, &["identifier for", &identity_id.to_string()]))
            }
        };
        let of_several = Allowance::Guesses { free: free.saturating_mul(ACCOUNTS_OF_A_CLIENT) };
        let (what, all) = match guess {
            Guess::Password(_) => (
                "passwords from",
                Allowance::InAnHour { most: free.saturating_mul(WRONG_PASSWORDS_OF_A_CLIENT) },
            ),
            Guess::MailedCode(_) | Guess::CodeOf(_) => ("codes from", of_several),
            Guess::IdentifierFor(_) => ("identifiers from", of_several),
        };
        Self {
            own: owner.map(|key| (key, Allowance::Guesses { free })),
            client: client.map(|client| (key(keys, &[what, &client]), all)),
        }
    }

    /// The counters, which are none where nothing is limited.
    pub fn counters(&self) -> Vec<(CounterKey, Allowance)> {
        self.own.iter().chain(&self.client).copied().collect()
    }

    /// The changes after a right guess: the account begins anew, and the client has one place more.
    pub fn after_right(&self) -> Vec<Change> {
        let own = self.own.iter().map(|(key, _)| Change::ForgetAttempts(*key));
        let client = self.client.iter().map(|(key, _)| Change::GiveBackAttempt(vec![*key]));
        own.chain(client).collect()
    }

    /// The changes after a guess that could not be looked at.
    pub fn given_back(&self) -> Vec<Change> {
        let keys: Vec<CounterKey> = self.counters().into_iter().map(|(key, _)| key).collect();
        if keys.is_empty() { Vec::new() } else { vec![Change::GiveBackAttempt(keys)] }
    }
}

fn key(keys: &Keys, parts: &[&str]) -> CounterKey {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    CounterKey(keys.make(Purpose::Counter, &parts))
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
    fn entry(&mut self, key: u64, new: impl FnOnce() -> T) -> &mut T {
        let known = self.old.remove(&key);
        if self.young.len() >= MAX_COUNTERS / 2 && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(key).or_insert_with(|| known.unwrap_or_else(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
    const RULES: LimitRules =
        LimitRules { requests_per_minute: 60, free_failures: 3, codes_per_hour: 1, bytes_per_hour: 1 << 20 };

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
        let off = LimitRules { requests_per_minute: 0, ..RULES };
        assert_eq!(limits.request(off, client(1), NOW), Ok(()));
        assert_eq!(shared_request(&Keys::new(&[]), off, client(1), NOW), None);
    }

    #[test]
    fn the_defaults_allow_ten_sign_ins_a_second_from_one_address() {
        let limits = Limits::default();
        // To begin a flow is a request, and to submit it another one.
        for at in 0..12_000 {
            let now = NOW + Duration::from_millis(at * 50);
            assert_eq!(limits.request(LimitRules::default(), client(1), now), Ok(()));
        }
    }

    fn counters(guess: Guess<'_>, client: &str) -> Vec<(CounterKey, Allowance)> {
        let keys = Keys::new(&["secret".into()]);
        GuessCounters::of(guess, client.parse().ok(), &keys, RULES).counters()
    }

    #[test]
    fn a_wrong_password_counts_for_account_and_client_together_and_for_the_client() {
        let [ada, from] = counters(Guess::Password("ada"), "192.0.2.1")[..] else {
            panic!("not two counters")
        };
        assert_eq!((ada.1, from.1), (Allowance::Guesses { free: 3 }, Allowance::InAnHour { most: 180 }));
        assert_eq!(counters(Guess::Password("bob"), "192.0.2.1")[1], from, "whatever the account");
        assert_ne!(counters(Guess::Password("ada"), "192.0.2.2")[1], from);
        for (who, client) in [("ada", "192.0.2.2"), ("bob", "192.0.2.1")] {
            assert_ne!(counters(Guess::Password(who), client)[0], ada, "{who} {client}");
        }
        assert_eq!(counters(Guess::Password("ada"), ""), [], "nobody is locked out for all");
    }

    #[test]
    fn a_wrong_code_counts_for_the_account_and_for_the_client() {
        let (ada, bob) = (Guess::MailedCode("ada@example.org"), Guess::MailedCode("bob@example.org"));
        let [account, from] = counters(ada, "192.0.2.1")[..] else { panic!("not two counters") };
        assert_eq!((account.1, from.1), (Allowance::Guesses { free: 3 }, Allowance::Guesses { free: 12 }));
        assert_eq!(counters(ada, "192.0.2.2")[0], account);
        assert_eq!(counters(bob, "192.0.2.1")[1], from);
        assert_eq!(counters(Guess::CodeOf(Uuid::nil()), "192.0.2.1")[1], from, "whatever the code");
        assert_ne!(counters(bob, "192.0.2.1")[0], account);
        assert_eq!(counters(ada, ""), [account]);
    }

    #[test]
    fn a_network_of_64_bits_is_one_client() {
        let of = |client: &str| counters(Guess::Password("ada"), client);
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }

    #[test]
    fn limits_can_be_switched_off() {
        let off = LimitRules { free_failures: 0, ..RULES };
        let none = GuessCounters::of(Guess::Password("ada"), Some(client(1)), &Keys::new(&[]), off);
        assert!(none.counters().is_empty() && none.after_right().is_empty() && none.given_back().is_empty());
    }

    #[test]
    fn memory_is_bounded_and_what_is_in_use_stays() {
        let mut counters = Counters::default();
        for key in 0..1_000_000 {
            *counters.entry(key, || 0) += 1;
            *counters.entry(u64::MAX, || 0) += 1;
        }
        assert!(counters.young.len() + counters.old.len() <= MAX_COUNTERS);
        assert_eq!(*counters.entry(u64::MAX, || 0), 1_000_000);
        assert_eq!(*counters.entry(0, || 0), 0);
    }
}
