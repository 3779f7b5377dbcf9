//! Counters against abuse.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use sessera_store::{Change, Conflict, Counter, CounterKey, Store};

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
    let outcomes = attempts.iter().map(|attempt| store.commit(std::slice::from_ref(attempt)));
    let mut under_way: Vec<_> = outcomes.collect();
    let mut taken = 0;
    poll_fn(|context| {
        under_way.retain_mut(|attempt| match attempt.as_mut().poll(context) {
            Poll::Pending => true,
            Poll::Ready(outcome) => {
                taken += usize::from(outcome.is_ok());
                false
            }
        });
        if under_way.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    assert_eq!(taken, 2);
}
