//! The record of what happened.

use serde_json::json;
use sessera_model::{SystemRandom, Uuid};
use sessera_store::audit::first_id;
use sessera_store::{AuditFrom, AuditOf, AuditPage, Change, Ends, Link, NewEntry, Span, Store};
use sessera_testing::at_once;

use super::at;

const ADA: Uuid = Uuid::from_u128(7);

pub(crate) fn entry(second: i64, identity_id: Option<Uuid>) -> NewEntry {
    NewEntry::new(&SystemRandom::default(), at(second), identity_id, format!("{{\"n\":{second}}}"))
}

/// The contents of a part of the record.
async fn listed(store: &dyn Store, from: AuditFrom, limit: u32) -> Vec<String> {
    let page = AuditPage { from, limit };
    store.audit(&page).await.unwrap().into_iter().map(|entry| entry.content).collect()
}

pub(crate) async fn entries_of_the_record_are_put_in_one_order_that_proves_them(store: &dyn Store) {
    assert_eq!(store.audit_ends().await.unwrap(), Ends::default());
    assert_eq!(store.chain_audit(10).await.unwrap(), 0);
    store.commit(&[Change::Record(vec![])]).await.unwrap();
    let all: Vec<NewEntry> = (0..9).map(|second| entry(second, (second % 2 == 0).then_some(ADA))).collect();
    store.commit(&[Change::Record(all[..5].to_vec())]).await.unwrap();
    assert!(listed(store, AuditFrom::After(0), 10).await.is_empty(), "they are not in order yet");
    assert_eq!(store.chain_audit(3).await.unwrap(), 3);
    store.commit(&[Change::Record(all[5..].to_vec())]).await.unwrap();
    // Nodes may do it at once.
    let done: u64 =
        at_once((0..4).map(|_| store.chain_audit(10))).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(done, 6);

    let contents = |of: &[usize]| of.iter().map(|n| format!("{{\"n\":{n}}}")).collect::<Vec<_>>();
    assert_eq!(listed(store, AuditFrom::After(0), 10).await, contents(&[0, 1, 2, 3, 4, 5, 6, 7, 8]));
    assert_eq!(listed(store, AuditFrom::After(7), 2).await, contents(&[7, 8]));
    let span = |of, since, before| {
        AuditFrom::Latest(Span { of, since: first_id(at(since)), before: first_id(at(before)) })
    };
    assert_eq!(listed(store, span(AuditOf::All, 0, 3), 2).await, contents(&[2, 1]));
    assert_eq!(listed(store, span(AuditOf::All, 2, 9), 10).await, contents(&[8, 7, 6, 5, 4, 3, 2]));
    assert_eq!(listed(store, span(AuditOf::Identity(ADA), 0, 9), 2).await, contents(&[8, 6]));
    assert_eq!(listed(store, span(AuditOf::Identity(ADA), 3, 8), 9).await, contents(&[6, 4]));

    let page = AuditPage { from: AuditFrom::After(0), limit: 10 };
    let mut link = Link::default();
    for entry in store.audit(&page).await.unwrap() {
        link = link.next(entry.at, &entry.content);
        assert_eq!(link, Link { number: entry.number, hash: entry.hash });
    }
    assert_eq!(store.audit_ends().await.unwrap(), Ends { last: link, swept: Link::default() });
}

pub(crate) async fn entries_of_the_record_are_found_by_their_parts(store: &dyn Store) {
    let session = Uuid::from_u128(9);
    let content = |action: &str, outcome: &str, actor: serde_json::Value, about: serde_json::Value| {
        // In the order in which entries are written.
        json!({"action": action, "outcome": outcome, "actor": actor, "about": about}).to_string()
    };
    let token = json!({"kind": "token", "name": "support", "role": "operator"});
    let nobody = json!({"kind": "nobody"});
    // What somebody put into an entry is never taken for a part of it.
    let odd = json!({"what": "\"session_id\":\"00000000-0000-0000-0000-000000000009\",\"actor\":{\"kind\":\"token\" \0 \\"});
    let all = [
        content(
            "session_began",
            "done",
            json!({"kind": "identity", "id": ADA}),
            json!({"session_id": session}),
        ),
        content("session_ended", "done", token.clone(), json!({"identity_id": ADA, "session_id": session})),
        content("proof_refused", "refused", nobody.clone(), odd),
        content("session_ended", "done", json!({"kind": "system"}), json!({})),
        content("admin_refused", "refused", token, json!({})),
    ];
    let entries = all
        .iter()
        .zip(0..)
        .map(|(content, second)| NewEntry::new(&SystemRandom::default(), at(second), None, content.clone()));
    store.commit(&[Change::Record(entries.collect())]).await.unwrap();
    store.chain_audit(10).await.unwrap();
    let action = |name: &str| AuditOf::Action(name.into());
    let actor = |name: &str| AuditOf::Actor(name.into());
    for (of, found) in [
        (AuditOf::All, vec![4, 3, 2, 1, 0]),
        (action("session_ended"), vec![3, 1]),
        (action("session"), vec![]),
        (actor("support"), vec![4, 1]),
        (actor(&ADA.to_string()), vec![0]),
        (actor("nobody"), vec![2]),
        (actor("system"), vec![3]),
        (actor("operator"), vec![]),
        (AuditOf::Session(session), vec![1, 0]),
        (AuditOf::Tokens, vec![4, 1]),
        (AuditOf::Refusals, vec![4, 2]),
    ] {
        let wanted: Vec<String> = found.into_iter().map(|place: usize| all[place].clone()).collect();
        let span = Span { of: of.clone(), ..Span::ALL };
        assert_eq!(listed(store, AuditFrom::Latest(span.clone()), 10).await, wanted, "{of:?}");
        let before = Span { before: first_id(at(4)), since: first_id(at(1)), ..span };
        let wanted: Vec<String> = wanted.into_iter().filter(|entry| all[1..4].contains(entry)).collect();
        assert_eq!(listed(store, AuditFrom::Latest(before), 10).await, wanted, "{of:?} within a time");
    }
}

pub(crate) async fn old_entries_of_the_record_are_swept_from_its_beginning(store: &dyn Store) {
    let all = (0..6).map(|second| entry(second, None)).collect();
    store.commit(&[Change::Record(all)]).await.unwrap();
    store.chain_audit(10).await.unwrap();
    let page = AuditPage { from: AuditFrom::After(0), limit: 10 };
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
