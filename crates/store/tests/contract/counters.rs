//! Counters against abuse.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use sessera_store::{Change, Conflict, Counter, CounterKey, Store, StoreError};

use super::{GUESSES, at, one};

pub(crate) async fn an_attempt_takes_its_place_at_all_counters_or_at_none(store: &dyn Store) {
    let (first, other) = (CounterKey([1; 32]), CounterKey([2; 32]));
    let take = |keys: &[CounterKey], seconds| Change::TakeAttempt {
        counters: keys.iter().map(|key| (*key, GUESSES)).collect(),
        at: at(seconds),
    };
    for _ in 0..2 {
        store.commit(&[take(&[first], 0)]).await.unwrap();
    }
    // There is no place left at the first one, so that the second one counts nothing.
    assert_eq!(one(store, take(&[other, first], 0)).await, Some(Conflict::Limited));
    let counters = store.counters(&[other, first]).await.unwrap();
    assert_eq!(counters, [Counter::default(), Counter { count: 2, at: at(0) }]);
    assert_eq!(counters[1].wait(GUESSES, at(0)), Duration::from_secs(1));
    store.commit(&[take(&[other, first], 1)]).await.unwrap();
    store.commit(&[Change::GiveBackAttempt(vec![first, other, CounterKey([3; 32])])]).await.unwrap();
    let counters = store.counters(&[first, other]).await.unwrap();
    assert_eq!(counters, [Counter { count: 2, at: at(1) }, Counter { count: 0, at: at(1) }]);
    store.commit(&[Change::ForgetAttempts(first), Change::ForgetAttempts(first)]).await.unwrap();
    assert_eq!(store.counters(&[first]).await.unwrap(), [Counter::default()]);
}

pub(crate) async fn no_more_attempts_find_a_place_at_once_than_one_after_the_other(store: &dyn Store) {
    let take = || Change::TakeAttempt { counters: vec![(CounterKey([1; 32]), GUESSES)], at: at(0) };
    let attempts: [Change; 24] = std::array::from_fn(|_| take());
    let outcomes = all_at_once(store, &attempts).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
}

pub(crate) async fn an_attempt_while_earlier_ones_are_forgotten_is_taken(store: &dyn Store) {
    let key = CounterKey([1; 32]);
    for round in 0..50 {
        store.commit(&[Change::ForgetAttempts(key)]).await.unwrap();
        let take = Change::TakeAttempt { counters: vec![(key, GUESSES)], at: at(100 * round) };
        let both = [Change::ForgetAttempts(key), take.clone(), Change::ForgetAttempts(key), take];
        for outcome in all_at_once(store, &both).await {
            outcome.unwrap();
        }
    }
}

/// Commits each of the changes by itself, all at the same time.
async fn all_at_once(store: &dyn Store, changes: &[Change]) -> Vec<Result<(), StoreError>> {
    let commits = changes.iter().map(|change| store.commit(std::slice::from_ref(change)));
    let mut under_way: Vec<Pin<Box<_>>> = commits.map(Box::pin).collect();
    let mut outcomes = Vec::new();
    poll_fn(|context| {
        under_way.retain_mut(|commit| match commit.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                outcomes.push(outcome);
                false
            }
        });
        if under_way.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outcomes
}
