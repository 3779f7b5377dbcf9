//! Who is at the console, as the cookie of their browser says.
//!
//! The cookie has nothing that opens the admin API: it names whoever signed in and proves by a keyed hash that they did. The
//! hash is made over that of their admin token too, so a token that has ended, was deleted or was made anew under the same
//! name ends what was begun with it. Whoever signs out ends their stay in the database, so that no copy of the cookie opens
//! anything at any node.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use axum::http::HeaderMap;
use axum::response::Response;
use sessera_accounts::keys::Purpose;
use sessera_config::cookies::CookieScope;
use sessera_config::sections::cookies::SameSite;
use sessera_http::cookies;
use sessera_jose::base64url;
use sessera_model::{Actor, Clock, Random, Secret, Timestamp, TokenHash};
use sessera_node::admin_tokens::AdminTokens;
use sessera_store::{Allowance, Change, Committer, Conflict, CounterKey, Store, StoreError};

use crate::guard;
use crate::state::AdminState;
use sessera_contract::answer::ApiError;
use sessera_node::{Snapshot, Snapshots};

/// The name of the cookie, which says that it is of one host where the admin API is reached over https.
const NAME: &str = "sessera_console";

/// How long nobody has to sign in again.
pub(super) const LIFESPAN: Duration = Duration::from_hours(8);

/// How many random bytes tell stays apart.
const NONCE: usize = 16;

/// What makes stays and recognises them, which handlers take as one part.
#[derive(Clone)]
pub(super) struct Stays {
    snapshots: Snapshots,
    store: Arc<dyn Store>,
    committer: Committer,
    tokens: Arc<AdminTokens>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl FromRef<AdminState> for Stays {
    fn from_ref(state: &AdminState) -> Self {
        Self {
            snapshots: FromRef::from_ref(state),
            store: FromRef::from_ref(state),
            committer: FromRef::from_ref(state),
            tokens: FromRef::from_ref(state),
            clock: FromRef::from_ref(state),
            random: FromRef::from_ref(state),
        }
    }
}

/// Somebody at the console.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    /// Who it is; nothing until they have signed in.
    pub(super) actor: Option<Actor>,
    /// When they have to sign in again.
    pub(super) ends: Timestamp,
    /// The token of their forms.
    pub(super) csrf: String,
    /// Why nobody knows whether they have signed out, where the database does not say so.
    pub(super) doubt: Option<ApiError>,
    /// The value of their cookie.
    cookie: Secret,
}

/// What the cookie of a request says.
pub(super) enum Recognised {
    /// Somebody is at the console.
    Stay(Stay),
    /// Somebody was.
    Ended,
    /// Nobody that is known.
    Nobody,
}

/// How somebody came in, with what proves it. The word for it stands in the cookie.
struct StayProof {
    actor: Option<Actor>,
    word: &'static str,
    proof: Option<TokenHash>,
    ends: Option<Timestamp>,
}

const NOBODY: StayProof = StayProof { actor: None, word: "nobody", proof: None, ends: None };
const ANYBODY: StayProof =
    StayProof { actor: Some(Actor::Anybody), word: "anybody", proof: None, ends: None };

impl StayProof {
    fn configured(token: &str) -> Self {
        let proof = Some(TokenHash::of(token));
        Self { actor: Some(Actor::Configured), word: "configured", proof, ends: None }
    }

    /// What is proven, besides what stands in the cookie.
    fn parts<'a>(&'a self, payload: &'a str) -> [&'a [u8]; 2] {
        [payload.as_bytes(), self.proof.as_ref().map_or(&[][..], |proof| proof.as_bytes().as_slice())]
    }
}

impl Stays {
    /// A stay of somebody who has not signed in.
    pub(super) fn of_nobody(&self) -> Stay {
        self.begin(NOBODY, "")
    }

    /// A stay of somebody who need not sign in.
    pub(super) fn of_anybody(&self) -> Stay {
        self.begin(ANYBODY, "")
    }

    /// Ends a stay of somebody who has signed in, for whoever comes with its cookie. A stay of others opens nothing, or what
    /// is open anyway.
    pub(super) async fn end(&self, stay: &Stay) -> Result<(), ApiError> {
        let Some(key) = stay.key() else { return Ok(()) };
        let counters = vec![(key, Allowance::Once { within: LIFESPAN })];
        match self.committer.commit(&[Change::TakeAttempt { counters, at: self.clock.now() }]).await {
            // It was over already.
            Err(StoreError::Conflict(Conflict::Limited)) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Whether somebody has signed out of a stay.
    async fn is_over(&self, stay: &Stay) -> Result<bool, ApiError> {
        let Some(key) = stay.key() else { return Ok(false) };
        Ok(self.store.counters(&[key]).await?.iter().any(|ended| ended.count > 0))
    }

    /// A stay of somebody who presents a token, if that is good now.
    pub(super) async fn of_token(&self, presented: &str) -> Result<Option<Stay>, ApiError> {
        if guard::has_configured(&self.snapshots.load().config.admin, presented) {
            return Ok(Some(self.begin(StayProof::configured(presented), "")));
        }
        let found = self.tokens.recognise(presented).await?;
        Ok(found.map(|token| self.begin(way_of(token.clone()), &token.name)))
    }

    fn begin(&self, way: StayProof, name: &str) -> Stay {
        let now = self.clock.now();
        let payload = format!("{}.{}.{}.{name}", way.word, now.seconds(), self.random.base64url(NONCE));
        let snapshot = self.snapshots.current();
        let hash = snapshot.accounts.rules.keys.make(Purpose::Console, &way.parts(&payload));
        let cookie = format!("{}.{payload}", base64url::encode(hash));
        stay(&snapshot, way, now, cookie)
    }

    /// What the cookie of a request says.
    pub(super) async fn recognise(&self, headers: &HeaderMap) -> Result<Recognised, ApiError> {
        let snapshot = self.snapshots.current();
        let scope = scope(&snapshot);
        let name = scope.name(NAME, scope.secure);
        let mut found = Recognised::Nobody;
        for cookie in cookies::values(headers, &name) {
            match self.read(&snapshot, cookie).await? {
                Some(stay) => return Ok(Recognised::Stay(stay)),
                None => found = Recognised::Ended,
            }
        }
        Ok(found)
    }

    async fn read(&self, snapshot: &Snapshot, cookie: &str) -> Result<Option<Stay>, ApiError> {
        let parts = cookie.split_once('.').and_then(|(hash, payload)| {
            let mut parts = payload.splitn(4, '.');
            let (word, begun, _nonce, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let begun = Timestamp::from_seconds(begun.parse().ok()?);
            Some((base64url::decode(hash)?, payload, word, begun, name))
        });
        let Some((hash, payload, word, begun, name)) = parts else { return Ok(None) };
        if self.clock.now() >= begun + LIFESPAN {
            return Ok(None);
        }
        let config = &snapshot.config.admin;
        let ways: Vec<StayProof> = match word {
            "nobody" => vec![NOBODY],
            "anybody" if config.tokens.is_empty() => vec![ANYBODY],
            "configured" => config.tokens.iter().map(|token| StayProof::configured(token.expose())).collect(),
            "token" => self.tokens.named(name).await?.map(way_of).into_iter().collect(),
            _ => vec![],
        };
        let keys = &snapshot.accounts.rules.keys;
        let way = ways.into_iter().find(|way| keys.verify(Purpose::Console, &way.parts(payload), &hash));
        let Some(way) = way else { return Ok(None) };
        let mut stay = stay(snapshot, way, begun, cookie.to_owned());
        match self.is_over(&stay).await {
            Ok(true) => return Ok(None),
            Ok(false) => {}
            Err(error) => stay.doubt = Some(error),
        }
        Ok(Some(stay))
    }

    /// Whether a form was made for the stay.
    pub(super) fn has_made(&self, stay: &Stay, csrf: &str) -> bool {
        let parts: [&[u8]; 1] = [stay.cookie.expose().as_bytes()];
        let hash = base64url::decode(csrf).unwrap_or_default();
        self.snapshots.load().accounts.rules.keys.verify(Purpose::ConsoleForm, &parts, &hash)
    }

    /// Has the browser come with the stay from now on.
    pub(super) fn keep(&self, stay: &Stay, response: &mut Response) -> Result<(), ApiError> {
        let snapshot = self.snapshots.load();
        let scope = scope(&snapshot);
        let (name, value) = (scope.name(NAME, scope.secure), stay.cookie.expose());
        let kept = cookies::set(response, &name, value, Some(LIFESPAN.as_secs()), &scope, scope.secure);
        kept.map_err(ApiError::internal)
    }
}

fn way_of(token: sessera_store::AdminToken) -> StayProof {
    let (proof, ends) = (Some(token.hash), token.expires_at);
    let actor = Some(Actor::Token { name: token.name, role: token.role });
    StayProof { actor, word: "token", proof, ends }
}

fn stay(snapshot: &Snapshot, way: StayProof, begun: Timestamp, cookie: String) -> Stay {
    let csrf = snapshot.accounts.rules.keys.make(Purpose::ConsoleForm, &[cookie.as_bytes()]);
    let longest = begun + LIFESPAN;
    Stay {
        actor: way.actor,
        ends: way.ends.map_or(longest, |ends| ends.min(longest)),
        csrf: base64url::encode(csrf),
        doubt: None,
        cookie: Secret::new(cookie),
    }
}

impl Stay {
    /// By what it is known that somebody has signed out; nothing where nobody has signed in. It is made of what the hash in
    /// the cookie proves, because a hash can be written in more than one way.
    fn key(&self) -> Option<CounterKey> {
        let has_signed_in = matches!(self.actor, Some(Actor::Token { .. } | Actor::Configured));
        let (_, payload) = self.cookie.expose().split_once('.').filter(|_| has_signed_in)?;
        Some(CounterKey(*TokenHash::of(payload).as_bytes()))
    }
}

/// With which requests the cookie goes along: those of this host alone, and over https only where browsers reach the admin
/// port so.
fn scope(snapshot: &Snapshot) -> CookieScope {
    CookieScope {
        domain: None,
        path: "/".into(),
        same_site: SameSite::Strict,
        secure: snapshot.config.admin.base_url.starts_with("https://"),
    }
}
