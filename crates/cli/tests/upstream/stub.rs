//! An upstream that does as a test tells it: a server on a port of its own, which notes what it is asked.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Collected};
use serde_json::{Value, json};
use sessera_model::Uuid;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A request that arrived.
#[derive(Clone, Debug)]
pub(super) struct UpstreamRequest {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl UpstreamRequest {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What is answered, in the order of the answers that are queued; afterwards by credentials.
pub(super) struct Stub {
    pub(super) url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Sessions by the header in which their credential comes, as `name: value`.
    sessions: Mutex<HashMap<String, Value>>,
    /// Answers that come before everything else.
    queued: Mutex<VecDeque<Response<Body>>>,
    asked: Mutex<Vec<UpstreamRequest>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// Answers wait while it is held.
    held: Option<watch::Sender<bool>>,
}

/// The session of somebody, as a Kratos tells it.
pub(super) fn session(number: u128) -> Value {
    json!({
        "id": Uuid::from_u128(1000 + number), "active": true,
        "expires_at": "2100-01-01T00:00:00Z",
        "authenticated_at": "2026-01-01T00:00:00Z", "issued_at": "2026-01-01T00:00:00Z",
        "authenticator_assurance_level": "aal1", "authentication_methods": [{"method": "password"}],
        "identity": {
            "id": Uuid::from_u128(2000 + number), "schema_id": "default", "state": "active",
            "traits": {"email": format!("person-{number}@example.org")},
        },
        "devices": [],
    })
}

/// The id of somebody's session.
pub(super) fn session_id(number: u128) -> Uuid {
    Uuid::from_u128(1000 + number)
}

/// The id of somebody.
pub(super) fn identity_id(number: u128) -> Uuid {
    Uuid::from_u128(2000 + number)
}

/// An answer with JSON.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body.to_owned())).unwrap()
}

impl Stub {
    pub(super) async fn start() -> Self {
        let (held, _) = watch::channel(false);
        let state = Arc::new(State { held: Some(held), ..State::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = state.clone();
        let router = axum::Router::new()
            .fallback(move |request: Request<Body>| async move { shared.answer(request).await });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// From now on a credential, such as `x-session-token: x`, opens a session.
    pub(super) fn knows(&self, credential: &str, session: Value) {
        self.state.sessions.lock().unwrap().insert(credential.to_owned(), session);
    }

    /// From now on a credential opens nothing.
    pub(super) fn ends(&self, credential: &str) {
        self.state.sessions.lock().unwrap().remove(credential);
    }

    /// Answers the next request in this way.
    pub(super) fn next(&self, answer: Response<Body>) {
        self.state.queued.lock().unwrap().push_back(answer);
    }

    /// What arrived since the last call.
    pub(super) fn asked(&self) -> Vec<UpstreamRequest> {
        std::mem::take(&mut *self.state.asked.lock().unwrap())
    }

    /// How many requests are under way.
    pub(super) fn under_way(&self) -> usize {
        self.state.under_way.load(Ordering::SeqCst)
    }

    /// The most requests that were under way at once.
    pub(super) fn most_under_way(&self) -> usize {
        self.state.most_under_way.load(Ordering::SeqCst)
    }

    /// Holds answers back, or lets them go.
    pub(super) fn hold(&self, hold: bool) {
        self.state.held.as_ref().unwrap().send_replace(hold);
    }
}

impl State {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        let asked = UpstreamRequest { method: parts.method, uri: parts.uri, headers: parts.headers, body };
        self.asked.lock().unwrap().push(asked.clone());
        // What was queued is for the one who came first, however long it is held back.
        let queued = self.queued.lock().unwrap().pop_front();
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(now, Ordering::SeqCst);
        let mut held = self.held.as_ref().unwrap().subscribe();
        let _ = held.wait_for(|held| !held).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        queued.unwrap_or_else(|| self.usual(&asked))
    }

    /// What a Kratos would answer.
    fn usual(&self, asked: &UpstreamRequest) -> Response<Body> {
        let sessions = self.sessions.lock().unwrap();
        if let Some(id) = asked.uri.path().strip_prefix("/admin/sessions/") {
            let found = sessions.values().find(|session| session["id"] == id);
            return match (found, &asked.method) {
                (Some(session), &Method::GET) => answer(200, &[], &session.to_string()),
                (Some(_), _) => answer(204, &[], ""),
                (None, _) => answer(404, &[], r#"{"error":{"code":404}}"#),
            };
        }
        if asked.uri.path() != "/sessions/whoami" {
            return answer(200, &[("x-stub", "1")], &format!("{{\"path\":\"{}\"}}", asked.uri));
        }
        let credentials = asked
            .headers
            .iter()
            .filter_map(|(name, value)| sessions.get(&format!("{name}: {}", value.to_str().ok()?)));
        match credentials.into_iter().next() {
            Some(session) => answer(
                200,
                &[(
                    "x-kratos-authenticated-identity-id",
                    session["identity"]["id"].as_str().unwrap_or_default(),
                )],
                &format!("{session}\n"),
            ),
            None => answer(
                401,
                &[],
                r#"{"error":{"code":401,"status":"Unauthorized","reason":"told by the stub"}}"#,
            ),
        }
    }
}
