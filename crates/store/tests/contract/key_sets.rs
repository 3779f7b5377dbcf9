//! Key sets and revisions of the configuration.

use sessera_model::{GoDuration, Uuid};
use sessera_rotation::Schedule;
use sessera_store::{Change, Conflict, KeySet, Managed, Page, Revision, Store, StoreError, StoredKey};

use super::{TIMING, at, flow, one, page, uuid};

pub(crate) async fn key_sets_keep_their_order(store: &dyn Store) {
    let key = |kid: &str| StoredKey {
        kid: kid.into(),
        jwk: format!("{{\"kid\":\"{kid}\"}}").into(),
        created_at: at(1),
    };
    let set = KeySet::new("keys".into(), vec![key("b"), key("a")]);
    assert_eq!(one(store, Change::PutKeySet(set.clone(), vec![])).await, None);
    assert_eq!(one(store, Change::PutKeySet(set.clone(), vec![])).await, Some(Conflict::Changed));
    let stored = store.key_set("keys").await.unwrap().unwrap();
    assert_eq!(stored, KeySet { version: 1, ..set });
    let mut schedule = Schedule::new(GoDuration::from_secs(100), &TIMING, at(5)).unwrap();
    schedule.add("c".into(), at(5), GoDuration::from_secs(60), at(5));
    let managed = Some(Managed { algorithm: "ES256".into(), schedule });
    let more = KeySet { keys: vec![key("c")], managed: managed.clone(), ..stored };
    assert_eq!(one(store, Change::PutKeySet(more.clone(), vec![])).await, None);
    assert_eq!(one(store, Change::PutKeySet(more, vec![])).await, Some(Conflict::Changed));
    let stored = store.key_set("keys").await.unwrap().unwrap();
    assert_eq!((stored.keys, stored.managed), (vec![key("c")], managed));
    store.commit(&[Change::PutKeySet(KeySet::new("a".into(), vec![]), vec![])]).await.unwrap();
    let names: Vec<String> = store.key_sets().await.unwrap().into_iter().map(|set| set.name).collect();
    assert_eq!(names, ["a", "keys"]);
    assert_eq!(one(store, Change::DeleteKeySet("keys".into())).await, None);
    assert_eq!(one(store, Change::DeleteKeySet("keys".into())).await, Some(Conflict::Missing));
    assert_eq!(store.key_set("keys").await.unwrap(), None);
}

pub(crate) async fn revisions_follow_each_other(store: &dyn Store) {
    assert_eq!(store.newest_revision().await.unwrap(), None);
    let revision = |parent| Revision {
        id: uuid(),
        parent,
        created_at: at(1),
        made_by: None,
        config: "{\"secret\":true}".into(),
        diff: "[]".into(),
    };
    let first = revision(None);
    assert_eq!(one(store, Change::InsertRevision(first.clone())).await, None);
    assert_eq!(one(store, Change::InsertRevision(revision(None))).await, Some(Conflict::Changed));
    let second = revision(Some(first.id));
    assert_eq!(one(store, Change::InsertRevision(second.clone())).await, None);
    assert_eq!(store.newest_revision().await.unwrap(), Some(second.clone()));
    assert_eq!(store.revision(first.id).await.unwrap(), Some(first.clone()));
    let list = store.revisions(&page(1)).await.unwrap();
    assert_eq!(list[0].id, second.id);
    let rest = Page { after: Some(second.id), limit: 5 };
    assert_eq!(store.revisions(&rest).await.unwrap()[0].id, first.id);
    let last = Page { after: Some(first.id), limit: 10 };
    assert!(store.revisions(&last).await.unwrap().is_empty());
    let unknown = Page { after: Some(Uuid::from_u128(7)), limit: 10 };
    assert!(store.revisions(&unknown).await.unwrap().is_empty(), "a list does not begin anew by itself");
}

pub(crate) async fn the_version_tells_of_changes_to_keys_and_configuration(store: &dyn Store) {
    let mut seen = vec![store.configuration_version().await.unwrap()];
    let key = |seconds| StoredKey { kid: "k".into(), jwk: "{}".into(), created_at: at(seconds) };
    let revision = Revision {
        id: uuid(),
        parent: None,
        created_at: at(1),
        made_by: None,
        config: "{}".into(),
        diff: "[]".into(),
    };
    let changes = [
        Change::PutKeySet(KeySet::new("keys".into(), vec![]), vec![]),
        Change::DeleteKeySet("keys".into()),
        Change::PutKeySet(KeySet::new("keys".into(), vec![key(1)]), vec![]),
        Change::PutKeySet(KeySet { version: 1, ..KeySet::new("keys".into(), vec![]) }, vec![]),
        Change::InsertRevision(revision),
    ];
    for change in changes {
        store.commit(&[change]).await.unwrap();
        let version = store.configuration_version().await.unwrap();
        assert_ne!(Some(&version), seen.last());
        seen.push(version);
    }
    store.commit(&[Change::InsertFlow(flow())]).await.unwrap();
    assert_eq!(store.configuration_version().await.unwrap(), seen[5]);
    let again = [
        Change::DeleteKeySet("keys".into()),
        Change::PutKeySet(KeySet::new("keys".into(), vec![key(2)]), vec![]),
    ];
    store.commit(&again).await.unwrap();
    assert!(!seen.contains(&store.configuration_version().await.unwrap()), "a new set of the same name");
}

pub(crate) async fn what_was_judged_by_another_version_is_refused(store: &dyn Store) {
    let set = |name: &str| Change::PutKeySet(KeySet::new(name.into(), vec![]), vec![]);
    let judged_by = store.configuration_version().await.unwrap();
    let (one, other) =
        ([Change::Unchanged(judged_by), set("one")], [Change::Unchanged(judged_by), set("other")]);
    // Both were judged before either was there, so only one of them can be as it was judged.
    let outcomes = tokio::join!(store.commit(&one), store.commit(&other));
    let is_refused =
        |outcome: &Result<(), StoreError>| matches!(outcome, Err(StoreError::Conflict(Conflict::Changed)));
    assert!(is_refused(&outcomes.0) != is_refused(&outcomes.1), "{outcomes:?}");
    assert!(outcomes.0.is_ok() != outcomes.1.is_ok(), "{outcomes:?}");
    assert_eq!(store.key_sets().await.unwrap().len(), 1);
    let judged_by = store.configuration_version().await.unwrap();
    store.commit(&[Change::Unchanged(judged_by), set("third")]).await.unwrap();
    let revision = Revision {
        id: uuid(),
        parent: None,
        created_at: at(1),
        made_by: None,
        config: "{}".into(),
        diff: "[]".into(),
    };
    let late = [Change::Unchanged(judged_by), Change::InsertRevision(revision)];
    assert!(is_refused(&store.commit(&late).await), "the sets are others now");
    assert!(store.newest_revision().await.unwrap().is_none());
}
