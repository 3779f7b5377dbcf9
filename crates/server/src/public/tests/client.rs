//! A client of the flows: a browser with cookies, or a native one.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sessera_accounts::courier;
use sessera_accounts::mail::CodeMail;
use sessera_model::Timestamp;
use sessera_store::Change;
use tower::ServiceExt as _;

use crate::testing::{Answer, PASSWORD, TestServer};

/// A client. Its requests take JSON unless [`Client::page`] is used.
pub(super) struct Client<'a> {
    pub(super) server: &'a TestServer,
    way: &'static str,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) token: Option<String>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) peer: Option<SocketAddr>,
}

/// A flow that was begun.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) csrf_token: String,
}

impl Begun {
    pub(super) fn path(&self) -> String {
        format!("/self-service/{}?flow={}", self.kind, self.id)
    }
}

/// Everything on, nothing slow.
pub(super) fn everything() -> Value {
    let on = json!({"enabled": true});
    json!({"selfservice": {
        "allowed_return_urls": ["https://app.example.org/"],
        "methods": {"totp": on, "lookup_secret": on},
        "flows": {
            "recovery": on,
            "verification": on,
            "settings": {"privileged_session_max_age": "15m"},
            "registration": {"after": {"password": {"hooks": [{"hook": "session"}]}}},
        },
    }})
}

impl<'a> Client<'a> {
    pub(super) fn browser(server: &'a TestServer) -> Self {
        Self::new(server, "browser")
    }

    pub(super) fn native(server: &'a TestServer) -> Self {
        Self::new(server, "api")
    }

    fn new(server: &'a TestServer, way: &'static str) -> Self {
        Self { server, way, cookies: BTreeMap::new(), token: None, headers: Vec::new(), peer: None }
    }

    /// `browser` or `api`.
    pub(super) const fn way(&self) -> &'static str {
        self.way
    }

    pub(super) fn from(mut self, peer: &str) -> Self {
        self.peer = Some(SocketAddr::new(peer.parse().unwrap(), 4711));
        self
    }

    /// Sends a request and keeps the cookies of the answer.
    pub(super) async fn send(
        &mut self,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", pairs.join("; "));
        }
        if let Some(token) = &self.token {
            request = request.header("x-session-token", token);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value.as_bytes());
        }
        for (name, value) in more {
            request = request.header(*name, value.as_bytes());
        }
        let mut request = request.body(Body::from(body.to_vec())).unwrap();
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let response = self.server.public_router().clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        self.keep_cookies(&parts.headers);
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body, text }
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        if self.way == "api" {
            return;
        }
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("accept", "application/json")], b"").await
    }

    /// Gets a path as a person who navigates.
    pub(super) async fn page(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("accept", "text/html")], b"").await
    }

    pub(super) async fn post(&mut self, path: &str, body: &Value) -> Answer {
        let headers = [("accept", "application/json"), ("content-type", "application/json")];
        self.send("POST", path, &headers, body.to_string().as_bytes()).await
    }

    /// Submits a form as a browser without scripts.
    pub(super) async fn submit_form(&mut self, flow: &Begun, fields: &[(&str, &str)]) -> Answer {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf_token", &flow.csrf_token).extend_pairs(fields);
        let headers = [("accept", "text/html"), ("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", &flow.path(), &headers, form.finish().as_bytes()).await
    }

    /// Begins a flow; `query` begins with a question mark or is empty.
    pub(super) async fn begin(&mut self, kind: &'static str, query: &str) -> Begun {
        let answer = self.get(&format!("/self-service/{kind}/{}{query}", self.way)).await;
        assert_eq!(answer.status, 200, "{kind}{query}: {answer:?}");
        Self::begun(kind, &answer)
    }

    /// The flow in an answer.
    pub(super) fn begun(kind: &'static str, answer: &Answer) -> Begun {
        let nodes = answer.body["ui"]["nodes"].as_array().cloned().unwrap_or_default();
        let token = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token");
        let csrf_token = token.and_then(|node| node["attributes"]["value"].as_str()).unwrap_or_default();
        Begun { kind, id: answer.body["id"].as_str().unwrap().to_owned(), csrf_token: csrf_token.to_owned() }
    }

    /// Submits a flow as JSON, with its token.
    pub(super) async fn submit(&mut self, flow: &Begun, mut body: Value) -> Answer {
        body["csrf_token"] = flow.csrf_token.as_str().into();
        self.post(&flow.path(), &body).await
    }

    /// Signs in with a password and returns the answer.
    pub(super) async fn login(&mut self, identifier: &str, password: &str) -> Answer {
        let flow = self.begin("login", "").await;
        self.submit(&flow, json!({"method": "password", "identifier": identifier, "password": password}))
            .await
    }

    /// Makes an account and signs in with it.
    pub(super) async fn signed_in(mut self, email: &str) -> Self {
        self.server.person(email).await;
        let answer = self.login(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.token = answer.body["session_token"].as_str().map(ToOwned::to_owned);
        self
    }

    /// The status and body of whoami.
    pub(super) async fn whoami(&mut self) -> (u16, Value) {
        let answer = self.get("/sessions/whoami").await;
        (answer.status, answer.body)
    }
}

/// The code in the newest mail to an address, which leaves the outbox.
pub(super) async fn mailed_code(server: &TestServer, address: &str) -> Option<String> {
    mailed(server, address).await.map(|mail| mail.code.expose().to_owned())
}

/// The newest mail to an address, which leaves the outbox. Which of two is tried again first says nothing about their age.
pub(super) async fn mailed(server: &TestServer, address: &str) -> Option<CodeMail> {
    while courier::deliver_due(&server.app.accounts, server.app.snapshot().accounts.clone()).await.unwrap()
        > 0
    {}
    let waiting = server.app.store.due_messages(Timestamp::MAX, 1000).await.unwrap();
    let message = waiting
        .into_iter()
        .filter(|message| message.recipient == address)
        .max_by_key(|message| message.created_at)?;
    server.app.commit(&[Change::MessageSent(message.id)]).await.unwrap();
    CodeMail::parse(message.content.expose())
}
