//! Sessions, and the status lists in which they have their places.

use sessera_model::{AssuranceLevel, Identity, IdentityState, Session, StatusIndex, TokenHash};
use sessera_store::{Change, Conflict, NewSession, Page, Reauthentication, SessionFilter, Store, place_of};
use sessera_testing::at_once;

use super::{at, ended, one, page, person, session, uuid};

pub(crate) async fn sessions_live_and_end(store: &dyn Store) {
    let ada = person("ada@example.org");
    let stored = session(&ada, "token-1", 0);
    store
        .commit(&[Change::InsertIdentity(ada.clone()), Change::InsertSession(stored.clone())])
        .await
        .unwrap();
    let found = store.session_by_token(&TokenHash::of("token-1")).await.unwrap();
    let (there, of) = found.clone().unwrap();
    assert_eq!(
        (&there.session, there.kind, there.token, of),
        (&stored.session, stored.kind, stored.token, ada)
    );
    assert_eq!(store.session(stored.session.id).await.unwrap(), found);
    assert_eq!(store.session_by_token(&TokenHash::of("other")).await.unwrap(), None);

    let step_up = |token| {
        Change::AuthenticateSession(Reauthentication {
            id: stored.session.id,
            identity_id: stored.session.identity_id,
            at: at(10),
            assurance_level: AssuranceLevel::Aal2,
            methods: vec![],
            devices: vec![],
            expires_at: at(500),
            token,
        })
    };
    assert_eq!(one(store, step_up(Some(TokenHash::of("token-2")))).await, None);
    assert_eq!(store.session_by_token(&TokenHash::of("token-1")).await.unwrap(), None);
    assert_eq!(one(store, step_up(None)).await, None);
    let (stepped, _) = store.session_by_token(&TokenHash::of("token-2")).await.unwrap().unwrap();
    assert_eq!(stepped.session.assurance_level, AssuranceLevel::Aal2);
    assert_eq!(stepped.session.id, stored.session.id);

    let extend = Change::ExtendSession {
        id: stored.session.id,
        identity_id: stored.session.identity_id,
        at: at(499),
        expires_at: at(900),
    };
    assert_eq!(one(store, extend).await, None);
    let revoke = Change::RevokeSessionByToken {
        token: TokenHash::of("token-2"),
        session_id: stored.session.id,
        identity_id: stored.session.identity_id,
    };
    assert_eq!(one(store, revoke.clone()).await, None);
    assert_eq!(one(store, revoke).await, Some(Conflict::Missing));
    assert_eq!(one(store, step_up(None)).await, Some(Conflict::Changed));
    let (revoked, _) = store.session(stored.session.id).await.unwrap().unwrap();
    assert!(!revoked.session.active);
}

pub(crate) async fn the_last_use_of_a_session_is_noted_and_changes_nothing_else(store: &dyn Store) {
    let ada = person("ada@example.org");
    let (used, other) = (session(&ada, "used", 0), session(&ada, "other", 0));
    store
        .commit(&[
            Change::InsertIdentity(ada),
            Change::InsertSession(used.clone()),
            Change::InsertSession(other.clone()),
        ])
        .await
        .unwrap();
    store
        .commit(&[
            Change::NoteUses(vec![(used.session.id, at(7)), (uuid(), at(7))]),
            Change::NoteUses(vec![]),
        ])
        .await
        .unwrap();
    let read =
        async |token: &str| store.session_by_token(&TokenHash::of(token)).await.unwrap().unwrap().0.session;
    let mut noted = used.session.clone();
    noted.last_used_at = Some(at(7));
    assert_eq!(read("used").await, noted);
    assert_eq!(read("other").await, other.session);
    // Another node may be late with what it has seen.
    store
        .commit(&[Change::NoteUses(vec![(used.session.id, at(6)), (other.session.id, at(6))])])
        .await
        .unwrap();
    assert_eq!(read("used").await, noted);
    assert_eq!(read("other").await.last_used_at, Some(at(6)));
}

pub(crate) async fn a_session_has_its_own_place_in_the_status_lists_for_ever(store: &dyn Store) {
    let ada = person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let status = async |id| store.session(id).await.unwrap().unwrap().0.status;
    let mut given = Vec::new();
    for round in 0..2 {
        let all: Vec<NewSession> = (0..24).map(|n| session(&ada, &format!("{round}-{n}"), n)).collect();
        let changes: Vec<_> = all.iter().map(|new| [Change::InsertSession(new.clone())]).collect();
        for outcome in at_once(changes.iter().map(|changes| store.commit(changes))).await {
            outcome.unwrap();
        }
        for new in &all {
            let index = status(new.session.id).await;
            let (found, _) = store.session_by_status(index).await.unwrap().unwrap();
            assert_eq!(found.session.id, new.session.id);
            given.push(index);
        }
        // The place stays, whatever happens to the session.
        let first = &all[0].session;
        let index = status(first.id).await;
        let extend = Change::ExtendSession {
            id: first.id,
            identity_id: first.identity_id,
            at: at(0),
            expires_at: at(900),
        };
        one(store, extend).await;
        one(store, Change::RevokeSession { id: first.id, of: None }).await;
        assert_eq!(status(first.id).await, index);
        store.commit(&[Change::DeleteSessionsOf(ada.id)]).await.unwrap();
        assert_eq!(store.session_by_status(index).await.unwrap(), None);
    }
    let count = given.len();
    given.sort();
    given.dedup();
    assert_eq!(given.len(), count, "no two sessions have the same, and those that are gone keep theirs");
    for nobody in [u64::MAX, u64::try_from(i64::MAX).unwrap()] {
        assert_eq!(store.session_by_status(StatusIndex::from_number(nobody)).await.unwrap(), None);
    }
}

pub(crate) async fn a_status_list_refuses_sessions_that_are_over(store: &dyn Store) {
    assert_eq!(store.status_list(0, at(1)).await.unwrap(), None, "no session was ever made");
    let [ada, bob, eve] = ["ada@example.org", "bob@example.org", "eve@example.org"].map(person);
    for identity in [&ada, &bob, &eve] {
        store.commit(&[Change::InsertIdentity(identity.clone())]).await.unwrap();
    }
    let [live, revoked, disabled, deleted, later, alone] =
        [(&ada, "1"), (&ada, "2"), (&bob, "3"), (&eve, "4"), (&ada, "5"), (&ada, "6")]
            .map(|(of, token)| session(of, token, 0));
    let mut index = Vec::new();
    for new in [&live, &revoked, &disabled, &deleted, &later, &alone] {
        store.commit(&[Change::InsertSession(new.clone())]).await.unwrap();
        index.push(store.session(new.session.id).await.unwrap().unwrap().0.status);
    }
    let refused = async |now| {
        let list = store.status_list(0, at(now)).await.unwrap().unwrap();
        assert_eq!(list.len() * 8, StatusIndex::PER_LIST as usize);
        let is_refused = |position: u32| list[position as usize / 8] >> (position % 8) & 1 == 1;
        assert!(!(10..StatusIndex::PER_LIST).any(is_refused), "places that nobody has yet");
        index.iter().map(|index| is_refused(index.position())).collect::<Vec<_>>()
    };
    assert_eq!(refused(1).await, [false; 6]);
    let extend = Change::ExtendSession {
        id: later.session.id,
        identity_id: later.session.identity_id,
        at: at(1),
        expires_at: at(500),
    };
    store.commit(&[extend]).await.unwrap();
    store.commit(&[Change::RevokeSession { id: revoked.session.id, of: None }]).await.unwrap();
    store.commit(&[Change::DeleteSessionsOf(eve.id)]).await.unwrap();
    let delete = Change::DeleteSession { id: alone.session.id, identity_id: alone.session.identity_id };
    store.commit(std::slice::from_ref(&delete)).await.unwrap();
    assert_eq!(store.session(alone.session.id).await.unwrap(), None);
    assert_eq!(one(store, delete).await, Some(Conflict::Missing));
    let inactive = Identity { state: IdentityState::Inactive, ..bob.clone() };
    store.commit(&[Change::UpdateIdentity(inactive)]).await.unwrap();
    assert_eq!(refused(99).await, [false, true, true, true, false, true]);
    assert_eq!(refused(100).await, [true, true, true, true, false, true], "one has ended");
    store.commit(&[Change::DeleteIdentity(ada.id)]).await.unwrap();
    assert_eq!(refused(100).await, [true; 6]);
    // Nothing is left of them when their tokens cannot be good any more.
    while store.sweep(ended(at(501)), 2).await.unwrap() > 0 {}
    assert_eq!(refused(501).await, [false; 6]);
    assert_eq!(store.status_list(1, at(1)).await.unwrap(), None);
    assert_eq!(store.status_list(u64::MAX, at(1)).await.unwrap(), None);
}

pub(crate) async fn a_session_needs_an_active_identity(store: &dyn Store) {
    let ada = person("ada@example.org");
    assert_eq!(one(store, Change::InsertSession(session(&ada, "t", 0))).await, Some(Conflict::Missing));
    let inactive = Identity { state: IdentityState::Inactive, ..ada };
    store.commit(&[Change::InsertIdentity(inactive.clone())]).await.unwrap();
    assert_eq!(one(store, Change::InsertSession(session(&inactive, "t", 0))).await, Some(Conflict::Missing));
}

pub(crate) async fn sessions_are_listed_newest_first(store: &dyn Store) {
    let (ada, bob) = (person("ada@example.org"), person("bob@example.org"));
    store.commit(&[Change::InsertIdentity(ada.clone()), Change::InsertIdentity(bob.clone())]).await.unwrap();
    let all: Vec<NewSession> = (0..4).map(|n| session(&ada, &format!("t{n}"), n)).collect();
    for stored in &all {
        store.commit(&[Change::InsertSession(stored.clone())]).await.unwrap();
    }
    store.commit(&[Change::InsertSession(session(&bob, "bob", 9))]).await.unwrap();
    let of_ada = SessionFilter { identity_id: Some(ada.id), ..SessionFilter::default() };
    let ids = |list: Vec<(Session, Identity)>| list.into_iter().map(|(s, _)| s.id).collect::<Vec<_>>();
    let first = ids(store.sessions(&of_ada, &page(3)).await.unwrap());
    assert_eq!(first, [all[3].session.id, all[2].session.id, all[1].session.id]);
    let rest = Page { after: Some(place_of(&all[1].session)), limit: 3 };
    assert_eq!(ids(store.sessions(&of_ada, &rest).await.unwrap()), [all[0].session.id]);
    assert_eq!(store.sessions(&SessionFilter::default(), &page(10)).await.unwrap().len(), 5);
    // Of sessions that were issued at the same moment, none is left out and none comes twice.
    let cas = person("cas@example.org");
    store.commit(&[Change::InsertIdentity(cas.clone())]).await.unwrap();
    for n in 0..5 {
        let together = session(&cas, &format!("c{n}"), 3);
        store.commit(&[Change::InsertSession(together)]).await.unwrap();
    }
    let of_cas = SessionFilter { identity_id: Some(cas.id), ..SessionFilter::default() };
    let (mut seen, mut part) = (Vec::new(), page(2));
    loop {
        let found = store.sessions(&of_cas, &part).await.unwrap();
        let Some((last, _)) = found.last() else { break };
        part.after = Some(place_of(last));
        // Where a list goes on does not depend on whether the session is still there.
        let delete = Change::DeleteSession { id: last.id, identity_id: last.identity_id };
        assert_eq!(one(store, delete).await, None);
        seen.extend(ids(found));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    store.commit(&[Change::DeleteIdentity(cas.id)]).await.unwrap();

    let others = SessionFilter { except: Some(all[0].session.id), ..of_ada.clone() };
    store.commit(&[Change::RevokeSessions(others.clone())]).await.unwrap();
    assert_eq!(
        store.count_sessions(&others).await.unwrap(),
        store.sessions(&others, &page(10)).await.unwrap().len() as u64
    );
    assert_eq!(store.count_sessions(&SessionFilter::default()).await.unwrap(), 5);
    let live = SessionFilter { live: Some((true, at(5))), ..of_ada.clone() };
    assert_eq!(ids(store.sessions(&live, &page(10)).await.unwrap()), [all[0].session.id]);
    let ended = SessionFilter { live: Some((false, at(5))), ..of_ada.clone() };
    assert_eq!(store.sessions(&ended, &page(10)).await.unwrap().len(), 3);
    let wrong_owner = Change::RevokeSession { id: all[0].session.id, of: Some(bob.id) };
    assert_eq!(one(store, wrong_owner).await, Some(Conflict::Missing));
    store.commit(&[Change::DeleteSessionsOf(ada.id)]).await.unwrap();
    assert!(store.sessions(&of_ada, &page(10)).await.unwrap().is_empty());
}
