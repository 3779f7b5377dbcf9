//! What every source of sessions must do, whoever keeps them: the store and an upstream go through the same steps.

mod deployment;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use deployment::Deployment;
use serde_json::{Value, json};
use sessera_issuer::sessions::{Named, Presented};
use sessera_issuer::upstream::{Asker, Bounds, Refusal, RefusalKind, Reply, Unanswered, UpstreamSessions};
use sessera_issuer::{Compiled, IssuerMetrics, LiveSession, SessionCache, Sessions};
use sessera_model::{Clock as _, Identity, SystemRandom, TokenHash, Uuid};
use sessera_store::{Change, NewSession, SessionKind};

/// How long a session lives.
const LIFESPAN: Duration = Duration::from_secs(20);

/// The bytes that sessions may take.
const MAX_BYTES: u64 = 256 * 1024;

/// An upstream in memory: sessions by the kind and the text of what opens them.
#[derive(Default)]
struct Upstream(Mutex<HashMap<String, Value>>);

#[async_trait]
impl Asker for Upstream {
    async fn whoami(&self, presented: Presented<'_>) -> Result<Reply, Unanswered> {
        let known = self.0.lock().unwrap().get(&format!("{presented:?} {}", presented.as_str())).cloned();
        Ok(known.map_or_else(refusal, |session| reply(&session)))
    }

    async fn session(&self, id: Uuid) -> Result<Reply, Unanswered> {
        let sessions = self.0.lock().unwrap();
        let known = sessions.values().find(|session| session["id"] == json!(id));
        Ok(known.map_or(Reply::Unknown, reply))
    }

    async fn revoke(&self, id: Uuid) -> Result<(), Unanswered> {
        self.0.lock().unwrap().retain(|_, session| session["id"] != json!(id));
        Ok(())
    }
}

fn reply(session: &Value) -> Reply {
    Reply::Session { body: session.to_string().into(), cookies: Vec::new(), cache_for: None }
}

fn refusal() -> Reply {
    Reply::Refused(Refusal {
        kind: RefusalKind::NoSession,
        body: "{}".into(),
        content_type: None,
        content_encoding: None,
        cookies: Vec::new(),
        retry_after: None,
    })
}

/// A source with all that is around it.
struct World {
    deployment: Deployment,
    compiled: Compiled,
    sessions: Arc<Sessions>,
    upstream: Option<Arc<Upstream>>,
}

impl World {
    async fn both() -> [Self; 2] {
        [Self::new(false).await, Self::new(true).await]
    }

    async fn new(has_upstream: bool) -> Self {
        let deployment = Deployment::start().await;
        let compiled = deployment.compiled(json!({})).await;
        deployment.sessions.cache().set_max_bytes(MAX_BYTES);
        if !has_upstream {
            let sessions = deployment.sessions.clone();
            return Self { deployment, compiled, sessions, upstream: None };
        }
        let upstream = Arc::new(Upstream::default());
        let bounds = Bounds {
            ttl: Duration::from_secs(60),
            timeout: Duration::from_secs(60),
            max_in_flight: 4,
            has_admin_api: true,
        };
        let (clock, metrics) = (deployment.clock.clone(), IssuerMetrics::new().unwrap());
        let source = UpstreamSessions::new(
            upstream.clone(),
            deployment.store.clone(),
            deployment.committer.clone(),
            clock.clone(),
            &SystemRandom::default(),
            bounds,
            metrics.clone(),
        );
        let cache = Arc::new(SessionCache::new(MAX_BYTES));
        let sessions = Arc::new(Sessions::new(cache, Arc::new(source), clock, metrics));
        Self { deployment, compiled, sessions, upstream: Some(upstream) }
    }

    fn name(&self) -> &'static str {
        if self.upstream.is_some() { "upstream" } else { "store" }
    }

    /// Signs somebody in.
    async fn sign_in(&self, person: &Identity, presented: Presented<'_>) -> Uuid {
        let (id, now) = (self.deployment.random.uuid(), self.deployment.clock.now());
        match &self.upstream {
            Some(upstream) => {
                let session = json!({
                    "id": id, "active": true, "expires_at": (now + LIFESPAN).to_string(),
                    "identity": {"id": person.id, "traits": person.traits},
                });
                let key = format!("{presented:?} {}", presented.as_str());
                upstream.0.lock().unwrap().insert(key, session);
            }
            None => {
                let kind = match presented {
                    Presented::Cookie(_) => SessionKind::Browser,
                    _ => SessionKind::Native,
                };
                let session = sessera_model::Session {
                    id,
                    identity_id: person.id,
                    expires_at: now + LIFESPAN,
                    ..self.deployment.session.clone()
                };
                let token = TokenHash::of(presented.as_str());
                let insert = Change::InsertSession(NewSession { session, kind, token });
                self.deployment.committer.commit(&[insert]).await.unwrap();
            }
        }
        id
    }

    /// Ends a session, and has everybody told.
    async fn end(&self, id: Uuid) {
        match &self.upstream {
            Some(upstream) => {
                upstream.revoke(id).await.unwrap();
                self.sessions.cache().drop_session(id);
            }
            None => {
                let revoke = Change::RevokeSession { id, of: None };
                self.deployment.committer.commit(&[revoke]).await.unwrap();
            }
        }
    }

    async fn opened(&self, presented: Presented<'_>) -> Option<Arc<LiveSession>> {
        self.sessions.optional(&self.compiled, Some(presented)).await.unwrap()
    }

    async fn id(&self, presented: Presented<'_>) -> Option<Uuid> {
        self.opened(presented).await.map(|live| live.session.id)
    }
}

#[tokio::test]
async fn a_credential_opens_its_own_session_and_unknown_ones_open_none() {
    for world in World::both().await {
        let (ada, eve) = (world.deployment.ada.clone(), world.deployment.person(json!({})).await);
        let token = Presented::Token("a");
        let cookie = Presented::Cookie("b");
        let (first, second) = (world.sign_in(&ada, token).await, world.sign_in(&eve, cookie).await);
        for _ in 0..2 {
            let live = world.opened(token).await.unwrap();
            assert_eq!((live.session.id, live.session.identity_id), (first, ada.id), "{}", world.name());
            assert_eq!((live.kind, live.schemas_url()), (SessionKind::Native, &*world.compiled.schemas_url));
            let json: Value = serde_json::from_slice(live.json()).unwrap();
            assert_eq!((&json["id"], &json["identity"]["id"]), (&json!(first), &json!(ada.id)));
            let live = world.opened(cookie).await.unwrap();
            assert_eq!((live.session.id, live.kind), (second, SessionKind::Browser));
            assert_eq!(world.id(Presented::Token("c")).await, None);
            assert_eq!(world.id(Presented::Token("")).await, None);
        }
        assert_eq!(world.sessions.cache().len(), 2, "what opens nothing is not kept");
    }
}

#[tokio::test]
async fn what_ended_is_seen_at_once_and_others_stay() {
    for world in World::both().await {
        let ada = world.deployment.ada.clone();
        let (one, other) = (Presented::Token("a"), Presented::Token("b"));
        let (first, second) = (world.sign_in(&ada, one).await, world.sign_in(&ada, other).await);
        assert_eq!((world.id(one).await, world.id(other).await), (Some(first), Some(second)));
        world.end(first).await;
        assert_eq!((world.id(one).await, world.id(other).await), (None, Some(second)), "{}", world.name());
        assert!(world.sessions.in_memory(&world.compiled, one).is_none());
        assert!(world.sessions.in_memory(&world.compiled, other).is_some());
        world.sessions.cache().drop_identity(ada.id);
        assert!(world.sessions.in_memory(&world.compiled, other).is_none());
    }
}

#[tokio::test]
async fn a_session_ends_at_its_end() {
    for world in World::both().await {
        let token = Presented::Token("a");
        world.sign_in(&world.deployment.ada, token).await;
        world.deployment.clock.advance(Duration::from_micros(19_999_999));
        assert!(world.opened(token).await.is_some(), "{}", world.name());
        world.deployment.clock.advance(Duration::from_micros(1));
        assert!(world.sessions.in_memory(&world.compiled, token).is_none(), "{}", world.name());
    }
}

#[tokio::test]
async fn a_session_is_found_by_its_id_and_by_what_was_kept_of_its_cookie() {
    for world in World::both().await {
        let cookie = "the cookie of Ada";
        let id = world.sign_in(&world.deployment.ada, Presented::Cookie(cookie)).await;
        let named = async |id| {
            let live = world.sessions.named(&world.compiled, Named::Id(id)).await.unwrap();
            live.map(|live| live.session.id)
        };
        assert_eq!(named(id).await, Some(id), "{}", world.name());
        assert_eq!(named(Uuid::from_u128(7)).await, None);
        let kept = world.sessions.kept(cookie);
        let again = world.sessions.live_again(&world.compiled, &kept).await.unwrap();
        assert_eq!(again.session.id, id);
        world.end(id).await;
        assert_eq!(named(id).await, None);
        assert!(world.sessions.live_again(&world.compiled, &kept).await.is_err());
    }
}

#[tokio::test]
async fn memory_is_bounded() {
    for world in World::both().await {
        for number in 0..300 {
            let token = format!("token {number}");
            let id = world.sign_in(&world.deployment.ada, Presented::Token(&token)).await;
            assert_eq!(world.id(Presented::Token(&token)).await, Some(id));
        }
        let bytes = world.sessions.cache().bytes();
        assert!(bytes > MAX_BYTES / 2 && bytes < MAX_BYTES + MAX_BYTES / 8, "{}: {bytes}", world.name());
    }
}
