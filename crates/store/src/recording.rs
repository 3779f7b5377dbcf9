//! How events become entries of the record. Those of changes are written with the changes. Those that changed nothing are
//! written a moment later, and of those that are alike in what was done, by whom, to what and from where, the further ones are
//! counted. What differs in any of that is not counted together, so that no entry hides another one, unless there is more in a
//! minute than is told apart.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use sessera_model::{Clock, Random, Timestamp, Uuid};

use crate::asked::Asked;
use crate::audit::NewEntry;
use crate::event::{Described, Event};

/// How many events that are alike get entries of their own within [`WINDOW`].
const FEW: u64 = 10;

/// For how long events that are alike are counted together.
const WINDOW: Duration = Duration::from_secs(60);

/// How many events are told apart, and how many entries wait, at the most.
const MOST: usize = 10_000;

/// Makes entries of events.
pub(crate) struct Recording {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Keeps outsiders from choosing events that are taken for alike.
    hasher: RandomState,
    waiting: Mutex<Waiting>,
}

/// Entries of what changed nothing, which are written soon.
#[derive(Default)]
struct Waiting {
    entries: Vec<NewEntry>,
    /// By a hash of what was done, by whom and to what, and by the client.
    counted: HashMap<(u64, Option<IpAddr>), Counted>,
}

/// Events that are alike.
struct Counted {
    since: Timestamp,
    seen: u64,
    /// The last one that got no entry.
    last: Option<(Option<Uuid>, Map<String, Value>)>,
}

impl Recording {
    pub(crate) fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random, hasher: RandomState::new(), waiting: Mutex::default() }
    }

    /// The entries about events that follow from changes.
    pub(crate) fn entries(&self, events: &[Event]) -> Vec<NewEntry> {
        if events.is_empty() {
            return Vec::new();
        }
        let (asked, now) = (Asked::now(), self.clock.now());
        let entry = |(event, place): (&Event, u64)| {
            let (identity_id, content) = content(event, asked.as_ref());
            // Each one is told a moment after the one before, because ids follow the time.
            self.entry(now + Duration::from_micros(place), identity_id, content)
        };
        events.iter().zip(0..).map(entry).collect()
    }

    fn entry(&self, at: Timestamp, identity_id: Option<Uuid>, content: Map<String, Value>) -> NewEntry {
        NewEntry::new(&*self.random, at, identity_id, Value::from(content).to_string())
    }

    /// Notes an event that changed nothing.
    pub(crate) fn note(&self, event: &Event) {
        let (asked, now) = (Asked::now(), self.clock.now());
        let (identity_id, content) = content(event, asked.as_ref());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { entries, counted } = &mut *waiting;
        let alike = ["action", "outcome", "actor"].map(|part| content.get(part).map(Value::to_string));
        let alike =
            (alike, about(&content).map(|(name, value)| (name, value.to_string())).collect::<Vec<_>>());
        let mut key = (self.hasher.hash_one(alike), asked.and_then(|asked| asked.address));
        if counted.len() >= MOST && !counted.contains_key(&key) {
            key = (self.hasher.hash_one(event.described().name), None);
        }
        let known = counted.entry(key).or_insert(Counted { since: now, seen: 0, last: None });
        known.seen += 1;
        if known.seen <= FEW && entries.len() < MOST {
            entries.push(self.entry(now, identity_id, content));
        } else {
            known.last = Some((identity_id, content));
        }
    }

    /// Takes what is to be written now: entries that wait, and the numbers of those whose time is over.
    pub(crate) fn take(&self) -> Vec<NewEntry> {
        let now = self.clock.now();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Waiting { entries, counted } = &mut *waiting;
        let mut taken = std::mem::take(entries);
        counted.retain(|_, known| {
            let is_over = now.since(known.since) >= WINDOW;
            if is_over && let Some((identity_id, mut content)) = known.last.take() {
                // It tells of all of them, and each may be of another flow.
                let about: Map<_, _> =
                    about(&content).map(|(name, value)| (name.clone(), value.clone())).collect();
                content.insert("about".into(), about.into());
                content.insert("count".into(), known.seen.saturating_sub(FEW).into());
                taken.push(self.entry(now, identity_id, content));
            }
            !is_over
        });
        taken
    }

    /// Puts entries back that could not be written.
    pub(crate) fn put_back(&self, mut entries: Vec<NewEntry>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        entries.append(&mut waiting.entries);
        entries.truncate(MOST);
        waiting.entries = entries;
    }
}

/// Whom and what an entry is about, but for what its sender chooses anew each time: whoever guesses begins a flow for each
/// guess.
fn about(content: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let members = content.get("about").and_then(Value::as_object).into_iter().flatten();
    members.filter(|(name, _)| *name != "flow_id")
}

/// What an entry says about an event, and whom it is about.
fn content(event: &Event, asked: Option<&Asked>) -> (Option<Uuid>, Map<String, Value>) {
    let Described { name, is_refusal, fields, .. } = event.described();
    let identity_id = event.identity_id();
    let mut content = Map::new();
    content.insert("action".into(), name.into());
    content.insert("outcome".into(), if is_refusal { "refused" } else { "done" }.into());
    content.insert("actor".into(), Asked::by(asked));
    content
        .insert("about".into(), fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
    if let Some(Asked { request_id, address, user_agent, .. }) = asked {
        let request = json!({ "id": request_id, "address": address, "user_agent": user_agent });
        content.insert("request".into(), request);
    }
    (identity_id, content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FlowKind;
    use sessera_model::{Actor, FixedClock, Role, SystemRandom};

    fn recording() -> (Recording, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1_800_000_000)));
        (Recording::new(clock.clone(), Arc::new(SystemRandom::default())), clock)
    }

    fn read(entry: &NewEntry) -> Value {
        serde_json::from_str(&entry.content).unwrap()
    }

    #[tokio::test]
    async fn an_entry_says_who_did_what_by_which_request() {
        let (recording, _) = recording();
        let ada = Uuid::from_u128(7);
        let made = Event::AdminTokenMade { name: "ci".into(), role: Role::Viewer };
        let added = Event::IdentityAdded { identity_id: ada };
        let asked = Asked {
            request_id: "r1".into(),
            address: Some([10, 0, 0, 1].into()),
            user_agent: "curl/8".into(),
            ..Asked::default()
        };
        let actor = Actor::Token { name: "me".into(), role: Role::Owner };
        let entries = Asked { actor: Some(actor), ..asked.clone() }
            .during(async { recording.entries(std::slice::from_ref(&made)) })
            .await;
        assert_eq!(
            read(&entries[0]),
            json!({
                "action": "admin_token_made", "outcome": "done",
                "actor": {"kind": "token", "name": "me", "role": "owner"},
                "about": {"name": "ci", "role": "viewer"},
                "request": {"id": "r1", "address": "10.0.0.1", "user_agent": "curl/8"},
            })
        );
        let others = asked.during(async { recording.entries(&[added.clone(), made.clone()]) }).await;
        assert_eq!((others[0].identity_id, others[1].identity_id), (Some(ada), None));
        assert_eq!(read(&others[0])["actor"], json!({"kind": "nobody"}));
        assert_eq!(read(&recording.entries(&[added])[0])["actor"], json!({"kind": "system"}));
        assert!(recording.entries(&[]).is_empty());
    }

    #[test]
    fn guesses_are_alike_in_whichever_flow_they_are_made() {
        let (recording, clock) = recording();
        let guess = |flow: u64, about: u128| Event::ProofRefused {
            flow: Some((FlowKind::Login, Uuid::from_u128(flow.into()))),
            identity_id: Some(Uuid::from_u128(about)),
            method: "password".into(),
        };
        for flow in 0..FEW + 20 {
            recording.note(&guess(flow, 1));
        }
        recording.note(&guess(0, 2));
        let written = recording.take();
        assert_eq!(written.len() as u64, FEW + 1, "guesses at another account have entries of their own");
        assert_eq!(read(&written[1])["about"]["flow_id"], json!(Uuid::from_u128(1)));
        clock.advance(WINDOW);
        let counted = recording.take();
        let about = json!({"identity_id": Uuid::from_u128(1), "flow": "login", "method": "password"});
        assert_eq!((counted.len(), &read(&counted[0])["count"]), (1, &json!(20)));
        assert_eq!(read(&counted[0])["about"], about, "it is about no flow alone");
    }

    #[tokio::test]
    async fn what_would_flood_the_record_is_counted() {
        let (recording, clock) = recording();
        let refused = Event::AdminRefused { what: "GET /admin/keys".into() };
        let from = |address: [u8; 4]| Asked { address: Some(address.into()), ..Asked::default() };
        for _ in 0..FEW + 90 {
            from([10, 0, 0, 1]).during(async { recording.note(&refused) }).await;
        }
        from([10, 0, 0, 2]).during(async { recording.note(&refused) }).await;
        let written = recording.take();
        assert_eq!(written.len() as u64, FEW + 1, "another client has its own");
        assert!(written.iter().all(|entry| read(entry).get("count").is_none()));
        assert!(recording.take().is_empty());
        clock.advance(WINDOW);
        let written = recording.take();
        assert_eq!(written.len(), 1);
        assert_eq!(
            (&read(&written[0])["count"], &read(&written[0])["outcome"]),
            (&json!(90), &json!("refused"))
        );
        let by = |name: &str| Asked {
            actor: Some(Actor::Token { name: name.into(), role: Role::Viewer }),
            ..from([10, 0, 0, 1])
        };
        for _ in 0..FEW {
            by("a").during(async { recording.note(&refused) }).await;
        }
        let other = Event::AdminRefused { what: "DELETE /admin/keys/{set}".into() };
        for (who, what) in [("b", &refused), ("a", &other)] {
            by(who).during(async { recording.note(what) }).await;
        }
        assert_eq!(recording.take().len() as u64, FEW + 2, "others, and what others do, have their own");
        recording.put_back(written);
        from([10, 0, 0, 1]).during(async { recording.note(&refused) }).await;
        assert_eq!(recording.take().len(), 2, "it begins anew");
    }
}
