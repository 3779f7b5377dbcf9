//! A server for tests: both APIs without sockets, on a database in a temporary folder, with a clock
//! that stands still.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::FromRef as _;
use axum::http::header::CONTENT_TYPE;
use axum::http::response::Parts;
use axum::http::{HeaderValue, Request};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sessera_accounts::password::PasswordHashing;
use sessera_model::FixedClock;
use sessera_node::configuration::{Addresses, ConfigOrigin, Given};
use sessera_node::managed_keys;
use sessera_store::Store;
use sessera_store::observed::ObservedStore;
pub(crate) use sessera_testing::{Answer, PASSWORD, until};
use sessera_testing::{CIPHER_SECRET, Recording, TestStore};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::app::{App, AppState};
use crate::openapi::tests::check_answer;
use crate::public::whoami::ShortWay;
use crate::{admin_port, public_port};
use sessera_contract::openapi::Port;

/// A signed token with another signature.
pub(crate) fn damaged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{signed}.{first}{}", &signature[1..])
}

/// A server for tests.
pub(crate) struct TestServer {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<FixedClock>,
    recorded: Arc<ObservedStore<Recording>>,
    short_way: ShortWay,
    public: Router,
    admin: Router,
    /// Deleted when the test ends.
    _folder: TempDir,
}

impl TestServer {
    /// A server without configuration, except that passwords are hashed cheaply.
    pub(crate) async fn start() -> Self {
        Self::configured(json!({})).await
    }

    /// A server with a configuration: an object whose members replace those of the default one.
    pub(crate) async fn configured(configuration: Value) -> Self {
        let mut tree = json!({
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
            "secrets": {"cookie": ["a cookie secret for tests"], "cipher": [CIPHER_SECRET]},
        });
        for (name, value) in configuration.as_object().unwrap() {
            tree[name] = value.clone();
        }
        let TestStore { store, clock, random, folder } = TestStore::open().await.unwrap();
        let recorded = Arc::new(ObservedStore::new(store, Recording::default()));
        let store: Arc<dyn Store> = recorded.clone();
        let deployment_id = store.deployment_id().await.unwrap();
        let given = Given {
            origin: ConfigOrigin::default(),
            addresses: Addresses::new(),
            started: tree.clone(),
            base: tree,
            generated: vec![],
            revision: None,
        };
        let snapshot = given.compile(&[]).unwrap();
        let passwords = PasswordHashing::with_workers(random.clone(), 2);
        let app = Arc::new(
            App::new(store, clock.clone(), random, passwords, given, deployment_id, snapshot).unwrap(),
        );
        let state = AppState::from(app.clone());
        Self {
            public: public_port::router(app.snapshots.clone(), app.observer("public"))
                .with_state(state.clone()),
            admin: admin_port::router(&app),
            short_way: ShortWay::from_ref(&state),
            app,
            clock,
            recorded,
            _folder: folder,
        }
    }

    /// What the store is asked.
    pub(crate) fn recorded(&self) -> &Recording {
        self.recorded.observer()
    }

    /// Does what is due for managed keys, as the server does it again and again.
    pub(crate) async fn maintain(&self) {
        managed_keys::maintain(&self.app.configuration, &self.app.managed_keys).await.unwrap();
    }

    /// The routes of the public API.
    pub(crate) const fn public_router(&self) -> &Router {
        &self.public
    }

    /// The routes of the admin API.
    pub(crate) const fn admin_router(&self) -> &Router {
        &self.admin
    }

    /// Calls the admin API.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.admin_with(method, path, &[], body).await
    }

    /// Calls the admin API with headers.
    pub(crate) async fn admin_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let headers = [&[("host", "127.0.0.1:4434")], headers].concat();
        let answer = send(&self.admin, method, path, &headers, body).await;
        check_answer(Port::Admin, method, path, answer.status);
        answer
    }

    /// The body of a good answer of the admin API as text.
    pub(crate) async fn admin_text(&self, path: &str) -> String {
        let request = Request::get(path).header("host", "127.0.0.1:4434").body(Body::empty()).unwrap();
        let response = self.admin.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    /// Calls the public API.
    pub(crate) async fn public(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        // As a listener does it: from memory where that can be.
        if body.is_none() {
            let mut request = Request::builder().method(method).uri(path);
            for (name, value) in headers {
                request = request.header(*name, value.as_bytes());
            }
            let request = request.body(Body::empty()).unwrap();
            if let Some(response) = self.short_way.answer(&request) {
                return received(response).await;
            }
        }
        let answer = send(&self.public, method, path, headers, body).await;
        check_answer(Port::Public, method, path, answer.status);
        answer
    }

    /// Sends a form to the public API.
    pub(crate) async fn public_form(&self, path: &str, form: &str) -> Answer {
        let answer = send_form(&self.public, path, form).await;
        check_answer(Port::Public, "POST", path, answer.status);
        answer
    }

    /// Sends a form to the admin API.
    pub(crate) async fn admin_form(&self, path: &str, form: &str) -> Answer {
        let answer = send_form(&self.admin, path, form).await;
        check_answer(Port::Admin, "POST", path, answer.status);
        answer
    }

    /// Creates an identity with [`PASSWORD`] and returns its id.
    pub(crate) async fn person(&self, email: &str) -> String {
        let body = json!({
            "traits": {"email": email},
            "credentials": {"password": {"config": {"password": PASSWORD}}},
        });
        let answer = self.admin("POST", "/admin/identities", Some(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Signs in through a native flow and returns the answer.
    pub(crate) async fn login(&self, identifier: &str, password: &str) -> Answer {
        let flow = self.public("GET", "/self-service/login/api", &[], None).await;
        let path = format!("/self-service/login?flow={}", flow.body["id"].as_str().unwrap());
        let body = json!({"method": "password", "identifier": identifier, "password": password});
        self.public("POST", &path, &[], Some(body)).await
    }

    /// Signs in as a browser with [`PASSWORD`] and returns the Cookie header.
    pub(crate) async fn browser(&self, email: &str) -> String {
        let json = ("accept", "application/json");
        let begun = self.public("GET", "/self-service/login/browser", &[json], None).await;
        let form_cookie = begun.header("set-cookie").split(';').next().unwrap().to_owned();
        let path = format!("/self-service/login?flow={}", begun.body["id"].as_str().unwrap());
        let token = &begun.body["ui"]["nodes"][0]["attributes"]["value"];
        let body =
            json!({"method": "password", "identifier": email, "password": PASSWORD, "csrf_token": token});
        let done = self.public("POST", &path, &[("cookie", &form_cookie)], Some(body)).await;
        assert_eq!(done.status, 200, "{done:?}");
        let cookies = done.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        cookies.map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
    }

    /// Signs in with [`PASSWORD`] and returns the session token and the session's id.
    pub(crate) async fn signed_in(&self, email: &str) -> (String, String) {
        let answer = self.login(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&answer.body["session_token"]), text(&answer.body["session"]["id"]))
    }
}

async fn send(
    router: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    let body = match body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    received(router.clone().oneshot(request.body(body).unwrap()).await.unwrap()).await
}

async fn send_form(router: &Router, path: &str, form: &str) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header("host", "127.0.0.1:4434")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()));
    received(router.clone().oneshot(request.unwrap()).await.unwrap()).await
}

/// The head and the body of an answer. Streams of events have no end, so nothing of them is read.
pub(crate) async fn whole(response: Response) -> (Parts, Bytes) {
    let (parts, body) = response.into_parts();
    let media_type = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let bytes = match media_type {
        Some(b"text/event-stream") => Bytes::new(),
        _ => body.collect().await.unwrap().to_bytes(),
    };
    (parts, bytes)
}

/// What a response was.
pub(crate) async fn received(response: Response) -> Answer {
    let (parts, bytes) = whole(response).await;
    Answer::new(parts.status.as_u16(), parts.headers, &bytes)
}
