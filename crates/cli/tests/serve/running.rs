//! A server that runs, and how tests talk to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a condition may take to come true on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) log: Receiver<String>,
    /// What it wrote before it served.
    pub(crate) said: Vec<String>,
    pub(crate) public: String,
    pub(crate) admin: String,
    /// Empty when it has none.
    pub(crate) gateway: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have ended by itself, which the test has found out already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn command(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessera"));
    command
        .arg("serve")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs([("SERVE_PUBLIC_PORT", "0"), ("SERVE_ADMIN_PORT", "0"), ("LOG_FORMAT", "json")])
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// The command that starts a server by another program, which becomes it.
pub(crate) fn command_by(launcher: &str, arguments: &[&str], server: &Command) -> Command {
    let mut command = Command::new(launcher);
    command
        .args(arguments)
        .arg(server.get_program())
        .args(server.get_args())
        .current_dir(server.get_current_dir().unwrap())
        .env_clear()
        .envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Starts a server and waits until it serves.
pub(crate) fn start(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Server {
    started(&mut command(folder, arguments, environment))
}

/// Waits until a server serves.
pub(crate) fn started(command: &mut Command) -> Server {
    let mut child = command.spawn().unwrap();
    let (sender, log) = channel();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let mut server = Server {
        child,
        log,
        said: Vec::new(),
        public: String::new(),
        admin: String::new(),
        gateway: String::new(),
    };
    let (mut said, line) = server.heard("sessera serves");
    server.said.append(&mut said);
    let fields = serde_json::from_str::<Value>(&line).unwrap()["fields"].clone();
    fields["public"].as_str().unwrap().clone_into(&mut server.public);
    fields["admin"].as_str().unwrap().clone_into(&mut server.admin);
    fields["gateway"].as_str().unwrap_or_default().clone_into(&mut server.gateway);
    server
}

impl Server {
    /// Waits for a line of the log that holds a text.
    pub(crate) fn logged(&self, text: &str) -> String {
        self.heard(text).1
    }

    /// Waits for a line of the log that holds a text; with the lines before it.
    pub(crate) fn heard(&self, text: &str) -> (Vec<String>, String) {
        let end = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            let rest = end.saturating_duration_since(Instant::now());
            match self.log.recv_timeout(rest) {
                Ok(line) if line.contains(text) => return (seen, line),
                Ok(line) => seen.push(line),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("the log never said \"{text}\", only: {seen:#?}")
                }
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

/// What a server that does not start says.
pub(crate) fn refusal(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = command(folder, arguments, environment).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

pub(crate) fn call(
    address: &str,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> (u16, Value) {
    try_call(address, method, path, headers, body).expect("an answer")
}

/// The answer of a server, if there is one.
pub(crate) fn try_call(
    address: &str,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> Option<(u16, Value)> {
    let mut head = vec![format!("{method} {path} HTTP/1.1"), format!("host: {address}")];
    head.extend(headers.iter().map(|line| (*line).to_owned()));
    let body = body.map(Value::to_string).unwrap_or_default();
    if !body.is_empty() {
        head.push("content-type: application/json".into());
    }
    head.push(format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(head.join("\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    // An answer that was cut off does not count.
    let body = if body.is_empty() { Value::Null } else { serde_json::from_str(body).ok()? };
    Some((status, body))
}

/// Signs a person up and returns the session token.
pub(crate) fn sign_up(server: &Server) -> String {
    let (_, flow) = call(&server.public, "GET", "/self-service/registration/api", &[], None);
    let path = format!("/self-service/registration?flow={}", flow["id"].as_str().unwrap());
    let body = json!({"method": "password", "password": "Zx-long-enough-1234", "traits": {"email": "ada@example.org"}});
    let (status, answer) = call(&server.public, "POST", &path, &[], Some(&body));
    assert_eq!(status, 200, "{answer}");
    answer["session_token"].as_str().unwrap().to_owned()
}

/// The id of the key that signs a token of the template `t`, or the status of an error.
pub(crate) fn signer(server: &Server, token: &str) -> Result<String, u16> {
    let header = format!("x-session-token: {token}");
    let (status, session) = call(&server.public, "GET", "/sessions/whoami?tokenize_as=t", &[&header], None);
    let Some(jwt) = session["tokenized"].as_str() else { return Err(status) };
    let head = sessera_jose::base64url::decode(jwt.split('.').next().unwrap()).unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    Ok(head["kid"].as_str().unwrap().to_owned())
}

/// Asks again and again until the answer is the one that is waited for.
pub(crate) fn wait_for<T: PartialEq + std::fmt::Debug>(wanted: &T, mut ask: impl FnMut() -> T) {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if answer == *wanted {
            return;
        }
        assert!(Instant::now() < end, "still {answer:?} instead of {wanted:?}");
        std::thread::yield_now();
    }
}

pub(crate) fn keys(kid: &str) -> String {
    json!({"keys": [{"kty": "oct", "kid": kid, "alg": "HS256",
        "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDA"}]})
    .to_string()
}
