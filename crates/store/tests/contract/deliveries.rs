//! Entries of the record on their way to sinks.

use std::time::Duration;

use sessera_model::Uuid;
use sessera_store::{
    Change, Conflict, Delivery, DeliveryPage, NewDelivery, SinkState, Store, Taken, TakingSink,
};

use super::audit::entry;
use super::{at, one};

/// A store with a sink that has begun and a record of a few entries behind its beginning.
async fn begun(store: &dyn Store, entries: i64) {
    // What was in the record before is none of its business.
    store.commit(&[Change::Record(vec![entry(0, None)])]).await.unwrap();
    store.chain_audit(10).await.unwrap();
    store.commit(&[Change::BeginSink { sink: "s".into(), at: at(0) }]).await.unwrap();
    let all = (1..=entries).map(|second| entry(second, None)).collect();
    store.commit(&[Change::Record(all)]).await.unwrap();
    store.chain_audit(100).await.unwrap();
    store.commit(&[Change::BeginSink { sink: "s".into(), at: at(0) }]).await.unwrap();
}

fn taking(node: u128, second: i64) -> TakingSink {
    let now = at(second);
    TakingSink { sink: "s".into(), node: Uuid::from_u128(node), now, until: now + Duration::from_secs(30) }
}

/// Takes a part of the record, of which each entry is about a subject.
fn taken(from: i64, to: i64, subjects: &[&str]) -> Change {
    let deliveries = (from + 1..).zip(subjects);
    let deliveries =
        deliveries.map(|(number, subject)| NewDelivery { number, subject: (*subject).to_owned() });
    Change::TakeFromRecord(Taken { sink: "s".into(), from, to, deliveries: deliveries.collect(), at: at(10) })
}

async fn due(store: &dyn Store, second: i64, limit: u32) -> Vec<i64> {
    let found = store.due_deliveries("s", at(second), limit).await.unwrap();
    found.iter().map(|delivery| delivery.entry.number).collect()
}

async fn listed(store: &dyn Store, given_up: Option<bool>, after: i64) -> Vec<Delivery> {
    let page = DeliveryPage { sink: "s".into(), given_up, after, limit: 2 };
    store.deliveries(&page).await.unwrap()
}

fn numbers(deliveries: &[Delivery]) -> Vec<i64> {
    deliveries.iter().map(|delivery| delivery.entry.number).collect()
}

fn delivered(numbers: &[i64]) -> Change {
    Change::Delivered { sink: "s".into(), numbers: numbers.to_vec() }
}

fn failed(number: i64, due: Option<i64>) -> Change {
    Change::DeliveryFailed { sink: "s".into(), number, due_at: due.map(at), problem: "it is away".into() }
}

fn replay(after: Option<i64>) -> Change {
    Change::Replay { sink: "s".into(), after, at: at(50) }
}

async fn state(store: &dyn Store) -> SinkState {
    store.sinks().await.unwrap().remove(0)
}

pub(crate) async fn a_sink_is_taken_by_one_node_at_a_time_and_begins_where_the_record_was(store: &dyn Store) {
    assert_eq!(store.take_sink(&taking(1, 0)).await.unwrap(), None, "it has not begun");
    begun(store, 2).await;
    assert_eq!(store.take_sink(&taking(1, 0)).await.unwrap(), Some(1));
    assert_eq!(store.take_sink(&taking(2, 29)).await.unwrap(), None);
    assert_eq!(store.take_sink(&taking(1, 29)).await.unwrap(), Some(1), "its own it may take again");
    assert_eq!(store.take_sink(&taking(2, 58)).await.unwrap(), None);
    assert_eq!(store.take_sink(&taking(2, 59)).await.unwrap(), Some(1));
}

pub(crate) async fn deliveries_go_one_after_the_other_where_they_are_about_the_same(store: &dyn Store) {
    begun(store, 6).await;
    assert_eq!(one(store, taken(1, 7, &["a", "b", "a", "b", "c"])).await, None);
    assert_eq!(one(store, taken(1, 7, &["a"])).await, Some(Conflict::Changed), "it was taken");
    assert_eq!(due(store, 9, 10).await, [0_i64; 0]);
    assert_eq!(due(store, 10, 10).await, [2, 3, 6]);
    assert_eq!(due(store, 10, 2).await, [2, 3]);
    store.commit(&[delivered(&[3, 6]), failed(2, Some(20))]).await.unwrap();
    assert_eq!(due(store, 10, 10).await, [5], "nothing overtakes the one that failed");
    assert_eq!(due(store, 20, 10).await, [2, 5]);
    let first = store.due_deliveries("s", at(20), 1).await.unwrap().remove(0);
    assert_eq!((first.attempts, first.since, first.due_at), (1, at(10), Some(at(20))));
    assert_eq!((first.problem.as_deref(), first.entry.content.as_str()), (Some("it is away"), "{\"n\":1}"));
    store.commit(&[failed(2, None)]).await.unwrap();
    assert_eq!(due(store, 20, 10).await, [4, 5], "what was given up holds up nothing");
    assert_eq!(
        state(store).await,
        SinkState {
            sink: "s".into(),
            number: 7,
            waiting: 2,
            given_up: 1,
            oldest: Some(at(10)),
            problem: None,
        }
    );
}

pub(crate) async fn what_was_given_up_is_listed_and_delivered_once_more(store: &dyn Store) {
    assert_eq!(one(store, replay(None)).await, Some(Conflict::Missing));
    begun(store, 4).await;
    store.commit(&[taken(1, 5, &["a", "a", "a", "a"]), failed(2, None), failed(4, None)]).await.unwrap();
    assert_eq!(numbers(&listed(store, None, 0).await), [2, 3]);
    assert_eq!(numbers(&listed(store, None, 3).await), [4, 5]);
    assert_eq!(numbers(&listed(store, Some(true), 2).await), [4]);
    assert_eq!(numbers(&listed(store, Some(false), 0).await), [3, 5]);
    store.commit(&[replay(None)]).await.unwrap();
    assert_eq!(due(store, 50, 10).await, [2], "in the order of the record");
    assert_eq!(state(store).await.given_up, 0);
    store.commit(&[delivered(&[2, 3, 4, 5]), replay(Some(3))]).await.unwrap();
    assert_eq!(state(store).await.number, 3);
    assert_eq!(one(store, taken(3, 5, &["a", "a"])).await, None);
    assert_eq!(due(store, 50, 10).await, [4]);
    store.commit(&[replay(Some(9))]).await.unwrap();
    assert_eq!(state(store).await.number, 5, "nothing is left out");
}

pub(crate) async fn what_waits_is_tried_at_once_when_that_is_asked_for(store: &dyn Store) {
    begun(store, 5).await;
    let all = ["a", "a", "b", "c", "d"];
    store
        .commit(&[taken(1, 6, &all), failed(2, Some(900)), failed(4, Some(40)), failed(5, None)])
        .await
        .unwrap();
    store.commit(&[failed(6, Some(900))]).await.unwrap();
    let hasten = |numbers| Change::Hasten { sink: "s".into(), numbers, at: at(50) };
    store.commit(&[hasten(3..=5)]).await.unwrap();
    assert_eq!(due(store, 50, 10).await, [4], "the others are none of those");
    store.commit(&[hasten(i64::MIN..=i64::MAX)]).await.unwrap();
    assert_eq!(due(store, 50, 10).await, [2, 4, 6], "what was given up stays, and nothing overtakes");
    let waiting = store.due_deliveries("s", at(50), 10).await.unwrap();
    let known = |place: usize| (waiting[place].attempts, waiting[place].since, waiting[place].due_at);
    assert_eq!((known(0), known(1)), ((1, at(10), Some(at(50))), (1, at(10), Some(at(40)))));
    store.commit(&[failed(2, Some(900)), replay(None)]).await.unwrap();
    let waiting = store.due_deliveries("s", at(50), 10).await.unwrap();
    let known: Vec<_> = waiting.iter().map(|one| (one.entry.number, one.attempts, one.since)).collect();
    assert_eq!(known, [(2, 2, at(10)), (4, 1, at(10)), (5, 0, at(50)), (6, 1, at(10))]);
    assert_eq!(waiting[0].problem.as_deref(), Some("it is away"));
    assert_eq!(waiting[2].problem, None);
}

pub(crate) async fn sinks_are_forgotten_and_what_is_swept_is_delivered_no_more(store: &dyn Store) {
    begun(store, 2).await;
    store.take_sink(&taking(1, 0)).await.unwrap();
    store.commit(&[taken(1, 3, &["a", "b"])]).await.unwrap();
    assert_eq!(store.sweep_audit(at(2), 10).await.unwrap(), 2);
    assert_eq!(numbers(&listed(store, None, 0).await), [3]);
    let forget = |but: &[&str], second| Change::ForgetSinks {
        but: but.iter().map(|&name| name.to_owned()).collect(),
        wanted_since: at(second) - Duration::from_secs(10),
        at: at(second),
    };
    store.commit(&[forget(&["s", "t"], 60), forget(&[], 29)]).await.unwrap();
    assert_eq!(store.sinks().await.unwrap().len(), 1, "it is wanted, or a node has it");
    store.commit(&[Change::BeginSink { sink: "s".into(), at: at(50) }, forget(&[], 60)]).await.unwrap();
    assert_eq!(
        store.sinks().await.unwrap().len(),
        1,
        "it was wanted lately, by somebody with a newer configuration"
    );
    store.commit(&[forget(&["t"], 61)]).await.unwrap();
    assert!(store.sinks().await.unwrap().is_empty());
    assert!(listed(store, None, 0).await.is_empty());
}
