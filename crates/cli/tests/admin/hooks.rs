//! Web hooks over HTTP, against the real program: what is sent, what an answer does, and what receivers that mean no
//! good cannot do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::server::{PASSWORD, Server};

/// Somebody whom web hooks call.
#[derive(Clone)]
struct Receiver {
    port: u16,
    state: Arc<Kept>,
}

struct Kept {
    answers: Mutex<HashMap<String, (u16, String)>>,
    calls: Mutex<Vec<Call>>,
    called: Notify,
    /// Calls to `/held` are answered as often as this has room.
    held: Semaphore,
}

#[derive(Debug)]
struct Call {
    path: String,
    headers: HeaderMap,
    body: Value,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Kept {
            answers: Mutex::default(),
            calls: Mutex::default(),
            called: Notify::new(),
            held: Semaphore::new(0),
        });
        let router = Router::new().fallback(answer).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, state }
    }

    fn answers(&self, path: &str, status: u16, body: &str) {
        self.state.answers.lock().unwrap().insert(path.to_owned(), (status, body.to_owned()));
    }

    /// Takes out the calls that came in, and waits until there is one.
    async fn calls(&self) -> Vec<Call> {
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
    fn hook(&self, path: &str, more: Value) -> Value {
        let mut config = json!({
            "url": format!("http://127.0.0.1:{}{path}", self.port),
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
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    state.calls.lock().unwrap().push(Call { path: path.clone(), headers, body });
    state.called.notify_one();
    if path == "/held" {
        state.held.acquire().await.unwrap().forget();
    }
    let (status, body) = state.answers.lock().unwrap().get(&path).cloned().unwrap_or((204, String::new()));
    let location = format!("http://169.254.169.254{path}");
    Response::builder().status(status).header("location", location).body(Body::from(body)).unwrap()
}

/// A server with web hooks after somebody has signed in with a password.
fn server(hooks: Value) -> Server {
    let flows = json!({"login": {"after": {"password": {"hooks": hooks}}}}).to_string();
    Server::start_with(&[("SELFSERVICE_FLOWS", &flows)])
}

/// Signs in, as the API answers it.
async fn sign_in(server: &Server) -> (u16, Value) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/self-service/login", server.public_url());
    let flow: Value = http.get(format!("{url}/api")).send().await.unwrap().json().await.unwrap();
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let url = format!("{url}?flow={}", flow["id"].as_str().unwrap());
    let answer = http.post(url).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_web_hook_is_called_with_its_key_and_its_words_reach_the_person() {
    let receiver = Receiver::start().await;
    let key =
        json!({"type": "api_key", "config": {"name": "X-Api-Key", "value": "key-for-tests", "in": "header"}});
    let hook = receiver.hook("/after", json!({"auth": key, "response": {"parse": true}}));
    let server = server(json!([hook]));
    let refusal = json!({"messages": [{"instance_ptr": "#/password", "messages": [{"id": 7, "text": "closed", "type": "error"}]}]});
    receiver.answers("/after", 403, &refusal.to_string());
    create(&server).await;
    let (status, flow) = sign_in(&server).await;
    let call = receiver.calls().await.remove(0);
    assert_eq!(
        (call.path.as_str(), &call.headers["x-api-key"]),
        ("/after", &"key-for-tests".parse().unwrap())
    );
    assert_eq!(call.headers["content-type"], "application/json");
    assert_eq!(call.body["session"]["authenticator_assurance_level"], "aal1");
    assert_eq!(call.body["request_method"], "POST");
    assert!(call.body["request_headers"].get("Host").is_none());
    let nodes = flow["ui"]["nodes"].as_array().unwrap();
    let password = nodes.iter().find(|node| node["attributes"]["name"] == "password").unwrap();
    assert_eq!((status, &password["messages"][0]["text"]), (400, &json!("closed")));
    receiver.answers("/after", 204, "");
    assert_eq!(sign_in(&server).await.0, 200);
}

/// Makes the account that signs in.
async fn create(server: &Server) {
    let body = json!({"schema_id": "default", "traits": {"email": "ada@example.org"},
        "credentials": {"password": {"config": {"password": PASSWORD}}}});
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let made = http.post(format!("{}/admin/identities", server.admin())).json(&body).send().await.unwrap();
    assert_eq!(made.status().as_u16(), 201);
}

#[tokio::test]
async fn receivers_that_mean_no_good_let_nobody_in() {
    let receiver = Receiver::start().await;
    let server = server(json!([receiver.hook("/x", json!({"response": {"parse": true}}))]));
    create(&server).await;
    for (status, body, answered) in [
        (200, "x".repeat(1024 * 1024), 502),
        (302, String::new(), 502),
        (200, "nope".into(), 400),
        (400, "{}".into(), 400),
        (501, json!({"messages": [{"messages": [{"text": "x".repeat(5000)}]}]}).to_string(), 400),
    ] {
        receiver.answers("/x", status, &body);
        let (status, told) = sign_in(&server).await;
        assert_eq!(status, answered, "{told}");
        assert!(told["error"]["reason"].as_str().unwrap().contains("log of the server"), "{told}");
        assert_eq!(receiver.calls().await.len(), 1, "nothing else is called");
    }
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_is_ignored() {
    let receiver = Receiver::start().await;
    let server = server(json!([receiver.hook("/held", json!({"response": {"ignore": true}}))]));
    create(&server).await;
    assert_eq!(sign_in(&server).await.0, 200);
    assert_eq!(receiver.calls().await[0].path, "/held");
}

#[tokio::test]
async fn a_web_hook_that_does_not_answer_keeps_nobody_else_waiting() {
    let receiver = Receiver::start().await;
    let server = server(json!([receiver.hook("/held", json!({}))]));
    create(&server).await;
    receiver.state.held.add_permits(1);
    let (_, signed_in) = sign_in(&server).await;
    let token = signed_in["session_token"].as_str().unwrap();
    receiver.calls().await;
    let others = async {
        receiver.calls().await;
        let whoami = server.whoami(token, "").await;
        assert_eq!(whoami["active"], true, "{whoami}");
        receiver.state.held.add_permits(1);
    };
    let ((status, _), ()) = tokio::join!(sign_in(&server), others);
    assert_eq!(status, 200);
}
