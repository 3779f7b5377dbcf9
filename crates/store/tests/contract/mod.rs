//! What every engine must do, whatever it is made of. An engine runs all cases with `contract!`.

mod counters;

use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use serde_json::json;
use sessera_model::credential::CredentialConfig;
use sessera_model::{
    AssuranceLevel, AuthenticationMethod, Credential, CredentialKind, GoDuration, Identity, IdentityState,
    Random, RecoveryAddress, Session, StatusIndex, SystemRandom, Timestamp, TokenHash, Uuid,
    VerifiableAddress, identity::VerificationStatus,
};
use sessera_rotation::{Schedule, Timing};
use sessera_store::{
    Allowance, Change, Code, CodePurpose, Conflict, Counter, CounterKey, CredentialOf, Ended, Flow, FlowKind,
    IdentityFilter, KeySet, Managed, Message, NewSession, Page, Revision, SessionFilter, SessionKind, Store,
    StoreError, StoredKey,
};

#[allow(unused_imports, reason = "only the tests of engines run the contract")]
pub(crate) use counters::{
    an_attempt_takes_its_place_at_all_counters_or_at_none,
    no_more_attempts_find_a_place_at_once_than_one_after_the_other,
};

const TIMING: Timing = Timing {
    lease: GoDuration::from_secs(10),
    skew: GoDuration::from_secs(1),
    max_age: GoDuration::from_secs(10),
};

fn uuid() -> Uuid {
    let random: &dyn Random = &SystemRandom::default();
    random.uuid()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000 + seconds)
}

pub(crate) fn ended(before: Timestamp) -> Ended {
    Ended { sessions: before, others: before }
}

fn page(limit: u32) -> Page {
    Page { after: None, limit }
}

pub(crate) fn person(email: &str) -> Identity {
    Identity {
        id: uuid(),
        external_id: None,
        schema_id: "default".into(),
        state: IdentityState::Active,
        state_changed_at: at(0),
        traits: json!({"email": email, "z": 1, "a": {"b": []}}),
        verifiable_addresses: vec![VerifiableAddress {
            id: uuid(),
            value: email.into(),
            verified: false,
            via: "email".into(),
            status: VerificationStatus::Sent,
            verified_at: None,
            created_at: at(0),
            updated_at: at(0),
        }],
        recovery_addresses: vec![RecoveryAddress {
            id: uuid(),
            value: email.into(),
            via: "email".into(),
            created_at: at(0),
            updated_at: at(0),
        }],
        metadata_public: Some(json!({"plan": "pro"})),
        metadata_admin: None,
        created_at: at(0),
        updated_at: Timestamp::from_micros(1_700_000_000_123_456),
        version: 1,
    }
}

fn password(of: &Identity, identifier: &str) -> Change {
    Change::PutCredential(CredentialOf {
        identity_id: of.id,
        credential: Credential {
            kind: CredentialKind::Password,
            identifiers: vec![identifier.into()],
            config: CredentialConfig::from(json!({"hashed_password": "the-hash"})),
            version: 1,
            created_at: at(0),
            updated_at: at(0),
        },
    })
}

pub(crate) fn session(of: &Identity, token: &str, issued: i64) -> NewSession {
    NewSession {
        session: Session {
            id: uuid(),
            identity_id: of.id,
            active: true,
            issued_at: at(issued),
            expires_at: at(issued + 100),
            authenticated_at: at(issued),
            last_used_at: None,
            assurance_level: AssuranceLevel::Aal1,
            methods: vec![AuthenticationMethod {
                method: "password".into(),
                aal: AssuranceLevel::Aal1,
                completed_at: at(issued),
            }],
            devices: vec![],
        },
        kind: SessionKind::Native,
        token: TokenHash::of(token),
    }
}

fn flow() -> Flow {
    Flow { id: uuid(), kind: FlowKind::Login, body: "{\"a\":1}".into(), expires_at: at(50), version: 1 }
}

fn conflict(result: Result<(), StoreError>) -> Option<Conflict> {
    match result {
        Err(StoreError::Conflict(conflict)) => Some(conflict),
        Err(other) => panic!("{other}"),
        Ok(()) => None,
    }
}

async fn one(store: &dyn Store, change: Change) -> Option<Conflict> {
    conflict(store.commit(&[change]).await)
}

pub(crate) async fn identities_come_back_as_they_went_in(store: &dyn Store) {
    let mut ada = person("ada@example.org");
    ada.external_id = Some("crm-1".into());
    store.commit(&[Change::InsertIdentity(ada.clone()), password(&ada, "ada@example.org")]).await.unwrap();
    assert_eq!(store.identity(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.identity_by_external_id("crm-1").await.unwrap().unwrap().id, ada.id);
    let by = store.identity_by_identifier(CredentialKind::Password, "ada@example.org").await.unwrap();
    assert_eq!(by.unwrap().id, ada.id);
    assert_eq!(store.identity_by_identifier(CredentialKind::Totp, "ada@example.org").await.unwrap(), None);
    assert_eq!(store.identity_by_address("email", "ada@example.org").await.unwrap().unwrap().id, ada.id);
    let credentials = store.credentials(ada.id).await.unwrap();
    assert_eq!(credentials[0].config.text("hashed_password"), Some("the-hash"));
    assert_eq!(store.credentials_of(&[ada.id, uuid()]).await.unwrap(), [(ada.id, credentials[0].clone())]);
    assert_eq!(store.identity(uuid()).await.unwrap(), None);
}

pub(crate) async fn taken_values_are_refused_and_nothing_is_half_done(store: &dyn Store) {
    let mut ada = person("ada@example.org");
    ada.external_id = Some("crm-1".into());
    store.commit(&[Change::InsertIdentity(ada.clone()), password(&ada, "ada")]).await.unwrap();
    let bob = person("bob@example.org");
    let refused = store.commit(&[Change::InsertIdentity(bob.clone()), password(&bob, "ada")]).await;
    assert_eq!(conflict(refused), Some(Conflict::Identifier));
    assert_eq!(store.identity(bob.id).await.unwrap(), None, "the whole commit is undone");
    assert_eq!(one(store, Change::InsertIdentity(person("ada@example.org"))).await, Some(Conflict::Address));
    let twin = Identity { external_id: Some("crm-1".into()), ..person("twin@example.org") };
    assert_eq!(one(store, Change::InsertIdentity(twin)).await, Some(Conflict::ExternalId));
    assert_eq!(one(store, password(&bob, "bob")).await, Some(Conflict::Missing));
}

pub(crate) async fn a_change_names_the_version_it_was_made_from(store: &dyn Store) {
    let ada = person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let mut changed = ada.clone();
    changed.traits = json!({"email": "new@example.org"});
    changed.verifiable_addresses[0].value = "new@example.org".into();
    assert_eq!(one(store, Change::UpdateIdentity(changed.clone())).await, None);
    assert_eq!(one(store, Change::UpdateIdentity(changed.clone())).await, Some(Conflict::Changed));
    let stored = store.identity(ada.id).await.unwrap().unwrap();
    assert_eq!((stored.version, &stored.traits), (2, &changed.traits));
    assert_eq!(store.identity_by_address("email", "new@example.org").await.unwrap().unwrap().id, ada.id);
}

pub(crate) async fn deleting_an_identity_takes_everything_with_it(store: &dyn Store) {
    let ada = person("ada@example.org");
    let stored = session(&ada, "t", 0);
    let changes =
        [Change::InsertIdentity(ada.clone()), password(&ada, "ada"), Change::InsertSession(stored.clone())];
    store.commit(&changes).await.unwrap();
    assert_eq!(one(store, Change::DeleteIdentity(ada.id)).await, None);
    assert_eq!(one(store, Change::DeleteIdentity(ada.id)).await, Some(Conflict::Missing));
    assert_eq!(store.session_by_token(&stored.token).await.unwrap(), None);
    assert!(store.credentials(ada.id).await.unwrap().is_empty());
    store.commit(&changes).await.unwrap();
}

pub(crate) async fn identities_are_paged_by_key(store: &dyn Store) {
    let mut all: Vec<Identity> = (0..5).map(|n| person(&format!("p{n}@example.org"))).collect();
    for (n, identity) in all.iter().enumerate() {
        store
            .commit(&[Change::InsertIdentity(identity.clone()), password(identity, &format!("p{n}"))])
            .await
            .unwrap();
    }
    all.sort_by_key(|identity| identity.id);
    let mut seen = Vec::new();
    let mut next = page(2);
    loop {
        let part = store.identities(&IdentityFilter::default(), &next).await.unwrap();
        let Some(last) = part.last() else { break };
        next.after = Some(last.id);
        seen.extend(part);
    }
    assert_eq!(seen, all);
    let filter = IdentityFilter { identifier: Some("p3".into()), ..IdentityFilter::default() };
    assert_eq!(store.identities(&filter, &page(10)).await.unwrap().len(), 1);
    let filter = IdentityFilter { ids: vec![all[4].id, all[0].id, uuid()], ..IdentityFilter::default() };
    let found: Vec<Uuid> = store.identities(&filter, &page(10)).await.unwrap().iter().map(|i| i.id).collect();
    assert_eq!(found, [all[0].id, all[4].id]);
    let gone_first = IdentityFilter { ids: vec![Uuid::from_u128(1), all[2].id], ..filter.clone() };
    let found = store.identities(&gone_first, &page(1)).await.unwrap();
    assert_eq!(found, [all[2].clone()], "an id of nobody takes no place in the page");
    let both = IdentityFilter { ids: vec![all[0].id, all[4].id], identifier: Some("nobody".into()) };
    assert!(store.identities(&both, &page(10)).await.unwrap().is_empty(), "both conditions hold");
}

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

    let step_up = |token| Change::AuthenticateSession {
        id: stored.session.id,
        at: at(10),
        assurance_level: AssuranceLevel::Aal2,
        methods: vec![],
        devices: vec![],
        expires_at: at(500),
        token,
    };
    assert_eq!(one(store, step_up(Some(TokenHash::of("token-2")))).await, None);
    assert_eq!(store.session_by_token(&TokenHash::of("token-1")).await.unwrap(), None);
    assert_eq!(one(store, step_up(None)).await, None);
    let (stepped, _) = store.session_by_token(&TokenHash::of("token-2")).await.unwrap().unwrap();
    assert_eq!(stepped.session.assurance_level, AssuranceLevel::Aal2);
    assert_eq!(stepped.session.id, stored.session.id);

    let extend = Change::ExtendSession { id: stored.session.id, at: at(499), expires_at: at(900) };
    assert_eq!(one(store, extend).await, None);
    let revoke = Change::RevokeSessionByToken(TokenHash::of("token-2"));
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
        for outcome in futures(changes.iter().map(|changes| store.commit(changes))).await {
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
        one(store, Change::ExtendSession { id: first.id, at: at(0), expires_at: at(900) }).await;
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
    store
        .commit(&[Change::ExtendSession { id: later.session.id, at: at(1), expires_at: at(500) }])
        .await
        .unwrap();
    store.commit(&[Change::RevokeSession { id: revoked.session.id, of: None }]).await.unwrap();
    store.commit(&[Change::DeleteSessionsOf(eve.id)]).await.unwrap();
    store.commit(&[Change::DeleteSession(alone.session.id)]).await.unwrap();
    assert_eq!(store.session(alone.session.id).await.unwrap(), None);
    assert_eq!(one(store, Change::DeleteSession(alone.session.id)).await, Some(Conflict::Missing));
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

/// Runs all futures at once.
async fn futures<F: Future>(all: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.into_iter().map(|one| (Box::pin(one), None)).collect();
    poll_fn(|context| {
        for (one, outcome) in all.iter_mut().filter(|(_, outcome)| outcome.is_none()) {
            if let Poll::Ready(ready) = one.as_mut().poll(context) {
                *outcome = Some(ready);
            }
        }
        if all.iter().all(|(_, outcome)| outcome.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, outcome)| outcome).collect()
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
    let rest = Page { after: first.last().copied(), limit: 3 };
    assert_eq!(ids(store.sessions(&of_ada, &rest).await.unwrap()), [all[0].session.id]);
    assert_eq!(store.sessions(&SessionFilter::default(), &page(10)).await.unwrap().len(), 5);

    let others = SessionFilter { except: Some(all[0].session.id), ..of_ada.clone() };
    store.commit(&[Change::RevokeSessions(others)]).await.unwrap();
    let live = SessionFilter { live: Some((true, at(5))), ..of_ada.clone() };
    assert_eq!(ids(store.sessions(&live, &page(10)).await.unwrap()), [all[0].session.id]);
    let ended = SessionFilter { live: Some((false, at(5))), ..of_ada.clone() };
    assert_eq!(store.sessions(&ended, &page(10)).await.unwrap().len(), 3);
    let wrong_owner = Change::RevokeSession { id: all[0].session.id, of: Some(bob.id) };
    assert_eq!(one(store, wrong_owner).await, Some(Conflict::Missing));
    store.commit(&[Change::DeleteSessionsOf(ada.id)]).await.unwrap();
    assert!(store.sessions(&of_ada, &page(10)).await.unwrap().is_empty());
}

pub(crate) async fn a_flow_is_used_once(store: &dyn Store) {
    let flow = flow();
    store.commit(&[Change::InsertFlow(flow.clone())]).await.unwrap();
    assert_eq!(store.flow(flow.id).await.unwrap(), Some(flow.clone()));
    let changed = Flow { body: "{\"b\":2}".into(), ..flow.clone() };
    assert_eq!(one(store, Change::UpdateFlow(changed.clone())).await, None);
    assert_eq!(one(store, Change::UpdateFlow(changed)).await, Some(Conflict::Changed));
    assert_eq!(store.flow(flow.id).await.unwrap().unwrap().version, 2);
    let use_it = Change::ConsumeFlow { id: flow.id, version: 2 };
    let (a, b) = tokio::join!(one(store, use_it.clone()), one(store, use_it));
    assert_eq!([a, b].iter().filter(|outcome| outcome.is_none()).count(), 1, "exactly one wins");
    assert_eq!(store.flow(flow.id).await.unwrap(), None);
}

pub(crate) async fn codes_are_replaced_and_used_once(store: &dyn Store) {
    let ada = person("ada@example.org");
    store.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
    let code = |n: &str| Code {
        id: uuid(),
        flow_id: Uuid::from_u128(5),
        purpose: CodePurpose::Verification,
        identity_id: ada.id,
        address: "ada@example.org".into(),
        hash: TokenHash::of(n),
        expires_at: at(60),
    };
    let (first, second) = (code("1"), code("2"));
    store.commit(&[Change::InsertCode(first.clone())]).await.unwrap();
    store.commit(&[Change::InsertCode(second.clone())]).await.unwrap();
    let find = || store.code(Uuid::from_u128(5), CodePurpose::Verification);
    assert_eq!(find().await.unwrap().unwrap().hash, second.hash);
    assert_eq!(one(store, Change::UseCode(first.id)).await, Some(Conflict::Changed));
    assert_eq!(store.code(Uuid::from_u128(5), CodePurpose::Recovery).await.unwrap(), None);
    assert_eq!(one(store, Change::UseCode(second.id)).await, None);
    assert_eq!(one(store, Change::UseCode(second.id)).await, Some(Conflict::Changed));
    assert_eq!(find().await.unwrap(), None);
}

pub(crate) async fn messages_wait_until_they_are_sent(store: &dyn Store) {
    let message = Message {
        id: uuid(),
        recipient: "ada@example.org".into(),
        template: "verification_code".into(),
        content: "{\"code\":\"123456\"}".into(),
        attempts: 0,
        created_at: at(0),
        due_at: at(10),
    };
    store.commit(&[Change::EnqueueMessage(message.clone())]).await.unwrap();
    assert!(store.due_messages(at(9), 10).await.unwrap().is_empty());
    assert_eq!(store.due_messages(at(10), 10).await.unwrap(), std::slice::from_ref(&message));
    let claim = |attempts| Change::ClaimMessage { id: message.id, attempts, until: at(15) };
    assert_eq!(one(store, claim(0)).await, None);
    assert_eq!(one(store, claim(0)).await, Some(Conflict::Changed), "somebody else has taken it");
    assert!(store.due_messages(at(14), 10).await.unwrap().is_empty());
    assert_eq!(store.due_messages(at(15), 10).await.unwrap()[0].attempts, 1, "its taker was never heard of");
    store.commit(&[Change::MessageFailed { id: message.id, due_at: Some(at(20)) }]).await.unwrap();
    assert!(store.due_messages(at(19), 10).await.unwrap().is_empty());
    assert_eq!(store.due_messages(at(20), 10).await.unwrap()[0].attempts, 1);
    store.commit(&[Change::MessageFailed { id: message.id, due_at: None }]).await.unwrap();
    assert!(store.due_messages(at(1_000), 10).await.unwrap().is_empty());
    assert_eq!(one(store, claim(1)).await, Some(Conflict::Changed), "it was given up");
    store.commit(&[Change::MessageSent(message.id)]).await.unwrap();
}

pub(crate) async fn key_sets_keep_their_order(store: &dyn Store) {
    let key = |kid: &str| StoredKey {
        kid: kid.into(),
        jwk: format!("{{\"kid\":\"{kid}\"}}").into(),
        created_at: at(1),
    };
    let set = KeySet::new("keys".into(), vec![key("b"), key("a")]);
    assert_eq!(one(store, Change::PutKeySet(set.clone())).await, None);
    assert_eq!(one(store, Change::PutKeySet(set.clone())).await, Some(Conflict::Changed));
    let stored = store.key_set("keys").await.unwrap().unwrap();
    assert_eq!(stored, KeySet { version: 1, ..set });
    let mut schedule = Schedule::new(GoDuration::from_secs(100), &TIMING, at(5)).unwrap();
    schedule.add("c".into(), at(5), GoDuration::from_secs(60), at(5));
    let managed = Some(Managed { algorithm: "ES256".into(), schedule });
    let more = KeySet { keys: vec![key("c")], managed: managed.clone(), ..stored };
    assert_eq!(one(store, Change::PutKeySet(more.clone())).await, None);
    assert_eq!(one(store, Change::PutKeySet(more)).await, Some(Conflict::Changed));
    let stored = store.key_set("keys").await.unwrap().unwrap();
    assert_eq!((stored.keys, stored.managed), (vec![key("c")], managed));
    store.commit(&[Change::PutKeySet(KeySet::new("a".into(), vec![]))]).await.unwrap();
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
    let revision =
        Revision { id: uuid(), parent: None, created_at: at(1), config: "{}".into(), diff: "[]".into() };
    let changes = [
        Change::PutKeySet(KeySet::new("keys".into(), vec![])),
        Change::DeleteKeySet("keys".into()),
        Change::PutKeySet(KeySet::new("keys".into(), vec![key(1)])),
        Change::PutKeySet(KeySet { version: 1, ..KeySet::new("keys".into(), vec![]) }),
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
    let again =
        [Change::DeleteKeySet("keys".into()), Change::PutKeySet(KeySet::new("keys".into(), vec![key(2)]))];
    store.commit(&again).await.unwrap();
    assert!(!seen.contains(&store.configuration_version().await.unwrap()), "a new set of the same name");
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
    let but_sessions = Ended { sessions: at(0), others: after_all };
    assert_eq!(store.sweep(but_sessions, 2).await.unwrap(), 3);
    assert_eq!(store.sweep(ended(after_all), 2).await.unwrap(), 3);
    assert_eq!(store.sweep(ended(after_all), 2).await.unwrap(), 1);
    assert_eq!(store.sweep(ended(after_all), 2).await.unwrap(), 0);
}

/// What a few guesses may be made with.
const GUESSES: Allowance = Allowance::Guesses { free: 2 };

/// All tables that records are written to.
pub(crate) const TABLES: [&str; 12] = [
    "identities",
    "addresses",
    "credentials",
    "identifiers",
    "sessions",
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
        Change::PutKeySet(KeySet::new("keys".into(), vec![key])),
        Change::InsertRevision(Revision {
            id: uuid(),
            parent: None,
            created_at: at(1),
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
            Change::InsertFlow(flow) => store.flow(flow.id).await.unwrap().is_some(),
            Change::InsertCode(code) => store.code(code.flow_id, code.purpose).await.unwrap().is_some(),
            Change::TakeAttempt { counters, .. } => {
                store.counters(&[counters[0].0]).await.unwrap()[0] != Counter::default()
            }
            Change::EnqueueMessage(_) => !store.due_messages(at(99), 9).await.unwrap().is_empty(),
            Change::PutKeySet(set) => store.key_set(&set.name).await.unwrap().is_some(),
            Change::InsertRevision(_) => store.newest_revision().await.unwrap().is_some(),
            other => panic!("{other:?} is none of them"),
        });
    }
    found
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
            config: "{}".into(),
            diff: "[]".into(),
        })
    };
    let pairs = [
        (Change::UpdateIdentity(ada.clone()), Change::UpdateIdentity(ada), Conflict::Changed),
        (password(&bob, "name"), password(&eve, "name"), Conflict::Identifier),
        (Change::PutKeySet(set.clone()), Change::PutKeySet(set), Conflict::Changed),
        (revision(), revision(), Conflict::Changed),
    ];
    for (left, right, expected) in pairs {
        let (left, right) = tokio::join!(one(store, left), one(store, right));
        let mut outcomes = [left, right];
        outcomes.sort_by_key(Option::is_some);
        assert_eq!(outcomes, [None, Some(expected)]);
    }
}

/// Runs every case on a fresh store that `$open` makes.
#[macro_export]
macro_rules! contract {
    ($open:expr) => {
        $crate::contract!($open,
            identities_come_back_as_they_went_in
            taken_values_are_refused_and_nothing_is_half_done
            a_change_names_the_version_it_was_made_from
            deleting_an_identity_takes_everything_with_it
            identities_are_paged_by_key
            sessions_live_and_end
            the_last_use_of_a_session_is_noted_and_changes_nothing_else
            a_session_has_its_own_place_in_the_status_lists_for_ever
            a_status_list_refuses_sessions_that_are_over
            a_session_needs_an_active_identity
            sessions_are_listed_newest_first
            a_flow_is_used_once
            codes_are_replaced_and_used_once
            an_attempt_takes_its_place_at_all_counters_or_at_none
            no_more_attempts_find_a_place_at_once_than_one_after_the_other
            messages_wait_until_they_are_sent
            key_sets_keep_their_order
            revisions_follow_each_other
            the_version_tells_of_changes_to_keys_and_configuration
            what_ended_is_swept_in_batches
            a_refused_change_undoes_those_before_it
            an_abandoned_commit_is_all_or_nothing
            of_two_changes_at_once_one_wins
        );
    };
    ($open:expr, $($case:ident)*) => {
        $(#[tokio::test]
        async fn $case() {
            // An engine whose server is not there has nothing to prove.
            let Some((store, _keep)) = $open.await else { return };
            $crate::contract::$case(&store).await;
        })*
    };
}
