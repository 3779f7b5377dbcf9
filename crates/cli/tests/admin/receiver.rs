//! Somebody whom the server calls over HTTP: it notes what it is told, and answers as a test says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

/// Somebody whom the server calls.
#[derive(Clone)]
pub(crate) struct Receiver {
    port: u16,
    pub(crate) state: Arc<Kept>,
}

/// What it keeps.
pub(crate) struct Kept {
    answers: Mutex<HashMap<String, (u16, String)>>,
    calls: Mutex<Vec<Call>>,
    called: Notify,
    /// Calls to `/held` are answered as often as this has room.
    pub(crate) held: Semaphore,
    /// How many of them wait for that.
    waiting: AtomicUsize,
}

/// A call to `/held` that waits to be answered, for as long as whoever called does.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn among(all: &'a AtomicUsize) -> Self {
        all.fetch_add(1, Ordering::SeqCst);
        Self(all)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
    /// The body as it came in.
    pub(crate) bytes: Bytes,
    /// How many calls to `/held` waited for an answer when it came.
    pub(crate) beside_held: usize,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Kept {
            answers: Mutex::default(),
            calls: Mutex::default(),
            called: Notify::new(),
            held: Semaphore::new(0),
            waiting: AtomicUsize::new(0),
        });
        let router = Router::new().fallback(answer).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, state }
    }

    /// Says what it answers at a path from now on.
    pub(crate) fn answers(&self, path: &str, status: u16, body: &str) {
        self.state.answers.lock().unwrap().insert(path.to_owned(), (status, body.to_owned()));
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Takes out the calls that came in, and waits until there is one.
    pub(crate) async fn calls(&self) -> Vec<Call> {
        loop {
            let called = self.state.called.notified();
            let calls = std::mem::take(&mut *self.state.calls.lock().unwrap());
            if !calls.is_empty() {
                return calls;
            }
            called.await;
        }
    }

    /// A web hook that calls this one.
    pub(crate) fn hook(&self, path: &str, more: Value) -> Value {
        let mut config = json!({
            "url": self.url(path),
            "method": "POST",
            "body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg=",
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        json!({"hook": "web_hook", "config": config})
    }
}

async fn answer(State(state): State<Arc<Kept>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let path = uri.path().to_owned();
    let (bytes, body) = (body.clone(), serde_json::from_slice(&body).unwrap_or(Value::Null));
    let beside_held = state.waiting.load(Ordering::SeqCst);
    let waiting = (path == "/held").then(|| Waiting::among(&state.waiting));
    state.calls.lock().unwrap().push(Call { path: path.clone(), headers, body, bytes, beside_held });
    state.called.notify_one();
    if waiting.is_some() {
        state.held.acquire().await.unwrap().forget();
    }
    drop(waiting);
    let (status, body) = state.answers.lock().unwrap().get(&path).cloned().unwrap_or((204, String::new()));
    let location = format!("http://169.254.169.254{path}");
    Response::builder().status(status).header("location", location).body(Body::from(body)).unwrap()
}
