//! Makes a signed token of sessions that this program keeps itself: no server, no database, no sign-in.
//!
//!     cargo run -p sessera-issuer --example own_sessions
//!
//! A program says three things: where its sessions are ([`SessionSource`]), which templates there are
//! ([`Settings`]), and which session token it was given. Here the sessions lie in a map, the only template
//! brings its key along, and the token is checked as any JOSE library would check it.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sessera_issuer::sessions::{Found, Presented, Question, Sought};
use sessera_issuer::tokens::TokenSteps;
use sessera_issuer::{
    Assurance, Compiled, IssuerError, IssuerMetrics, KeptBy, Lease, LiveSession, SessionCache, SessionSource,
    Sessions, Settings, Templates, TokenIssuer,
};
use sessera_jose::{Algorithm, JwkSet, generate, verify};
use sessera_model::{
    Clock, CredentialKind, GoDuration, Identity, Random, Session, StatusIndex, SystemClock, SystemRandom,
    Timestamp, TokenHash, Uuid,
};
use sessera_rotation::Timing;
use sessera_store::{SessionKind, StoredSession};

/// What the program was given by its user.
const SESSION_TOKEN: &str = "a session token of this program";

/// Puts the e-mail address into the token.
const MAPPER: &str = "{ claims: { email: std.extVar('session').identity.traits.email } }";

/// The sessions of this program, by the hash of their token.
struct OwnSessions(HashMap<TokenHash, (StoredSession, Identity)>);

#[async_trait]
impl SessionSource for OwnSessions {
    /// Sessions are found by the session tokens that open them alone.
    fn key(&self, sought: Sought<'_>) -> Option<TokenHash> {
        match sought {
            Sought::Presented(presented) => Some(TokenHash::of(presented.as_str())),
            Sought::Hash(hash) => Some(hash),
            Sought::Id(_) | Sought::Status(_) => None,
        }
    }

    async fn find(&self, question: Question<'_>) -> Result<Option<Found>, IssuerError> {
        let found = self.key(question.sought).and_then(|hash| self.0.get(&hash));
        let found = found.filter(|(stored, _)| stored.session.is_live(question.now));
        let live = found.map(|(stored, identity)| {
            LiveSession::of_stored(stored.clone(), identity, question.now, question.schemas_url.clone())
        });
        Ok(live.transpose()?.map(|live| Found::new(live, &question)))
    }

    async fn second_factors(&self, _: Uuid) -> Result<Vec<CredentialKind>, IssuerError> {
        Ok(Vec::new())
    }

    /// Nobody changes the map.
    fn tells_of_changes(&self) -> bool {
        true
    }

    fn grace(&self, _: Duration) -> Option<Duration> {
        None
    }
}

/// The claims of a token of Ada's session, checked with the published keys.
pub async fn claims() -> Result<Map<String, Value>, Box<dyn Error>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
    let compiled = Compiled::compile(settings()?, &[], &Templates::default())?;

    let ada = session_of_ada(&*random, clock.now());
    let source = Arc::new(OwnSessions(HashMap::from([(TokenHash::of(SESSION_TOKEN), ada)])));
    let cache = Arc::new(SessionCache::new(1 << 20));
    let metrics = IssuerMetrics::new()?;
    let sessions = Sessions::new(cache, source, clock.clone(), metrics.clone());
    let issuer = TokenIssuer::new(clock.clone(), random, Arc::new(Lease::default()), metrics);

    let live = sessions.live(&compiled, Presented::Token(SESSION_TOKEN)).await?;
    let token = issuer.token(&compiled, "api", &live, &mut TokenSteps::default()).await?;

    let published = compiled.published.set(Some("api"), clock.now()).ok_or("nothing is published")?;
    let keys = JwkSet::parse(published.json.as_bytes())?.public();
    Ok(verify::verify(&token, &keys)?.claims()?)
}

/// One template, whose key is made here.
fn settings() -> Result<Settings, Box<dyn Error>> {
    let inline = |text: &str| format!("base64://{}", STANDARD.encode(text));
    let keys = JwkSet::new(vec![generate::key(Algorithm::Es256, None, 0)?])?;
    let template = json!({
        "jwks_url": inline(&keys.to_private_json().to_string()),
        "claims_mapper_url": inline(MAPPER),
        "ttl": "10m",
    });
    let minute = GoDuration::new(Duration::from_secs(60));
    Ok(Settings {
        issuer: "https://id.example.org/".into(),
        templates: Map::from_iter([("api".to_owned(), template)]),
        timing: Timing { lease: minute, skew: minute, max_age: minute },
        status_list_max_age: Duration::from_secs(60),
        max_stale: Duration::ZERO,
        second_factors: Vec::new(),
        assurance: Assurance::One,
        kept_by: KeptBy::Store,
    })
}

fn session_of_ada(random: &dyn Random, now: Timestamp) -> (StoredSession, Identity) {
    let identity = Identity::new(random.uuid(), "default", json!({"email": "ada@example.org"}), now);
    let session = Session::new(random.uuid(), identity.id, now, now + Duration::from_secs(3600));
    let (kind, token) = (SessionKind::Native, TokenHash::of(SESSION_TOKEN));
    (StoredSession { session, kind, token, status: StatusIndex::from_number(0) }, identity)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let claims = Value::Object(claims().await?);
    writeln!(std::io::stdout(), "{claims:#}")?;
    Ok(())
}
