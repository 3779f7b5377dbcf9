//! The record of what happened.

use sessera_model::{SystemRandom, Uuid};
use sessera_store::{AuditFrom, AuditPage, Change, Ends, Link, NewEntry, Store};
use sessera_testing::at_once;

use super::at;

const ADA: Uuid = Uuid::from_u128(7);

pub(crate) fn entry(second: i64, identity_id: Option<Uuid>) -> NewEntry {
    NewEntry::new(&SystemRandom::default(), at(second), identity_id, format!("{{\"n\":{second}}}"))
}

/// The contents of a part of the record.
async fn listed(store: &dyn Store, from: AuditFrom, identity_id: Option<Uuid>, limit: u32) -> Vec<String> {
    let page = AuditPage { from, identity_id, limit };
    store.audit(&page).await.unwrap().into_iter().map(|entry| entry.content).collect()
}

pub(crate) async fn entries_of_the_record_are_put_in_one_order_that_proves_them(store: &dyn Store) {
    assert_eq!(store.audit_ends().await.unwrap(), Ends::default());
    assert_eq!(store.chain_audit(10).await.unwrap(), 0);
    store.commit(&[Change::Record(vec![])]).await.unwrap();
    let all: Vec<NewEntry> = (0..9).map(|second| entry(second, (second % 2 == 0).then_some(ADA))).collect();
    store.commit(&[Change::Record(all[..5].to_vec())]).await.unwrap();
    assert!(listed(store, AuditFrom::After(0), None, 10).await.is_empty(), "they are not in order yet");
    assert_eq!(store.chain_audit(3).await.unwrap(), 3);
    store.commit(&[Change::Record(all[5..].to_vec())]).await.unwrap();
    // Nodes may do it at once.
    let done: u64 =
        at_once((0..4).map(|_| store.chain_audit(10))).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(done, 6);

    let contents = |of: &[usize]| of.iter().map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>();
    assert_eq!(listed(store, AuditFrom::After(0), None, 10).await, contents(&[0, 1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(listed(store, AuditFrom::Before(4), None, 2).await, contents(&[2, 1]));
    assert_eq!(listed(store, AuditFrom::Before(i64::MAX), Some(ADA), 2).await, contents(&[8, 6]));
    assert_eq!(listed(store, AuditFrom::After(1), Some(ADA), 2).await, contents(&[2, 4]));

    let page = AuditPage { from: AuditFrom::After(0), identity_id: None, limit: 10 };
    let mut link = Link::default();
    for entry in store.audit(&page).await.unwrap() {
        link = link.next(entry.at, &entry.content);
        assert_eq!(link, Link { number: entry.number, hash: entry.hash });
    }
    assert_eq!(store.audit_ends().await.unwrap(), Ends { last: link, swept: Link::default() });
}

pub(crate) async fn old_entries_of_the_record_are_swept_from_its_beginning(store: &dyn Store) {
    let all = (0..6).map(|second| entry(second, None)).collect();
    store.commit(&[Change::Record(all)]).await.unwrap();
    store.chain_audit(10).await.unwrap();
    let page = AuditPage { from: AuditFrom::After(0), identity_id: None, limit: 10 };
    let before = store.audit(&page).await.unwrap();
    assert_eq!(store.sweep_audit(at(0), 10).await.unwrap(), 0);
    assert_eq!(store.sweep_audit(at(4), 3).await.unwrap(), 3);
    assert_eq!(store.sweep_audit(at(4), 3).await.unwrap(), 1);
    assert_eq!(store.sweep_audit(at(4), 3).await.unwrap(), 0);
    assert_eq!(store.audit(&page).await.unwrap(), before[4..]);
    let ends = store.audit_ends().await.unwrap();
    assert_eq!(ends.swept, Link { number: 4, hash: before[3].hash });
    assert_eq!(ends.last, Link { number: 6, hash: before[5].hash });
    assert_eq!(store.sweep_audit(at(100), 10).await.unwrap(), 2);
    store.commit(&[Change::Record(vec![entry(200, None)])]).await.unwrap();
    assert_eq!(store.chain_audit(10).await.unwrap(), 1);
    let after = store.audit(&page).await.unwrap();
    assert_eq!((after.len(), after[0].number), (1, 7), "numbers go on");
    assert_eq!(after[0].hash, ends.last.next(at(200), &after[0].content).hash);
}
