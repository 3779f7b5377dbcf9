//! Making and renewing sessions: the one place where a proof becomes a session.
//!
//! Signing in, signing up and recovery all end here. The functions decide; the caller commits the change
//! together with the end of its flow, so a flow makes one session or none.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sessera_model::{
    AssuranceLevel, AuthenticationMethod, Device, Random, Secret, Session, Timestamp, TokenHash, Uuid,
};
use sessera_store::{Change, NewSession, Reauthentication, SessionFilter, SessionKind};

/// How many proofs and devices of one session are kept; the newest ones.
const MAX_KEPT: usize = 32;

/// A proof that was just given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How sessions name it, such as `password`.
    pub method: Cow<'static, str>,
    /// The factor that it proves.
    pub aal: AssuranceLevel,
    /// The provider that has vouched for somebody, by the name that the configuration has for it.
    pub provider: Option<String>,
}

impl Proof {
    /// A proof by a method that signs in.
    pub const fn first_factor(method: &'static str) -> Self {
        Self { method: Cow::Borrowed(method), aal: AssuranceLevel::Aal1, provider: None }
    }

    /// A proof by a method that is asked for afterwards.
    pub const fn second_factor(method: &'static str) -> Self {
        Self { method: Cow::Borrowed(method), aal: AssuranceLevel::Aal2, provider: None }
    }

    fn given(self, now: Timestamp) -> AuthenticationMethod {
        let Self { method, aal, provider } = self;
        AuthenticationMethod { method: method.into_owned(), aal, completed_at: now, provider }
    }
}

/// A session with the change that stores it.
#[derive(Debug)]
pub struct SignedIn {
    /// The session as its answer shows it.
    pub session: Session,
    /// The new token or cookie. `None` when the session keeps the one it has.
    pub token: Option<Secret>,
    /// The change that stores it.
    pub change: Change,
}

impl SignedIn {
    /// This sign-in with a further proof, which was given before on another site.
    #[must_use]
    pub fn with(mut self, proof: Proof, now: Timestamp) -> Self {
        let level = self.session.assurance_level.max(proof.aal);
        let given = proof.given(now);
        self.session.assurance_level = level;
        self.session.methods.push(given.clone());
        match &mut self.change {
            Change::InsertSession(stored) => {
                stored.session.assurance_level = level;
                stored.session.methods.push(given);
            }
            Change::AuthenticateSession(Reauthentication { assurance_level, methods, .. }) => {
                *assurance_level = level;
                methods.push(given);
                keep_newest(methods);
            }
            _ => {}
        }
        self
    }
}

/// A new session.
pub fn begin(
    random: &dyn Random,
    now: Timestamp,
    lifespan: Duration,
    identity_id: Uuid,
    proof: Proof,
    device: Device,
    kind: SessionKind,
) -> SignedIn {
    let token = new_token(random);
    let session = Session {
        assurance_level: proof.aal,
        methods: vec![proof.given(now)],
        devices: vec![device],
        ..Session::new(random.uuid(), identity_id, now, now + lifespan)
    };
    let stored = NewSession { session: session.clone(), kind, token: TokenHash::of(token.expose()) };
    SignedIn { session, token: Some(token), change: Change::InsertSession(stored) }
}

/// A further proof for a session that is there: it is refreshed or reaches a higher level. Its id stays
/// the same. A browser's cookie is replaced, because somebody may have known it before the proof. A native client keeps
/// its token: clients of Kratos go on with the one that they have and pass over the one in the answer, and nobody else
/// can give a native client a token, as another site or host can give a browser a cookie.
pub fn renew(
    random: &dyn Random,
    now: Timestamp,
    lifespan: Duration,
    session: &Session,
    proof: Proof,
    device: Device,
    kind: SessionKind,
) -> SignedIn {
    let token = (kind == SessionKind::Browser).then(|| new_token(random));
    let mut session = session.clone();
    session.authenticated_at = now;
    session.expires_at = session.expires_at.max(now + lifespan);
    session.assurance_level = session.assurance_level.max(proof.aal);
    session.methods.push(proof.given(now));
    keep_newest(&mut session.methods);
    let is_known = session
        .devices
        .iter()
        .any(|known| known.ip_address == device.ip_address && known.user_agent == device.user_agent);
    let mut devices = session.devices.clone();
    if !is_known {
        devices.push(device.clone());
        keep_newest(&mut devices);
    }
    // The answer shows the device of this proof too, even when it is known; the contract has it so.
    session.devices.push(device);
    let change = Change::AuthenticateSession(Reauthentication {
        id: session.id,
        identity_id: session.identity_id,
        at: now,
        assurance_level: session.assurance_level,
        methods: session.methods.clone(),
        devices,
        expires_at: session.expires_at,
        token: token.as_ref().map(|token| TokenHash::of(token.expose())),
    });
    SignedIn { session, token, change }
}

/// A session whose owner has just set up what they prove: it has proven that, and reaches the level of it.
/// Whoever has the session can do so, which proves nothing about who they are. So the session neither
/// counts as signed in anew nor lives longer.
pub fn enrol(
    random: &dyn Random,
    now: Timestamp,
    session: &Session,
    proof: Proof,
    kind: SessionKind,
) -> SignedIn {
    let token = (kind == SessionKind::Browser).then(|| new_token(random));
    let mut session = session.clone();
    session.assurance_level = session.assurance_level.max(proof.aal);
    session.methods.push(proof.given(now));
    keep_newest(&mut session.methods);
    let change = Change::AuthenticateSession(Reauthentication {
        id: session.id,
        identity_id: session.identity_id,
        at: session.authenticated_at,
        assurance_level: session.assurance_level,
        methods: session.methods.clone(),
        devices: session.devices.clone(),
        expires_at: session.expires_at,
        token: token.as_ref().map(|token| TokenHash::of(token.expose())),
    });
    SignedIn { session, token, change }
}

/// The change that ends the other sessions of somebody who has signed in.
pub fn end_others(session: &Session) -> Change {
    Change::RevokeSessions(SessionFilter {
        identity_id: Some(session.identity_id),
        except: Some(session.id),
        live: None,
    })
}

fn new_token(random: &dyn Random) -> Secret {
    Secret::new(format!("ory_st_{}", random.token()))
}

fn keep_newest<T>(items: &mut Vec<T>) {
    if items.len() > MAX_KEPT {
        items.drain(..items.len() - MAX_KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sessera_model::SeededRandom;

    const DAY: Duration = Duration::from_hours(24);

    const PASSWORD: Proof = Proof::first_factor("password");
    const TOTP: Proof = Proof::second_factor("totp");

    fn device(user_agent: &str) -> Device {
        Device {
            id: Uuid::from_u128(3),
            ip_address: "127.0.0.1".into(),
            user_agent: user_agent.into(),
            location: String::new(),
        }
    }

    fn begun(random: &dyn Random, kind: SessionKind) -> SignedIn {
        let now = Timestamp::from_seconds(1000);
        begin(random, now, DAY, Uuid::from_u128(5), PASSWORD, device("a"), kind)
    }

    #[test]
    fn a_new_session_stores_only_the_hash_of_its_token() {
        let random = SeededRandom::new(1);
        let signed_in = begun(&random, SessionKind::Native);
        let token = signed_in.token.expect("is new");
        assert!(token.expose().starts_with("ory_st_"));
        assert_eq!(token.expose().len(), 39);
        let Change::InsertSession(stored) = &signed_in.change else { panic!("not an insertion") };
        assert_eq!(stored.token, TokenHash::of(token.expose()));
        assert_eq!(stored.session, signed_in.session);
        assert_eq!(signed_in.session.expires_at, Timestamp::from_seconds(1000) + DAY);
        assert_eq!(signed_in.session.devices.len(), 1);
    }

    #[test]
    fn a_step_up_keeps_id_and_native_token_and_replaces_cookies() {
        let random = SeededRandom::new(1);
        let later = Timestamp::from_seconds(2000);
        for (kind, is_replaced) in [(SessionKind::Native, false), (SessionKind::Browser, true)] {
            let first = begun(&random, kind).session;
            let stepped = renew(&random, later, DAY, &first, TOTP, device("a"), kind);
            assert_eq!(stepped.session.id, first.id);
            assert_eq!(stepped.session.assurance_level, AssuranceLevel::Aal2);
            assert_eq!(stepped.session.authenticated_at, later);
            assert_eq!(stepped.session.methods.len(), 2);
            assert_eq!(stepped.token.is_some(), is_replaced);
            let Change::AuthenticateSession(Reauthentication { token, devices, .. }) = &stepped.change else {
                panic!("not a renewal")
            };
            assert_eq!(token.is_some(), is_replaced);
            assert_eq!(devices.len(), 1, "a known device is stored once");
            assert_eq!(stepped.session.devices.len(), 2, "and shown for this proof");
        }
    }

    #[test]
    fn setting_a_factor_up_raises_the_level_and_moves_no_time() {
        let random = SeededRandom::new(1);
        for (kind, is_replaced) in [(SessionKind::Native, false), (SessionKind::Browser, true)] {
            let session = begun(&random, kind).session;
            let enrolled = enrol(&random, Timestamp::from_seconds(2000), &session, TOTP, kind);
            assert_eq!(enrolled.session.assurance_level, AssuranceLevel::Aal2);
            assert_eq!(enrolled.session.methods.len(), 2);
            assert_eq!(enrolled.token.is_some(), is_replaced);
            let Change::AuthenticateSession(Reauthentication { at, expires_at, .. }) = enrolled.change else {
                panic!("not a renewal")
            };
            assert_eq!((at, expires_at), (session.authenticated_at, session.expires_at));
        }
    }

    #[test]
    fn a_refresh_never_lowers_the_level_or_the_end() {
        let random = SeededRandom::new(1);
        let mut session = begun(&random, SessionKind::Native).session;
        session.assurance_level = AssuranceLevel::Aal2;
        let short = Duration::from_secs(1);
        let now = Timestamp::from_seconds(1001);
        let renewed = renew(&random, now, short, &session, PASSWORD, device("b"), SessionKind::Native);
        assert_eq!(renewed.session.assurance_level, AssuranceLevel::Aal2);
        assert_eq!(renewed.session.expires_at, session.expires_at);
        assert_eq!(renewed.session.devices.len(), 2);
    }

    #[test]
    fn lists_stay_bounded() {
        let random = SeededRandom::new(1);
        let mut session = begun(&random, SessionKind::Native).session;
        for minute in 0..100 {
            let now = Timestamp::from_seconds(2000 + minute * 60);
            let agent = minute.to_string();
            let renewed = renew(&random, now, DAY, &session, PASSWORD, device(&agent), SessionKind::Native);
            let Change::AuthenticateSession(Reauthentication { methods, devices, .. }) = renewed.change
            else {
                panic!("not a renewal")
            };
            (session.methods, session.devices) = (methods, devices);
        }
        assert_eq!(session.methods.len(), MAX_KEPT);
        assert_eq!(session.devices.len(), MAX_KEPT);
    }
}
