//! Changes that happen together or not at all, and what is swept.

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use sessera_model::{Identity, Role, TokenHash, Uuid};
use sessera_store::{
    AdminToken, AuditFrom, AuditPage, Change, Code, CodePurpose, Conflict, Counter, CounterKey, Ended,
    KeySet, Message, Revision, Span, Store, StoreError, StoredKey,
};

use super::{GUESSES, at, conflict, ended, flow, one, password, person, session, uuid};

/// All tables that records are written to.
pub(crate) const TABLES: [&str; 15] = [
    "audit",
    "admin_tokens",
    "identities",
    "addresses",
    "credentials",
    "identifiers",
    "sessions",
    "sessions_elsewhere",
    "flows",
    "codes",
    "counters",
    "outbox",
    "key_sets",
    "keys",
    "revisions",
];

/// Every kind of record that one commit can add for `ada`, who is there already.
pub(crate) fn one_of_each(ada: &Identity) -> Vec<Change> {
    let key = StoredKey { kid: "k".into(), jwk: "{}".into(), created_at: at(1) };
    let bob = person("bob@example.org");
    vec![
        Change::InsertIdentity(bob.clone()),
        password(&bob, "bob"),
        Change::InsertSession(session(ada, "token-of-one", 0)),
        Change::PlaceSession { id: uuid(), identity_id: uuid(), at: at(1) },
        Change::InsertFlow(flow()),
        Change::InsertCode(Code {
            id: uuid(),
            flow_id: Uuid::from_u128(5),
            purpose: CodePurpose::Recovery,
            identity_id: ada.id,
            address: "ada@example.org".into(),
            hash: TokenHash::of("1"),
            expires_at: at(60),
        }),
        Change::TakeAttempt { counters: vec![(CounterKey([5; 32]), GUESSES)], at: at(0) },
        Change::EnqueueMessage(Message {
            id: uuid(),
            recipient: "ada@example.org".into(),
            template: "recovery_code".into(),
            content: "{}".into(),
            attempts: 0,
            created_at: at(0),
            due_at: at(10),
        }),
        Change::PutKeySet(KeySet::new("keys".into(), vec![key]), vec![]),
        Change::Record(vec![super::audit::entry(1, Some(ada.id))]),
        Change::InsertAdminToken(AdminToken {
            name: "ci".into(),
            role: Role::Viewer,
            hash: TokenHash::of("token-of-ci"),
            created_at: at(1),
            expires_at: None,
        }),
        Change::InsertRevision(Revision {
            id: uuid(),
            parent: None,
            created_at: at(1),
            made_by: None,
            config: "{}".into(),
            diff: "[]".into(),
        }),
    ]
}

/// How many of the records of [`one_of_each`] are there.
pub(crate) async fn how_many_of_each(store: &dyn Store, changes: &[Change]) -> usize {
    let mut found = 0;
    for change in changes {
        found += usize::from(match change {
            Change::InsertIdentity(identity) => store.identity(identity.id).await.unwrap().is_some(),
            Change::PutCredential(of) => !store.credentials(of.identity_id).await.unwrap().is_empty(),
            Change::InsertSession(stored) => store.session(stored.session.id).await.unwrap().is_some(),
            Change::PlaceSession { id, .. } => store.place(*id).await.unwrap().is_some(),
            Change::InsertFlow(flow) => store.flow(flow.id).await.unwrap().is_some(),
            Change::InsertCode(code) => store.code(code.flow_id, code.purpose).await.unwrap().is_some(),
            Change::TakeAttempt { counters, .. } => {
                store.counters(&[counters[0].0]).await.unwrap()[0] != Counter::default()
            }
            Change::EnqueueMessage(_) => !store.due_messages(at(99), 9).await.unwrap().is_empty(),
            Change::PutKeySet(set, _) => store.key_set(&set.name).await.unwrap().is_some(),
            Change::Record(_) => is_recorded(store).await,
            Change::InsertAdminToken(token) => store.admin_token(&token.hash).await.unwrap().is_some(),
            Change::InsertRevision(_) => store.newest_revision().await.unwrap().is_some(),
            other => panic!("{other:?} is none of them"),
        });
    }
    found
}

/// Whether the record has an entry.
async fn is_recorded(store: &dyn Store) -> bool {
    store.chain_audit(9).await.unwrap();
    let newest = AuditPage { from: AuditFrom::Latest(Span::ALL), limit: 1 };
    !store.audit(&newest).await.unwrap().is_empty()
}

pub(crate) async fn a_refused_change_undoes_those_before_it(store: &dyn Store) {
    let ada = person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let all = one_of_each(&ada);
    for count in 1..=all.len() {
        let mut changes = all[..count].to_vec();
        changes.push(Change::DeleteKeySet("nobody's".into()));
        assert_eq!(conflict(store.commit(&changes).await), Some(Conflict::Missing));
        assert_eq!(how_many_of_each(store, &all).await, 0, "after {count} changes");
    }
    store.commit(&all).await.unwrap();
    assert_eq!(how_many_of_each(store, &all).await, all.len());
}

/// A caller that goes away at any moment leaves either all or nothing behind, and a store that works.
pub(crate) async fn an_abandoned_commit_is_all_or_nothing(store: &dyn Store) {
    let ada = person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let all = one_of_each(&ada);
    for patience in 0.. {
        let mut left = patience;
        let mut commit = store.commit(&all);
        let finished = poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            commit.as_mut().poll(context).map(Some)
        })
        .await;
        drop(commit);
        // A commit waits for what the abandoned one still holds.
        store.commit(&[Change::InsertFlow(flow())]).await.unwrap();
        match finished {
            Some(Ok(())) => {
                assert_eq!(how_many_of_each(store, &all).await, all.len());
                assert!(patience > 2, "it was interrupted at least once");
                break;
            }
            // The one before was abandoned so late that the database finished it.
            Some(Err(error)) => {
                assert!(matches!(error, StoreError::Conflict(_)), "{error}");
                assert_eq!(how_many_of_each(store, &all).await, all.len());
                break;
            }
            None => none_or_all(store, &all, patience).await,
        }
    }
}

/// A server may still be finishing what was abandoned, but it ends with either nothing or all of it.
async fn none_or_all(store: &dyn Store, changes: &[Change], patience: usize) {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let found = how_many_of_each(store, changes).await;
        if found == 0 || found == changes.len() {
            return;
        }
        assert!(Instant::now() < end, "{found} after {patience} steps");
    }
}

pub(crate) async fn of_two_changes_at_once_one_wins(store: &dyn Store) {
    let ada = person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let (bob, eve) = (person("bob@example.org"), person("eve@example.org"));
    store.commit(&[Change::InsertIdentity(bob.clone()), Change::InsertIdentity(eve.clone())]).await.unwrap();
    let set = KeySet::new("keys".into(), vec![]);
    let revision = || {
        Change::InsertRevision(Revision {
            id: uuid(),
            parent: None,
            created_at: at(1),
            made_by: None,
            config: "{}".into(),
            diff: "[]".into(),
        })
    };
    let pairs = [
        (Change::UpdateIdentity(ada.clone()), Change::UpdateIdentity(ada), Conflict::Changed),
        (password(&bob, "name"), password(&eve, "name"), Conflict::Identifier),
        (Change::PutKeySet(set.clone(), vec![]), Change::PutKeySet(set, vec![]), Conflict::Changed),
        (revision(), revision(), Conflict::Changed),
    ];
    for (left, right, expected) in pairs {
        let (left, right) = tokio::join!(one(store, left), one(store, right));
        let mut outcomes = [left, right];
        outcomes.sort_by_key(Option::is_some);
        assert_eq!(outcomes, [None, Some(expected)]);
    }
}

pub(crate) async fn what_ended_is_swept_in_batches(store: &dyn Store) {
    let ada = person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    for n in 0..3 {
        store
            .commit(&[Change::InsertSession(session(&ada, &format!("t{n}"), n)), Change::InsertFlow(flow())])
            .await
            .unwrap();
    }
    let attempt = Change::TakeAttempt { counters: vec![(CounterKey([1; 32]), GUESSES)], at: at(0) };
    store.commit(&[attempt]).await.unwrap();
    let after_all = at(0) + Duration::from_secs(10_000);
    assert_eq!(store.sweep(ended(at(0)), 10).await.unwrap(), 0);
    // No more than the limit goes of each kind, and sessions may stay longer than flows and counters.
    let but_sessions = Ended { sessions: at(0), ..ended(after_all) };
    assert_eq!(store.sweep(but_sessions, 2).await.unwrap(), 3);
    assert_eq!(store.sweep(ended(after_all), 2).await.unwrap(), 3);
    assert_eq!(store.sweep(ended(after_all), 2).await.unwrap(), 1);
    assert_eq!(store.sweep(ended(after_all), 2).await.unwrap(), 0);
}
