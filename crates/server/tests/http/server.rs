//! A server on real sockets, and a client that can send what a well-behaved one cannot.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use sessera_server::{ConfigOrigin, Server};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A password that is good enough.
pub(crate) const PASSWORD: &str = "Zx-long-enough-1234";

/// A server that ends with the test.
pub(crate) struct Running {
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    _stop: DropGuard,
    _folder: TempDir,
}

/// What a request was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in small letters, as they came.
    pub(crate) headers: Vec<(String, String)>,
    /// Null when the answer has no JSON body.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// What to do about an error.
    pub(crate) fn reason(&self) -> &str {
        self.body["error"]["reason"].as_str().unwrap_or_default()
    }

    /// Fails the test unless the answer is an error in the envelope of the contract.
    pub(crate) fn assert_error(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        let error = &self.body["error"];
        assert_eq!(error["code"], status, "{self:?}");
        for member in ["status", "reason", "message"] {
            assert!(error[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self:?}");
        }
        assert!(self.header("cache-control").contains("no-store"), "{self:?}");
    }
}

impl Running {
    /// A server with cheap password hashing and the rest as configured: members over the default tree.
    pub(crate) async fn start(configuration: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut tree = json!({
            "dsn": format!("sqlite://{}", folder.path().join("test.sqlite").display()),
            "serve": {"public": {"port": 0}, "admin": {"port": 0}},
            "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
        });
        for (name, value) in configuration.as_object().unwrap() {
            tree[name] = value.clone();
        }
        let file = folder.path().join("sessera.yml");
        std::fs::write(&file, tree.to_string()).unwrap();
        let origin =
            ConfigOrigin { files: vec![file.into()], environment: std::collections::HashMap::default() };
        // The configuration is large, and so is the future that reads it.
        let server = Box::pin(Server::start(origin)).await.unwrap();
        let (public, admin) = (server.public_address().unwrap(), server.admin_address().unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(server.run(stop.clone()));
        Self { public, admin, _stop: stop.drop_guard(), _folder: folder }
    }

    /// Calls the public API with a JSON body.
    pub(crate) async fn public(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: Option<Value>,
    ) -> Answer {
        call(self.public, method, path, headers, body).await
    }

    /// Calls the admin API with a JSON body.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        call(self.admin, method, path, &[], body).await
    }

    /// Creates an identity with [`PASSWORD`] and returns its id.
    pub(crate) async fn person(&self, email: &str) -> String {
        let password = json!({"config": {"password": PASSWORD}});
        let body = json!({"traits": {"email": email}, "credentials": {"password": password}});
        let answer = self.admin("POST", "/admin/identities", Some(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Begins a native login flow and returns where to submit it.
    pub(crate) async fn login_flow(&self) -> String {
        let flow = self.public("GET", "/self-service/login/api", &[], None).await;
        format!("/self-service/login?flow={}", flow.body["id"].as_str().unwrap())
    }

    /// Signs in with [`PASSWORD`] and returns the session token.
    pub(crate) async fn signed_in(&self, email: &str) -> String {
        let body = json!({"method": "password", "identifier": email, "password": PASSWORD});
        let answer = self.public("POST", &self.login_flow().await, &[], Some(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["session_token"].as_str().unwrap().to_owned()
    }

    /// Patches the configuration.
    pub(crate) async fn patch(&self, operations: Value) -> Answer {
        self.admin("PATCH", "/projects/default", Some(operations)).await
    }

    /// The answer of whoami, tokenized by a template.
    pub(crate) async fn tokenize(&self, token: &str, template: &str) -> Answer {
        let path = format!("/sessions/whoami?tokenize_as={template}");
        self.public("GET", &path, &[&format!("x-session-token: {token}")], None).await
    }
}

/// An operation that adds a tokenizer template.
pub(crate) fn add_template(name: &str, template: &Value) -> Value {
    let path = format!("/services/identity/config/session/whoami/tokenizer/templates/{name}");
    json!({"op": "add", "path": path, "value": template})
}

async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<Value>,
) -> Answer {
    let mut lines = headers.to_vec();
    let text = body.map(|body| body.to_string());
    if text.is_some() {
        lines.push("content-type: application/json");
    }
    send(address, method, path, &lines, text.unwrap_or_default().as_bytes()).await
}

/// Sends a request with these lines in its head and this body, whatever they are.
pub(crate) async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &[u8],
) -> Answer {
    let names = |name: &str| headers.iter().any(|line| line.to_ascii_lowercase().starts_with(name));
    let mut head = vec![format!("{method} {path} HTTP/1.1")];
    head.extend(headers.iter().map(|line| (*line).to_owned()));
    if !names("host:") {
        head.push(format!("host: {address}"));
    }
    if !body.is_empty() && !names("content-length:") && !names("transfer-encoding:") {
        head.push(format!("content-length: {}", body.len()));
    }
    head.push("connection: close\r\n\r\n".to_owned());
    exchange(address, &[head.join("\r\n").as_bytes(), body].concat()).await
}

/// Sends bytes and reads what is answered until the connection ends.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let talk = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::time::timeout(Duration::from_secs(60), talk).await.expect("an answer in time");
    parse(&answer)
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer with a head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    // Answers of this server are small and carry their length; none comes in chunks.
    Answer { status, headers, body: serde_json::from_slice(&answer[end + 4..]).unwrap_or_default() }
}
