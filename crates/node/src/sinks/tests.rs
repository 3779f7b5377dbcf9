//! Sinks on a database, with receivers that do as they are told and a clock that stands still.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use prometheus::Opts;
use serde_json::{Value, json};
use sessera_accounts::hooks::caller::{HookRequest, Refusal, Reply, Unanswered};
use sessera_issuer::Templates;
use sessera_model::{FixedClock, Random, Timestamp};
use sessera_store::NewEntry;
use sessera_testing::TestStore;

use super::*;
use crate::snapshot::Snapshot;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver, which refuses what is about some people or everything, and keeps what it took.
#[derive(Default)]
struct Receiver {
    taken: Mutex<Vec<Value>>,
    refused: Mutex<Vec<&'static str>>,
    asked: Mutex<usize>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiver {
    /// The numbers of the entries that it took, in the order in which it took them.
    fn numbers(&self) -> Vec<i64> {
        lock(&self.taken).iter().map(|body| body["data"]["number"].as_i64().unwrap()).collect()
    }

    fn refuse(&self, people: &[&'static str]) {
        *lock(&self.refused) = people.to_vec();
    }
}

#[async_trait]
impl HookCaller for Receiver {
    async fn call(&self, request: &HookRequest) -> Result<Reply, Unanswered> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        *lock(&self.asked) += 1;
        let person = body["data"]["about"]["identity_id"].as_str().unwrap_or_default();
        if lock(&self.refused).iter().any(|refused| *refused == person || *refused == "*") {
            return Ok(Reply::Troubled("it answered with the status 500".into()));
        }
        lock(&self.taken).push(body);
        Ok(Reply::Well)
    }
}

struct World {
    store: Arc<dyn Store>,
    clock: Arc<FixedClock>,
    random: Arc<dyn Random>,
    receiver: Arc<Receiver>,
    snapshots: Snapshots,
    _folder: tempfile::TempDir,
}

fn snapshot(sinks: &Value) -> Snapshot {
    let config = Config::from_tree(&json!({"events": {"sinks": sinks}})).unwrap();
    Snapshot::compile(config, &[], &Templates::default()).unwrap()
}

impl World {
    async fn with(sink: Value) -> Self {
        let TestStore { store, clock, random, folder } = TestStore::open().await.unwrap();
        let mut sink = sink;
        sink["url"] = json!("https://receiver.example/");
        sink["secret"] = json!([SECRET]);
        let snapshots = Snapshots::new(snapshot(&json!({ "s": sink })));
        let world = Self { store, clock, random, receiver: Arc::default(), snapshots, _folder: folder };
        world.node().begin(&world.snapshots.load().config).await.unwrap();
        world
    }

    /// A node that may tell the sinks.
    fn node(&self) -> Arc<Sinks> {
        let opts = |name: &str| Opts::new(name, name);
        let numbers = SinkNumbers {
            outcomes: IntCounterVec::new(opts("outcomes"), &["sink", "outcome"]).unwrap(),
            waiting: IntGaugeVec::new(opts("waiting"), &["sink"]).unwrap(),
            given_up: IntGaugeVec::new(opts("given_up"), &["sink"]).unwrap(),
        };
        Arc::new(Sinks {
            store: self.store.clone(),
            committer: Committer::new(self.store.clone(), vec![]),
            clock: self.clock.clone(),
            snapshots: self.snapshots.clone(),
            lease: Arc::default(),
            sender: self.receiver.clone(),
            numbers,
            node: self.random.uuid(),
        })
    }

    /// Enters into the record what is about people, one after the other.
    async fn happens(&self, action: &str, people: &[&str]) {
        let entry = |(person, place): (&&str, u64)| {
            let content = json!({
                "action": action, "outcome": "done", "actor": {"kind": "system"}, "about": {"identity_id": person},
                "request": {"address": "10.0.0.7"},
            });
            let at = self.clock.now() + Duration::from_micros(place);
            NewEntry::new(&*self.random, at, None, content.to_string())
        };
        let entries = people.iter().zip(0..).map(entry).collect();
        self.store.commit(&[Change::Record(entries)]).await.unwrap();
        self.store.chain_audit(1000).await.unwrap();
    }

    async fn state(&self) -> SinkState {
        self.store.sinks().await.unwrap().remove(0)
    }

    async fn look(&self, outlet: &mut Outlet) {
        let sink = self.snapshots.load().config.events.sinks["s"].clone();
        outlet.look(&sink).await.unwrap();
    }
}

#[tokio::test]
async fn a_sink_is_told_in_order_of_what_it_wants_from_its_beginning_on() {
    let world = World::with(json!({"events": ["session_began", "session_ended"]})).await;
    let node = world.node();
    let mut outlet = Outlet::new(node.clone(), "s".into());
    world.look(&mut outlet).await;
    world.happens("session_began", &["ada", "bob", "ada"]).await;
    world.happens("code_made", &["ada"]).await;
    world.happens("session_ended", &["ada"]).await;
    world.look(&mut outlet).await;
    let taken = lock(&world.receiver.taken).clone();
    assert_eq!(taken.len(), 4, "{taken:?}");
    let of_ada = taken.iter().filter(|body| body["data"]["about"]["identity_id"] == "ada");
    let numbers: Vec<_> = of_ada.map(|body| body["data"]["number"].as_i64().unwrap()).collect();
    assert_eq!(numbers, [1, 3, 5]);
    assert_eq!(taken[3]["type"], "session_ended");
    assert!(!taken[3].to_string().contains("10.0.0.7"), "where a request came from is not told");
    assert_eq!(world.state().await.waiting, 0);
    let delivered = node.numbers.outcomes.with_label_values(&["s", "delivered"]).get();
    assert_eq!(delivered, 4);
}

#[tokio::test]
async fn whoever_is_refused_holds_up_nobody_else_and_nothing_overtakes() {
    let world = World::with(json!({})).await;
    let mut outlet = Outlet::new(world.node(), "s".into());
    world.receiver.refuse(&["ada"]);
    world.happens("session_began", &["ada", "bob", "ada", "bob"]).await;
    world.look(&mut outlet).await;
    assert_eq!(world.receiver.numbers(), [2, 4]);
    world.receiver.refuse(&[]);
    world.look(&mut outlet).await;
    assert_eq!(world.receiver.numbers(), [2, 4], "not before its time");
    world.clock.advance(Duration::from_secs(5));
    world.look(&mut outlet).await;
    assert_eq!(world.receiver.numbers(), [2, 4, 1, 3]);
}

#[tokio::test]
async fn a_receiver_that_was_away_for_an_hour_misses_nothing_and_is_asked_ever_less() {
    let world = World::with(json!({})).await;
    let mut outlet = Outlet::new(world.node(), "s".into());
    world.receiver.refuse(&["*"]);
    for second in 0..3600 {
        if second % 600 == 0 {
            world.happens("session_began", &["ada", "bob"]).await;
        }
        world.clock.advance(Duration::from_secs(1));
        world.look(&mut outlet).await;
    }
    let asked = *lock(&world.receiver.asked);
    assert!(asked < 20, "{asked} attempts in an hour");
    let state = world.state().await;
    assert_eq!((state.waiting, state.given_up), (12, 0));
    assert_eq!(state.problem.as_deref(), Some("it answered with the status 500"));
    world.receiver.refuse(&[]);
    world.clock.advance(Duration::from_hours(1));
    world.look(&mut outlet).await;
    let numbers = world.receiver.numbers();
    let odd: Vec<_> = numbers.iter().filter(|number| **number % 2 == 1).copied().collect();
    assert_eq!((numbers.len(), odd), (12, vec![1, 3, 5, 7, 9, 11]));
}

/// How often is looked where the look itself is no matter, in seconds.
const LOOK: u64 = 5;

/// Looks until the receiver took more than so many messages, for an hour at the most.
async fn look_until_more(world: &World, outlet: &mut Outlet, taken: usize) {
    for _ in 0..3600 / LOOK {
        world.clock.advance(Duration::from_secs(LOOK));
        world.look(outlet).await;
        if world.receiver.numbers().len() > taken {
            return;
        }
    }
    panic!("it took nothing for an hour");
}

#[tokio::test]
async fn what_a_receiver_missed_is_sent_at_once_when_it_is_back_and_in_order() {
    let world = World::with(json!({})).await;
    let mut outlet = Outlet::new(world.node(), "s".into());
    world.happens("session_began", &["ada"]).await;
    world.look(&mut outlet).await;
    world.receiver.refuse(&["*"]);
    for look in 0..3600 / LOOK {
        if (look * LOOK).is_multiple_of(600) {
            world.happens("session_began", &["ada", "bob", "eve"]).await;
        }
        world.clock.advance(Duration::from_secs(LOOK));
        world.look(&mut outlet).await;
    }
    // It refuses some of it at first, as one does that is just beginning.
    world.receiver.refuse(&["bob"]);
    look_until_more(&world, &mut outlet, 1).await;
    let numbers = world.receiver.numbers();
    assert_eq!(numbers.len(), 13, "{numbers:?}");
    for person in [2, 1] {
        let of_one: Vec<_> = numbers.iter().filter(|number| **number % 3 == person % 3).copied().collect();
        assert!(of_one.is_sorted(), "{of_one:?}");
    }
    world.receiver.refuse(&[]);
    world.clock.advance(Duration::from_secs(30));
    world.look(&mut outlet).await;
    assert_eq!(world.receiver.numbers().len(), 19, "bob's were not left to their old waits");
}

#[tokio::test]
async fn a_node_that_begins_knows_nothing_of_a_receiver_and_sends_what_waits_when_it_takes_something() {
    let world = World::with(json!({})).await;
    let mut outlet = Outlet::new(world.node(), "s".into());
    world.receiver.refuse(&["ada"]);
    world.happens("session_began", &["ada", "bob"]).await;
    for _ in 0..5 {
        world.look(&mut outlet).await;
        world.clock.advance(Duration::from_secs(601));
    }
    world.receiver.refuse(&[]);
    let mut other = Outlet::new(world.node(), "s".into());
    world.look(&mut other).await;
    assert_eq!(world.receiver.numbers(), [2], "it is not due");
    world.happens("session_began", &["bob"]).await;
    world.look(&mut other).await;
    assert_eq!(world.receiver.numbers(), [2, 3, 1]);
}

#[tokio::test]
async fn what_is_refused_by_a_receiver_that_takes_other_messages_waits_ever_longer() {
    for (every, most) in [(10, 6), (300, 8)] {
        let world = World::with(json!({})).await;
        let mut outlet = Outlet::new(world.node(), "s".into());
        world.receiver.refuse(&["ada"]);
        world.happens("session_began", &["bob", "ada"]).await;
        world.look(&mut outlet).await;
        for look in 1..3600 / LOOK {
            if (look * LOOK).is_multiple_of(every) {
                world.happens("session_began", &["bob"]).await;
            }
            world.clock.advance(Duration::from_secs(LOOK));
            world.look(&mut outlet).await;
        }
        let tried = *lock(&world.receiver.asked) - world.receiver.numbers().len();
        assert!(tried <= most, "tried {tried} times in an hour beside one message in {every} seconds");
    }
}

#[tokio::test]
async fn a_replay_has_what_waits_tried_at_once() {
    let world = World::with(json!({})).await;
    let node = world.node();
    let mut outlet = Outlet::new(node.clone(), "s".into());
    world.receiver.refuse(&["*"]);
    world.happens("session_began", &["ada", "bob"]).await;
    for _ in 0..6 {
        world.clock.advance(Duration::from_secs(1900));
        world.look(&mut outlet).await;
    }
    world.receiver.refuse(&[]);
    world.clock.advance(LONGEST_TEST_QUIET);
    world.look(&mut outlet).await;
    assert!(world.receiver.numbers().is_empty(), "they wait for an hour");
    node.replay("s", None).await.unwrap();
    world.look(&mut outlet).await;
    let mut numbers = world.receiver.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2]);
}

#[tokio::test]
async fn what_nobody_takes_is_given_up_listed_and_sent_again_when_that_is_asked_for() {
    let world = World::with(json!({})).await;
    let node = world.node();
    let mut outlet = Outlet::new(node.clone(), "s".into());
    world.receiver.refuse(&["*"]);
    world.happens("session_began", &["ada", "ada", "bob"]).await;
    for _ in 0..30 {
        world.clock.advance(Duration::from_hours(1));
        world.look(&mut outlet).await;
    }
    let state = world.state().await;
    assert_eq!((state.waiting, state.given_up), (0, 3));
    assert_eq!(node.numbers.given_up.with_label_values(&["s"]).get(), 3);
    let page = DeliveryPage { sink: "s".into(), given_up: Some(true), after: 1, limit: 10 };
    let listed = node.deliveries(&page).await.unwrap();
    assert_eq!(listed.iter().map(|delivery| delivery.entry.number).collect::<Vec<_>>(), [2, 3]);
    world.receiver.refuse(&[]);
    world.look(&mut outlet).await;
    assert!(world.receiver.numbers().is_empty(), "nobody asked for it");
    node.replay("s", None).await.unwrap();
    world.look(&mut outlet).await;
    world.clock.advance(LONGEST_TEST_QUIET);
    world.look(&mut outlet).await;
    let mut numbers = world.receiver.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3]);
    node.replay("s", Some(1)).await.unwrap();
    world.clock.advance(LONGEST_TEST_QUIET);
    world.look(&mut outlet).await;
    assert_eq!(world.receiver.numbers().len(), 5, "everything behind the first one once more");
    assert!(matches!(node.replay("t", None).await, Err(SinkError::Unknown(_))));
}

/// Longer than a sink that takes nothing is left alone, and than a node has it without asking.
const LONGEST_TEST_QUIET: Duration = Duration::from_secs(61);

#[tokio::test]
async fn one_node_at_a_time_tells_a_sink_and_another_one_goes_on_where_it_was() {
    let world = World::with(json!({})).await;
    let (mut first, mut second) =
        (Outlet::new(world.node(), "s".into()), Outlet::new(world.node(), "s".into()));
    world.look(&mut first).await;
    world.happens("session_began", &["ada"]).await;
    world.look(&mut second).await;
    assert!(world.receiver.numbers().is_empty(), "the first one has it");
    world.look(&mut first).await;
    assert_eq!(world.receiver.numbers(), [1]);
    world.happens("session_ended", &["ada"]).await;
    world.clock.advance(Duration::from_secs(31));
    world.look(&mut second).await;
    assert_eq!(world.receiver.numbers(), [1, 2], "the first one is gone");
    world.look(&mut first).await;
    assert_eq!(world.receiver.numbers(), [1, 2]);
}

#[tokio::test]
async fn a_sink_that_is_configured_no_more_is_forgotten() {
    let world = World::with(json!({})).await;
    let node = world.node();
    let mut outlet = Outlet::new(node.clone(), "s".into());
    world.receiver.refuse(&["*"]);
    world.happens("session_began", &["ada"]).await;
    world.look(&mut outlet).await;
    world.snapshots.swap(snapshot(&json!({})));
    node.forget().await;
    assert_eq!(world.state().await.waiting, 1, "a node has it still");
    world.clock.advance(Duration::from_secs(31));
    node.forget().await;
    assert_eq!(world.state().await.waiting, 1, "this node may have an older configuration");
    world.clock.advance(Duration::from_secs(600));
    node.forget().await;
    assert!(world.store.sinks().await.unwrap().is_empty());
    assert!(world.store.due_deliveries("s", Timestamp::MAX, 10).await.unwrap().is_empty());
}

/// A receiver that never answers.
struct Silent;

#[async_trait]
impl HookCaller for Silent {
    async fn call(&self, _: &HookRequest) -> Result<Reply, Unanswered> {
        std::future::pending().await
    }
}

fn some_request() -> HookRequest {
    HookRequest {
        url: "https://receiver.example/".parse().unwrap(),
        addresses: sessera_config::reach::Addresses::Public,
        method: sessera_config::sections::request::Method::Post,
        headers: vec![],
        body: vec![],
        is_awaited: false,
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_does_not_answer_is_waited_for_for_a_while() {
    let problem = outlet::send(&Silent, &some_request(), false).await.unwrap_err();
    assert_eq!(problem, "it did not answer within 10s");
}

/// A receiver that always answers so.
struct Answers(Reply);

#[async_trait]
impl HookCaller for Answers {
    async fn call(&self, _: &HookRequest) -> Result<Reply, Unanswered> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_refusal_is_told_by_its_status_and_the_word_that_pushed_tokens_have_for_it() {
    let refusal = |body: &str| Refusal { said: "it answered with the status 400".into(), body: body.into() };
    let told = async |reply: Reply, is_pushed: bool| {
        outlet::send(&Answers(reply), &some_request(), is_pushed).await.unwrap_err()
    };
    let known = r#"{"err": "invalid_audience", "description": "<b>"}"#;
    let pushed = told(Reply::Refused(refusal(known)), true).await;
    assert_eq!(pushed, "it answered with the status 400 and the error invalid_audience");
    assert_eq!(told(Reply::Forbidden(refusal(known)), true).await, pushed);
    let long = format!(r#"{{"err": "{}"}}"#, "a".repeat(65));
    for (body, is_pushed) in [
        (known, false),
        ("", true),
        ("[]", true),
        (r#"{"err": ""}"#, true),
        (r#"{"err": "<script>"}"#, true),
        (r#"{"err": "a\nb"}"#, true),
        (r#"{"err": {"a": 1}}"#, true),
        (&long, true),
    ] {
        let told = told(Reply::Refused(refusal(body)), is_pushed).await;
        assert_eq!(told, "it answered with the status 400", "{body}");
    }
}

#[test]
fn every_event_can_be_named_in_the_configuration() {
    let source = include_str!("../../../store/src/event.rs");
    let named = source.lines().filter_map(|line| line.split_once("=> (\"")?.1.split_once("\", \""));
    let named: Vec<_> = named.map(|(name, _)| name).collect();
    assert_eq!(named, sessera_config::events::NAMES);
}
