//! A gateway for tests: a database in a temporary folder, a clock that stands still, Ada and her sessions.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use sessera_config::Config;
use sessera_gateway::decision::{Decision, Fate, Pass};
use sessera_gateway::dialect::Dialect;
use sessera_gateway::question::{Question, Target};
use sessera_gateway::{Gateway, Health, Snapshot};
use sessera_issuer::sessions::OwnStore;
use sessera_issuer::{
    Assurance, Compiled, IssuerMetrics, KeptBy, Lease, ReusedTokens, SessionCache, Sessions, Settings,
    Templates, TokenIssuer,
};
use sessera_jose::{Algorithm, JwkSet, base64url, generate};
use sessera_model::{
    Clock as _, CredentialKind, FixedClock, GoDuration, Identity, Random, Session, TokenHash,
};
use sessera_rotation::Timing;
use sessera_store::{Change, Committer, NewSession, SessionKind, Store};
use sessera_telemetry::Metrics;
use sessera_testing::TestStore;
use tempfile::TempDir;

/// Opens Ada's session as a cookie, and as a token.
pub(crate) const COOKIE: &str = "the-cookie-of-Ada";
pub(crate) const TOKEN: &str = "the-token-of-Ada";

/// As a browser asks for a page.
pub(crate) const PAGE: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

/// Where Ada's requests come from.
const PROXY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A gateway whose configuration a test changes.
pub(crate) struct TestGateway {
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) committer: Committer,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ada: Identity,
    pub(crate) session: Session,
    gateway: Gateway,
    now: Arc<Mutex<Arc<Snapshot>>>,
    keys: String,
    _folder: TempDir,
}

impl TestGateway {
    /// A gateway with these routes, and with the template `api`.
    pub(crate) async fn with(routes: Value) -> Self {
        let TestStore { store, clock, random, folder } = TestStore::open().await.unwrap();
        let metrics = Arc::new(Metrics::default());
        let cache = Arc::new(SessionCache::new(1 << 20));
        let committer = Committer::new(store.clone(), vec![cache.clone()]);
        let (numbers, lease) = (metrics.issuer.clone(), Arc::new(Lease::default()));
        let sessions = sessions(&store, &cache, &clock, &numbers);
        let ada = ada(&*random, clock.now().micros());
        committer.commit(&[Change::InsertIdentity(ada.clone())]).await.unwrap();
        let session = session(&ada, &*random, &clock);
        let other = Session { id: random.uuid(), ..session.clone() };
        committer
            .commit(&[
                insert(&session, SessionKind::Native, TOKEN),
                insert(&other, SessionKind::Browser, COOKIE),
            ])
            .await
            .unwrap();
        let keys = JwkSet::new(vec![generate::key(Algorithm::Es256, None, 0).unwrap()]).unwrap();
        let keys = format!("base64://{}", base64url::encode(keys.to_private_json().to_string()));
        let now = Arc::new(Mutex::new(Arc::new(compiled(&routes, &json!({}), &keys))));
        let tokens = TokenIssuer::new(clock.clone(), random, lease.clone(), numbers.clone());
        let tokens = ReusedTokens::new(cache, Arc::new(tokens), lease, clock.clone(), numbers);
        let current = now.clone();
        let gateway = Gateway {
            now: Arc::new(move || current.lock().unwrap().clone()),
            sessions: sessions.clone(),
            tokens: Arc::new(tokens),
            decisions: metrics.gateway_decisions.clone(),
            kratos_cookies: metrics.kratos_cookies.clone(),
            traces: None,
            health: Health::default(),
        };
        Self { clock, committer, sessions, metrics, ada, session, gateway, now, keys, _folder: folder }
    }

    /// Compiles other routes, and perhaps other members of the template.
    pub(crate) fn configure(&self, routes: &Value, template: &Value) {
        *self.now.lock().unwrap() = Arc::new(compiled(routes, template, &self.keys));
    }

    /// What becomes of a request of somebody behind a proxy, by the route `api`.
    pub(crate) async fn decide(&self, method: &str, headers: &[(&str, &str)]) -> Decision {
        self.decide_for(Some(PROXY), "api", method, headers).await
    }

    pub(crate) async fn decide_for(
        &self,
        peer: Option<IpAddr>,
        route: &str,
        method: &str,
        headers: &[(&str, &str)],
    ) -> Decision {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        let question = Question {
            dialect: Dialect::ForwardAuth,
            route: Some(route),
            method,
            is_method_certain: true,
            headers: &map,
            target: Target { scheme: Some("http"), host: Some("app.example"), path: Some("/inbox?a=b") },
        };
        self.gateway.decide(peer, &question).await
    }

    /// How Ada's request passes.
    pub(crate) async fn pass(&self, headers: &[(&str, &str)]) -> Pass {
        match self.decide("GET", headers).await {
            Decision::Pass(pass) => pass,
            other => panic!("{other:?}"),
        }
    }

    /// The token that Ada's request passes with.
    pub(crate) async fn token(&self) -> String {
        value(&self.pass(&[("x-session-token", TOKEN)]).await, "authorization")
    }

    /// How often tokens were given again.
    pub(crate) fn reused(&self) -> u64 {
        self.metrics.issuer.reused_tokens.get()
    }

    /// How often something was decided.
    pub(crate) fn decided(&self, route: &str, outcome: &str) -> u64 {
        self.metrics.gateway_decisions.with_label_values(&[route, "forward-auth", outcome]).get()
    }
}

/// The value that a header of the app's request has.
pub(crate) fn value(pass: &Pass, name: &str) -> String {
    let found = pass.headers.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{pass:?}"));
    match &found.1 {
        Fate::Set(value) | Fate::Keep(Some(value)) => value.to_str().unwrap().to_owned(),
        Fate::Remove | Fate::Keep(None) => String::new(),
    }
}

fn sessions(
    store: &Arc<dyn Store>,
    cache: &Arc<SessionCache>,
    clock: &Arc<FixedClock>,
    metrics: &IssuerMetrics,
) -> Arc<Sessions> {
    let source = Arc::new(OwnStore::new(store.clone()));
    Arc::new(Sessions::new(cache.clone(), source, clock.clone(), metrics.clone()))
}

fn compiled(routes: &Value, template: &Value, keys: &str) -> Snapshot {
    let mut api = json!({"jwks_url": keys, "ttl": "10m"});
    for (name, member) in template.as_object().unwrap() {
        api[name] = member.clone();
    }
    // {"properties": {"traits": {"type": "object"}}}
    let schema = "base64://eyJwcm9wZXJ0aWVzIjogeyJ0cmFpdHMiOiB7InR5cGUiOiAib2JqZWN0In19fQ==";
    let tree = json!({
        "serve": {"public": {"base_url": "https://id.example.org/"}},
        "identity": {"schemas": [{"id": "default", "url": schema}, {"id": "staff", "url": schema}]},
        "secrets": {"cookie": ["a cookie secret of 32 characters"], "cipher": [sessera_testing::CIPHER_SECRET]},
        "selfservice": {"allowed_return_urls": ["https://app.example/"]},
        "session": {"whoami": {"required_aal": "aal1", "tokenizer": {"templates": {"api": api}}}},
        "gateway": {"routes": routes},
    });
    let config = Config::from_tree(&tree).unwrap();
    let seconds = |count| GoDuration::new(Duration::from_secs(count));
    let settings = Settings {
        issuer: config.public.issuer.clone(),
        templates: config.templates.clone(),
        timing: Timing { lease: seconds(60), skew: seconds(5), max_age: seconds(300) },
        status_list_max_age: Duration::from_secs(60),
        max_stale: Duration::ZERO,
        second_factors: vec![CredentialKind::Totp],
        assurance: Assurance::One,
        kept_by: KeptBy::Store,
    };
    let issuer = Compiled::compile(settings, &[], &Templates::default()).unwrap();
    let accounts = sessera_accounts::Snapshot::compile(&config).unwrap();
    Snapshot::compile(&config, Arc::new(issuer), Arc::new(accounts))
}

fn ada(random: &dyn Random, now: i64) -> Identity {
    let now = sessera_model::Timestamp::from_micros(now);
    Identity::new(random.uuid(), "default", json!({"email": "ada@example.org", "name": "Zoë"}), now)
}

fn session(identity: &Identity, random: &dyn Random, clock: &FixedClock) -> Session {
    Session::new(random.uuid(), identity.id, clock.now(), clock.now() + Duration::from_secs(24 * 3600))
}

fn insert(session: &Session, kind: SessionKind, token: &str) -> Change {
    Change::InsertSession(NewSession { session: session.clone(), kind, token: TokenHash::of(token) })
}
