//! The cache alone: every order of steps, random steps, many threads.

use std::collections::HashMap;
use std::sync::Mutex;

use proptest::prelude::*;
use sessera_model::{
    AssuranceLevel, AuthenticationMethod, Credential, CredentialKind, Device, Identity, Session, StatusIndex,
};
use sessera_store::{CredentialOf, Reauthentication, SessionFilter, SessionKind, StoredSession};

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const URL: &str = "https://id.example.org/schemas/";
const MAX: u64 = 16 << 20;

fn identity(id: Uuid, email: &str) -> Identity {
    Identity::new(
        id,
        "default",
        serde_json::json!({"email": email, "name": {"first": "Ada", "last": "Lovelace"}}),
        NOW,
    )
}

/// A session whose version stands in its time of authentication.
fn session(id: Uuid, identity_id: Uuid, version: u64) -> Session {
    let version = Timestamp::from_seconds(i64::try_from(version).unwrap());
    Session {
        authenticated_at: version,
        methods: vec![AuthenticationMethod {
            method: "password".into(),
            aal: AssuranceLevel::Aal1,
            completed_at: version,
            provider: None,
        }],
        devices: vec![Device {
            id,
            ip_address: "2001:db8::1".into(),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
            location: String::new(),
        }],
        ..Session::new(id, identity_id, NOW, NOW + Duration::from_secs(3600))
    }
}

fn stored(session: Session) -> StoredSession {
    let status = StatusIndex::from_number(7);
    StoredSession { session, kind: SessionKind::Native, token: TokenHash::of("token"), status }
}

fn live(id: Uuid, identity_id: Uuid, version: u64) -> Arc<LiveSession> {
    let identity = identity(identity_id, &format!("{identity_id}@example.org"));
    let stored = stored(session(id, identity_id, version));
    LiveSession::of_stored(stored, &identity, NOW, URL.into()).map(Arc::new).unwrap()
}

fn version(live: &LiveSession) -> u64 {
    u64::try_from(live.session.authenticated_at.seconds()).unwrap()
}

fn token(number: u128) -> TokenHash {
    TokenHash::of(&number.to_string())
}

/// All orders in which the steps of several actors can happen: lists of actors.
fn orders(steps: &mut [usize], so_far: &mut Vec<usize>, visit: &mut impl FnMut(&[usize])) {
    if steps.iter().all(|left| *left == 0) {
        return visit(so_far);
    }
    for actor in 0..steps.len() {
        if steps[actor] > 0 {
            steps[actor] -= 1;
            so_far.push(actor);
            orders(steps, so_far, visit);
            so_far.pop();
            steps[actor] += 1;
        }
    }
}

#[test]
fn in_no_order_of_steps_is_an_answered_change_unseen() {
    let cache = SessionCache::new(MAX);
    let (id, identity_id, token) = (Uuid::from_u128(1), Uuid::from_u128(2), token(1));
    let versions: Vec<_> = (0..=3).map(|version| live(id, identity_id, version)).collect();
    let mut runs = 0;
    // Two requests that read (begin, read the store, keep) and two that change (commit, drop).
    orders(&mut [3, 3, 2, 2], &mut Vec::new(), &mut |order| {
        runs += 1;
        cache.drop_all();
        let (mut stored, mut answered) = (1, 0);
        let mut at = [0; 4];
        let mut readers = [(None, None), (None, None)];
        for &actor in order {
            match (actor, at[actor]) {
                (0 | 1, 0) => readers[actor].0 = Some(cache.begin()),
                (0 | 1, 1) => readers[actor].1 = Some(&versions[stored]),
                (0 | 1, _) => {
                    let (read, live) = readers[actor];
                    cache.insert(read.unwrap(), token, live.unwrap().clone());
                }
                (_, 0) => stored += 1,
                _ => {
                    match runs % 4 {
                        0 => cache.drop_token(&token),
                        1 => cache.drop_session(id),
                        2 => cache.drop_identity(identity_id),
                        _ => cache.drop_all(),
                    }
                    // What this one changed is there; the other change may be, too.
                    answered = answered.max(if at[2] + at[3] < 3 { 2 } else { stored });
                }
            }
            at[actor] += 1;
            if let Some(found) = cache.get(&token, NOW, URL) {
                assert!(version(&found) >= answered as u64, "{order:?}");
            }
        }
        let read = cache.begin();
        cache.insert(read, token, versions[stored].clone());
        assert_eq!(cache.get(&token, NOW, URL).map(|found| version(&found)), Some(stored as u64));
    });
    assert_eq!(runs, 25_200);
}

#[test]
fn what_has_ended_or_was_made_for_other_schemas_is_read_again() {
    let cache = SessionCache::new(MAX);
    let keep = || cache.insert(cache.begin(), token(1), live(Uuid::from_u128(1), Uuid::from_u128(2), 1));
    keep();
    assert!(cache.get(&token(1), NOW + Duration::from_secs(3599), URL).is_some());
    assert!(cache.get(&token(1), NOW + Duration::from_secs(3600), URL).is_none());
    keep();
    assert!(cache.get(&token(1), NOW, "https://other.example.org/schemas/").is_none());
    assert!(cache.get(&token(1), NOW, URL).is_none(), "what is no longer good is gone");
    assert!(cache.is_empty());
}

#[test]
fn bytes_are_bounded() {
    let max = 256 * 1024;
    let cache = SessionCache::new(max);
    let fill = || {
        for number in 1..=1_000 {
            let live = live(Uuid::from_u128(number), Uuid::from_u128(number), 1);
            assert!(live.size() + OVERHEAD < 6 * 1024, "a common session takes {} bytes", live.size());
            cache.insert(cache.begin(), token(number), live);
            assert!(cache.bytes() <= cache.entries.capacity());
        }
    };
    fill();
    assert!(cache.bytes() > max / 2 && cache.bytes() < max + max / 8, "{}", cache.bytes());
    cache.set_max_bytes(max / 4);
    assert!(cache.bytes() <= max / 4 + max / 16, "{}", cache.bytes());
    cache.set_max_bytes(0);
    assert!(cache.is_empty());
    fill();
    assert!(cache.is_empty());
    cache.set_max_bytes(max);
    let mut person = identity(Uuid::from_u128(1), "a@example.org");
    person.traits["name"] = "x".repeat(300_000).into();
    let session = session(Uuid::from_u128(1), person.id, 1);
    let large = LiveSession::of_stored(stored(session), &person, NOW, URL.into()).unwrap();
    cache.insert(cache.begin(), token(1), Arc::new(large));
    assert!(cache.is_empty(), "what is larger than everything is not kept");
}

/// Six sessions of three identities.
fn number_of_identity(session: u128) -> Uuid {
    Uuid::from_u128(1_000 + session % 3)
}

#[derive(Clone, Debug)]
enum Step {
    Load(u128),
    Change(u128, u8),
    DropAll,
}

fn change(session: u128, kind: u8) -> Change {
    let (id, identity_id) = (Uuid::from_u128(session), number_of_identity(session));
    match kind {
        0 => Change::UpdateIdentity(identity(identity_id, "a@example.org")),
        1 => Change::DeleteIdentity(identity_id),
        2 => Change::DeleteSessionsOf(identity_id),
        3 => Change::PutCredential(CredentialOf {
            identity_id,
            credential: Credential {
                kind: CredentialKind::Totp,
                identifiers: vec![],
                config: serde_json::json!({}).into(),
                version: 1,
                created_at: NOW,
                updated_at: NOW,
            },
        }),
        4 => Change::DeleteCredential { identity_id, kind: CredentialKind::Totp },
        5 => Change::AuthenticateSession(Reauthentication {
            id,
            identity_id,
            at: NOW,
            assurance_level: AssuranceLevel::Aal2,
            methods: vec![],
            devices: vec![],
            expires_at: NOW,
            token: None,
        }),
        6 => Change::ExtendSession { id, identity_id, at: NOW, expires_at: NOW },
        7 => Change::RevokeSession { id, of: None },
        8 => Change::RevokeSessionByToken { token: token(session), session_id: id, identity_id },
        9 => Change::RevokeSessions(SessionFilter {
            identity_id: Some(identity_id),
            ..SessionFilter::default()
        }),
        10 => Change::DeleteSession { id, identity_id },
        _ => Change::RevokeSessions(SessionFilter::default()),
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_u128).prop_map(Step::Load),
        4 => (0..6_u128, 0..=11_u8).prop_map(|(session, kind)| Step::Change(session, kind)),
        1 => Just(Step::DropAll),
    ]
}

proptest! {
    #[test]
    fn an_entry_is_the_session_that_was_asked_for_and_not_older_than_its_changes(
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let cache = SessionCache::new(MAX);
        let mut versions: HashMap<u128, u64> = (0..6).map(|session| (session, 1)).collect();
        for step in steps {
            match step {
                Step::Load(number) => {
                    let (id, identity_id) = (Uuid::from_u128(number), number_of_identity(number));
                    cache.insert(cache.begin(), token(number), live(id, identity_id, versions[&number]));
                    prop_assert!(cache.get(&token(number), NOW, URL).is_some());
                }
                Step::Change(number, kind) => {
                    for (session, version) in &mut versions {
                        let same_person = number_of_identity(*session) == number_of_identity(number);
                        if kind == 11 || *session == number || (same_person && !matches!(kind, 5..=8 | 10)) {
                            *version += 1;
                        }
                    }
                    cache.told(&[change(number, kind)], Outcome::Committed);
                }
                Step::DropAll => {
                    for version in versions.values_mut() {
*version += 1;
}
                    cache.drop_all();
                }
            }
            for (number, stored) in &versions {
                if let Some(found) = cache.get(&token(*number), NOW, URL) {
                    prop_assert_eq!(found.session.id, Uuid::from_u128(*number));
                    prop_assert_eq!(found.session.identity_id, number_of_identity(*number));
                    prop_assert_eq!(version(&found), *stored);
                }
            }
        }
    }
}

#[test]
fn threads_never_see_what_was_answered_as_changed() {
    const SESSIONS: u128 = 8;
    let cache = SessionCache::new(MAX);
    let zeros = || (0..SESSIONS).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
    let (stored, answered) = (zeros(), zeros());
    let commits: Vec<Mutex<()>> = (0..SESSIONS).map(|_| Mutex::new(())).collect();
    std::thread::scope(|scope| {
        for thread in 0..4_u128 {
            let (cache, stored, answered, commits) = (&cache, &stored, &answered, &commits);
            scope.spawn(move || {
                for round in 0..2_000_u128 {
                    let number = (round * 7 + thread) % SESSIONS;
                    let at = usize::try_from(number).unwrap();
                    let (id, token) = (Uuid::from_u128(number), token(number));
                    if round % 16 == thread {
                        let _one = commits[at].lock().unwrap();
                        let version = stored[at].fetch_add(1, Ordering::SeqCst) + 1;
                        cache.drop_session(id);
                        answered[at].store(version, Ordering::SeqCst);
                        continue;
                    }
                    let known = answered[at].load(Ordering::SeqCst);
                    let found = cache.get(&token, NOW, URL).unwrap_or_else(|| {
                        let read = cache.begin();
                        let live = live(id, Uuid::from_u128(number), stored[at].load(Ordering::SeqCst));
                        cache.insert(read, token, live.clone());
                        live
                    });
                    assert_eq!(found.session.id, id);
                    assert!(version(&found) >= known);
                }
            });
        }
    });
}
