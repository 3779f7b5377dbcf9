//! Places in the status lists of sessions that are kept elsewhere.

use sessera_model::{StatusIndex, Uuid};
use sessera_store::{Change, DueRechecks, Outstanding, Store};
use sessera_testing::at_once;

use super::{at, ended, person, session, uuid};

const WHOSE: Uuid = Uuid::from_u128(7);

fn place(id: Uuid) -> Change {
    Change::PlaceSession { id, identity_id: WHOSE, at: at(1) }
}

/// Takes two sessions that nobody asked about since `asked_before`, for ten seconds.
async fn take(store: &dyn Store, asked_before: i64, now: i64) -> Vec<Uuid> {
    let taking = DueRechecks { asked_before: at(asked_before), now: at(now), until: at(now + 10), limit: 2 };
    let mut taken = store.take_sessions_elsewhere(taking).await.unwrap();
    taken.sort_by_key(|one: &Outstanding| one.asked_at);
    taken.iter().map(|one| one.id).collect()
}

pub(crate) async fn a_session_elsewhere_is_given_one_place_for_ever(store: &dyn Store) {
    let ids: Vec<Uuid> = (0..8).map(|_| uuid()).collect();
    assert_eq!(store.place(ids[0]).await.unwrap(), None);
    // Nodes and requests race for the place of each.
    let changes: Vec<_> = ids.iter().flat_map(|id| [[place(*id)], [place(*id)]]).collect();
    for outcome in at_once(changes.iter().map(|changes| store.commit(changes))).await {
        outcome.unwrap();
    }
    let ada = person("ada@example.org");
    let own = session(&ada, "own", 0);
    store.commit(&[Change::InsertIdentity(ada), Change::InsertSession(own.clone())]).await.unwrap();
    let mut given = vec![store.session(own.session.id).await.unwrap().unwrap().0.status];
    for id in &ids {
        let index = store.place(*id).await.unwrap().unwrap().index;
        assert_eq!(store.session_elsewhere(index).await.unwrap(), Some(*id));
        given.push(index);
    }
    assert_eq!(store.session_elsewhere(given[0]).await.unwrap(), None, "it is one of our own");
    assert_eq!(store.session_elsewhere(StatusIndex::from_number(u64::MAX)).await.unwrap(), None);
    let count = given.len();
    given.sort();
    given.dedup();
    assert_eq!(given.len(), count, "no two sessions have the same, wherever they are kept");
}

pub(crate) async fn sessions_elsewhere_are_taken_by_one_at_a_time_and_the_longest_unasked_first(
    store: &dyn Store,
) {
    let [first, second, third] = [uuid(), uuid(), uuid()];
    for id in [first, second, third] {
        store.commit(&[place(id)]).await.unwrap();
    }
    assert!(take(store, 0, 1).await.is_empty(), "they were asked about when they were given their places");
    let both = take(store, 1, 2).await;
    assert_eq!(both.len(), 2);
    let rest = take(store, 1, 2).await;
    assert_eq!(rest.len(), 1, "two are taken");
    assert!(take(store, 1, 11).await.is_empty());
    store.commit(&[Change::LiveElsewhere { ids: both.clone(), at: at(5) }]).await.unwrap();
    assert_eq!(take(store, 9, 12).await[0], rest[0], "nobody has said anything about it");
    assert_eq!(take(store, 4, 30).await, rest, "the others are known to have been live then");
}

pub(crate) async fn sessions_elsewhere_that_are_over_are_refused_until_they_are_swept(store: &dyn Store) {
    let [live, over] = [uuid(), uuid()];
    store.commit(&[place(live), place(over)]).await.unwrap();
    let refused = async |id: Uuid| {
        let place = store.place(id).await.unwrap().unwrap().index.position();
        let list = store.status_list(0, at(500)).await.unwrap().unwrap();
        list[place as usize / 8] >> (place % 8) & 1 == 1
    };
    assert!(!refused(live).await && !refused(over).await);
    for second in [20, 90] {
        let end = Change::EndElsewhere { id: over, identity_id: WHOSE, at: at(second) };
        store.commit(&[end]).await.unwrap();
    }
    assert!(!refused(live).await && refused(over).await);
    assert_eq!(take(store, 100, 100).await, [live], "nobody asks about one that is over");
    let live_at = |second| Change::PlaceSession { id: over, identity_id: WHOSE, at: at(second) };
    store.commit(&[live_at(20)]).await.unwrap();
    assert!(refused(over).await, "it ended after it was live");
    assert_eq!(store.place(over).await.unwrap().unwrap().ended_at, Some(at(20)));
    let place = store.place(over).await.unwrap().unwrap().index;
    store.commit(&[live_at(21)]).await.unwrap();
    let again = store.place(over).await.unwrap().unwrap();
    assert_eq!((again.index, again.ended_at), (place, None), "it was no ending");
    assert!(!refused(over).await);
    assert_eq!(take(store, 100, 200).await, [live, over], "it is asked about again");
    store.commit(&[Change::EndElsewhere { id: over, identity_id: WHOSE, at: at(20) }]).await.unwrap();
    store.sweep(ended(at(20)), 9).await.unwrap();
    assert!(refused(over).await, "it was over at that time");
    store.sweep(ended(at(21)), 9).await.unwrap();
    assert_eq!(store.place(over).await.unwrap(), None);
    assert!(store.place(live).await.unwrap().is_some());
}

pub(crate) async fn sessions_elsewhere_that_changed_are_asked_about_next(store: &dyn Store) {
    let [one, other] = [uuid(), uuid()];
    store.commit(&[place(one), place(other)]).await.unwrap();
    let place_of_stranger = Change::PlaceSession { id: uuid(), identity_id: uuid(), at: at(1) };
    store.commit(&[place_of_stranger]).await.unwrap();
    store.commit(&[Change::Forget(Some(one)), Change::Forget(Some(uuid()))]).await.unwrap();
    assert_eq!(take(store, 0, 2).await, [one], "it is due, and no other is");
    // It changes once more while it is asked about, so the answer may be older than the change.
    store.commit(&[Change::Forget(Some(one))]).await.unwrap();
    store.commit(&[Change::LiveElsewhere { ids: vec![one], at: at(2) }]).await.unwrap();
    assert_eq!(take(store, 0, 3).await, [one]);
    store.commit(&[Change::LiveElsewhere { ids: vec![one], at: at(3) }]).await.unwrap();
    assert!(take(store, 0, 4).await.is_empty());
    store.commit(&[Change::Forget(Some(WHOSE)), Change::Forget(None)]).await.unwrap();
    let mut both = vec![one, other];
    both.sort();
    let mut taken = take(store, 0, 4).await;
    taken.sort();
    assert_eq!(taken, both, "both are of the same person");
}
