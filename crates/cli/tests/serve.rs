//! `sessera serve` as a person starts it: the real program, its files, its environment and its signals.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a condition may take to come true on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ends with the test.
struct Server {
    child: Child,
    log: Receiver<String>,
    /// What it wrote before it served.
    said: Vec<String>,
    public: String,
    admin: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have ended by itself, which the test has found out already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
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

/// Starts a server and waits until it serves.
fn start(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Server {
    started(&mut command(folder, arguments, environment))
}

/// Waits until a server serves.
fn started(command: &mut Command) -> Server {
    let mut child = command.spawn().unwrap();
    let (sender, log) = channel();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let mut server = Server { child, log, said: Vec::new(), public: String::new(), admin: String::new() };
    let (mut said, line) = server.heard("sessera serves");
    server.said.append(&mut said);
    let fields = serde_json::from_str::<Value>(&line).unwrap()["fields"].clone();
    fields["public"].as_str().unwrap().clone_into(&mut server.public);
    fields["admin"].as_str().unwrap().clone_into(&mut server.admin);
    server
}

impl Server {
    /// Waits for a line of the log that holds a text.
    fn logged(&self, text: &str) -> String {
        self.heard(text).1
    }

    /// Waits for a line of the log that holds a text; with the lines before it.
    fn heard(&self, text: &str) -> (Vec<String>, String) {
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

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }
}

/// What a server that does not start says.
fn refusal(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = command(folder, arguments, environment).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn call(address: &str, method: &str, path: &str, headers: &[&str], body: Option<&Value>) -> (u16, Value) {
    try_call(address, method, path, headers, body).expect("an answer")
}

/// The answer of a server, if there is one.
fn try_call(
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
fn sign_up(server: &Server) -> String {
    let (_, flow) = call(&server.public, "GET", "/self-service/registration/api", &[], None);
    let path = format!("/self-service/registration?flow={}", flow["id"].as_str().unwrap());
    let body = json!({"method": "password", "password": "Zx-long-enough-1234", "traits": {"email": "ada@example.org"}});
    let (status, answer) = call(&server.public, "POST", &path, &[], Some(&body));
    assert_eq!(status, 200, "{answer}");
    answer["session_token"].as_str().unwrap().to_owned()
}

/// The id of the key that signs a token of the template `t`, or the status of an error.
fn signer(server: &Server, token: &str) -> Result<String, u16> {
    let header = format!("x-session-token: {token}");
    let (status, session) = call(&server.public, "GET", "/sessions/whoami?tokenize_as=t", &[&header], None);
    let Some(jwt) = session["tokenized"].as_str() else { return Err(status) };
    let head = sessera_jose::base64url::decode(jwt.split('.').next().unwrap()).unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    Ok(head["kid"].as_str().unwrap().to_owned())
}

/// Asks again and again until the answer is the one that is waited for.
fn wait_for<T: PartialEq + std::fmt::Debug>(wanted: &T, mut ask: impl FnMut() -> T) {
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

fn keys(kid: &str) -> String {
    json!({"keys": [{"kty": "oct", "kid": kid, "alg": "HS256",
        "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTAwMDA"}]})
    .to_string()
}

#[test]
fn nothing_but_the_program_is_needed() {
    let folder = TempDir::new().unwrap();
    let server = start(folder.path(), &[], &[]);
    assert!(server.public.starts_with("127.0.0.1:") && server.admin.starts_with("127.0.0.1:"));
    let token = sign_up(&server);
    let header = format!("x-session-token: {token}");
    let whoami = |server: &Server| call(&server.public, "GET", "/sessions/whoami", &[&header], None).0;
    assert_eq!(whoami(&server), 200);
    // Only the owner can read the files that the server keeps.
    let files: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().any(|file| file.ends_with("sessera.sqlite.secrets.json")), "{files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
        assert!(!std::fs::read(&file).unwrap().windows(token.len()).any(|text| text == token.as_bytes()));
    }
    // A server that is killed loses nothing.
    drop(server);
    assert_eq!(whoami(&start(folder.path(), &[], &[])), 200);
}

#[test]
fn killed_at_any_moment_it_has_lost_nothing_that_it_acknowledged() {
    let folder = TempDir::new().unwrap();
    let mut acknowledged = Vec::new();
    for round in 1..=3 {
        let mut server = start(folder.path(), &[], &[]);
        let admin = server.admin.clone();
        let (sender, made) = channel();
        let writer = std::thread::spawn(move || {
            for number in 0.. {
                let traits = json!({"email": format!("{round}-{number}@example.org")});
                let body = json!({"traits": traits, "external_id": format!("{round}-{number}")});
                let Some((201, identity)) = try_call(&admin, "POST", "/admin/identities", &[], Some(&body))
                else {
                    return;
                };
                if sender.send(identity["id"].clone()).is_err() {
                    return;
                }
            }
        });
        // The server is killed in the middle of the request after these.
        acknowledged.extend(made.iter().take(20 * round));
        server.child.kill().unwrap();
        acknowledged.extend(made.iter());
        writer.join().unwrap();
    }
    let server = start(folder.path(), &[], &[]);
    for id in acknowledged {
        let path = format!("/admin/identities/{}", id.as_str().unwrap());
        assert_eq!(call(&server.admin, "GET", &path, &[], None).0, 200);
    }
}

#[test]
fn told_to_stop_it_ends_in_good_order() {
    let folder = TempDir::new().unwrap();
    let mut server = start(folder.path(), &[], &[]);
    server.signal("TERM");
    server.logged("told to stop");
    assert!(server.child.wait().unwrap().success());
}

#[test]
fn one_file_is_served_by_one_server_and_who_has_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path(), &[], &[]);
    let refused = refusal(folder.path(), &[], &[]);
    let process = format!("process {}", first.child.id());
    assert!(refused.contains(&process) && refused.contains("since 2"), "{refused}");
    let moved = Command::new(env!("CARGO_BIN_EXE_sessera"))
        .args(["migrate", "--from", "sqlite://sessera.sqlite", "--to", "sqlite://other.sqlite"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!(moved.status.code(), Some(1));
    assert!(String::from_utf8(moved.stderr).unwrap().contains(&process));
    // Killed, it leaves nothing behind that keeps the next one out.
    first.signal("KILL");
    drop(first);
    start(folder.path(), &[], &[]);
}

#[test]
fn files_with_secrets_that_others_may_read_are_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(folder.path(), &[], &[]));
    let expose = |name: &str, mode| {
        let path = folder.path().join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    expose("sessera.sqlite.secrets.json", 0o644);
    expose("sessera.sqlite", 0o666);
    let config = "secrets: {cipher: [a-secret-of-at-least-32-characters]}\nserve: {admin: {token: a-token-of-at-least-24-characters}}\n";
    std::fs::write(folder.path().join("c.yml"), config).unwrap();
    expose("c.yml", 0o640);
    let output = command(folder.path(), &["-c", "c.yml"], &[]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "sessera.sqlite.secrets.json (its mode is 0644)",
        "sessera.sqlite (its mode is 0666)",
        "c.yml (its mode is 0640)",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn what_it_makes_belongs_to_its_owner_alone() {
    let folder = TempDir::new().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "umask 0; exec \"$0\" serve", env!("CARGO_BIN_EXE_sessera")])
        .current_dir(folder.path())
        .env_clear()
        .envs([("SERVE_PUBLIC_PORT", "0"), ("SERVE_ADMIN_PORT", "0"), ("LOG_FORMAT", "json")])
        .stderr(Stdio::piped());
    let server = started(&mut command);
    sign_up(&server);
    let modes = std::fs::read_dir(folder.path()).unwrap().map(|file| {
        let file = file.unwrap();
        (file.file_name().into_string().unwrap(), file.metadata().unwrap().permissions().mode() & 0o777)
    });
    let modes: Vec<_> = modes.collect();
    assert!(modes.len() >= 4 && modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
}

#[test]
fn a_weak_secret_does_not_serve_wherever_it_comes_from() {
    let folder = TempDir::new().unwrap();
    let good = "a-secret-of-at-least-32-characters";
    for (variable, value) in [
        ("SECRETS_CIPHER", "short".to_owned()),
        ("SECRETS_CIPHER", format!("{good},short")),
        ("SECRETS_COOKIE_0", "short".to_owned()),
        ("SECRETS_DEFAULT", "short".to_owned()),
        ("SERVE_ADMIN_TOKEN", "x".to_owned()),
    ] {
        let said = refusal(folder.path(), &[], &[(variable, &value)]);
        assert!(said.contains("openssl rand") && said.contains(variable), "{variable}: {said}");
    }
    std::fs::write(
        folder.path().join("sessera.sqlite.secrets.json"),
        r#"{"cipher":"short","cookie":"short"}"#,
    )
    .unwrap();
    let said = refusal(folder.path(), &[], &[]);
    assert!(said.contains("sessera.sqlite.secrets.json") && said.contains("openssl rand"), "{said}");
}

#[test]
fn what_is_on_and_cannot_work_is_said_at_the_start() {
    let folder = TempDir::new().unwrap();
    let without_marks = r#"{"properties": {"traits": {"properties": {"name": {"type": "string"}}}}}"#;
    std::fs::write(folder.path().join("schema.json"), without_marks).unwrap();
    let url = format!("file://{}", folder.path().join("schema.json").display());
    let schemas = json!({"identity": {"schemas": [{"id": "default", "url": url}]},
        "selfservice": {"flows": {"recovery": {"enabled": true}}}});
    std::fs::write(folder.path().join("c.yml"), schemas.to_string()).unwrap();
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let said = server.said.join("\n");
    for part in [
        "c.yml:1: /selfservice/flows/recovery/enabled: nobody gets a message, because there is no mail server",
        "/selfservice/methods/password/enabled: nobody can use it, because no identity schema marks",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn keys_that_a_stored_configuration_hides_are_said_at_the_start_and_whenever_it_is_read() {
    let folder = TempDir::new().unwrap();
    let write = |lifespan: &str| {
        std::fs::write(folder.path().join("c.yml"), format!("session: {{lifespan: {lifespan}}}\n")).unwrap();
    };
    write("3h");
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let patch = json!([{"op": "add", "path": "/services/identity/config/feature_flags", "value": {"use_continue_with_transitions": true}}]);
    assert_eq!(call(&server.admin, "PATCH", "/projects/default", &[], Some(&patch)).0, 200);
    write("2h");
    let hidden = "session.lifespan. Make one of them count with sessera patch identity-config --add '/session/lifespan=";
    assert!(server.logged("do not count").contains(hidden));
    let validate = |server: &Server| {
        let output = Command::new(env!("CARGO_BIN_EXE_sessera"))
            .args(["config", "validate", "-c", "c.yml", "--stored"])
            .current_dir(folder.path())
            .env_clear()
            .env("SESSERA_ADMIN_URL", format!("http://{}", server.admin))
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(validate(&server).contains(hidden));
    drop(server);
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    assert!(server.said.iter().any(|line| line.contains("do not count")), "{:?}", server.said);
    let patch = json!([{"op": "add", "path": "/services/identity/config/session/lifespan", "value": "2h"}]);
    assert_eq!(call(&server.admin, "PATCH", "/projects/default", &[], Some(&patch)).0, 200);
    assert!(!validate(&server).contains("do not count"));
}

/// The events that the log has until a line that holds `end`: each with its request's id and client, and the whole line.
fn events(server: &Server, end: &str) -> Vec<(String, String)> {
    let (mut seen, last) = server.heard(end);
    seen.push(last);
    let event = |line: String| {
        let read: Value = serde_json::from_str(&line).ok()?;
        let event = read["fields"]["event"].as_str()?.to_owned();
        assert!(read["span"]["id"].is_string() && read["span"]["client"] == "127.0.0.1", "{line}");
        Some((event, line))
    };
    seen.into_iter().filter_map(event).collect()
}

#[test]
fn what_happens_leaves_one_record_with_who_what_and_from_where() {
    let folder = TempDir::new().unwrap();
    // The code that verifies an address is made when the courier comes to it, which could be at any time.
    let server = start(folder.path(), &[], &[("SELFSERVICE_FLOWS_VERIFICATION_ENABLED", "false")]);
    let names = |end: &str| events(&server, end).into_iter().map(|(event, _)| event).collect::<Vec<_>>();
    let token = sign_up(&server);
    let told = events(&server, "session_began");
    assert_eq!(
        told.iter().map(|(event, _)| event.as_str()).collect::<Vec<_>>(),
        ["identity_added", "session_began"]
    );
    let fields = |line: &str| serde_json::from_str::<Value>(line).unwrap()["fields"].clone();
    let ada = fields(&told[0].1)["identity_id"].as_str().unwrap().to_owned();
    let session = fields(&told[1].1)["session_id"].as_str().unwrap().to_owned();
    assert!(
        told.iter().all(|(_, line)| !line.contains("ada@example.org") && !line.contains(&token)),
        "{told:?}"
    );

    let (_, flow) = call(&server.public, "GET", "/self-service/login/api", &[], None);
    let path = format!("/self-service/login?flow={}", flow["id"].as_str().unwrap());
    let guess = json!({"method": "password", "identifier": "ada@example.org", "password": "a-wrong-guess"});
    assert_eq!(call(&server.public, "POST", &path, &[], Some(&guess)).0, 400);
    let refused = events(&server, "proof_refused");
    let told = fields(&refused[0].1);
    assert_eq!((refused.len(), &told["identity_id"], &told["method"]), (1, &json!(ada), &json!("password")));
    assert!(!refused[0].1.contains("guess") && !refused[0].1.contains("ada@"), "{refused:?}");

    let key = json!({"alg": "ES256", "kid": "k"});
    assert_eq!(call(&server.admin, "POST", "/admin/keys/s", &[], Some(&key)).0, 201);
    assert_eq!(names("key_set_changed"), ["key_set_changed"]);
    let patch =
        json!([{"op": "add", "path": "/services/identity/config/session", "value": {"lifespan": "2h"}}]);
    let id = "x-request-id: the-request-of-the-patch";
    assert_eq!(call(&server.admin, "PATCH", "/projects/default", &[id], Some(&patch)).0, 200);
    let changed = events(&server, "configuration_changed");
    assert!(changed.len() == 1 && changed[0].1.contains("the-request-of-the-patch"), "{changed:?}");
    assert!(changed[0].1.contains("/session"), "{changed:?}");
    assert_eq!(call(&server.admin, "DELETE", "/admin/keys/s", &[], None).0, 204);
    assert_eq!(names("key_set_deleted"), ["key_set_deleted"]);
    assert_eq!(call(&server.admin, "GET", "/admin/keys", &["origin: https://evil.example"], None).0, 403);
    assert_eq!(names("admin_refused"), ["admin_refused"]);

    let own = format!("x-session-token: {token}");
    let (_, flow) = call(&server.public, "GET", "/self-service/login/api?refresh=true", &[&own], None);
    let path = format!("/self-service/login?flow={}", flow["id"].as_str().unwrap());
    let again =
        json!({"method": "password", "identifier": "ada@example.org", "password": "Zx-long-enough-1234"});
    assert_eq!(call(&server.public, "POST", &path, &[&own], Some(&again)).0, 200);
    let body = json!({"session_token": token});
    for status in [204, 204] {
        assert_eq!(call(&server.public, "DELETE", "/self-service/logout/api", &[], Some(&body)).0, status);
    }
    // To sign out once more ends nothing.
    let code = json!({"identity_id": ada});
    assert_eq!(call(&server.admin, "POST", "/admin/recovery/code", &[], Some(&code)).0, 201);
    let told = events(&server, "code_made");
    let events_told: Vec<_> = told.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(events_told, ["session_proven", "session_ended", "code_made"]);
    for (event, line) in &told[..2] {
        let fields = fields(line);
        assert_eq!(
            (&fields["session_id"], &fields["identity_id"]),
            (&json!(session), &json!(ada)),
            "{event}: {line}"
        );
    }
    assert_eq!(call(&server.admin, "DELETE", &format!("/admin/identities/{ada}"), &[], None).0, 204);
    assert_eq!(names("identity_deleted"), ["identity_deleted"]);
}

#[test]
fn another_secret_does_not_serve() {
    let folder = TempDir::new().unwrap();
    let secret =
        |text: &'static str| [("SECRETS_CIPHER", text), ("SECRETS_COOKIE", "a cookie secret of length")];
    drop(start(folder.path(), &[], &secret("the first secret: long enough...")));
    let said = refusal(folder.path(), &[], &secret("another secret: long enough....."));
    assert!(said.contains("secrets.cipher"), "{said}");
    assert!(!said.contains("another secret"), "{said}");
    // A new secret in front of the old one is a rotation.
    drop(start(
        folder.path(),
        &[],
        &secret("another secret: long enough.....,the first secret: long enough..."),
    ));
}

#[test]
fn files_lie_over_each_other_and_the_environment_over_both() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("one.yml"), "session: {lifespan: 1h, cookie: {name: one}}\n").unwrap();
    std::fs::write(folder.path().join("two.yml"), "session: {cookie: {name: two}}\nsesion: {}\n").unwrap();
    let arguments = ["-c", "one.yml", "--config", "two.yml"];
    let server = start(folder.path(), &arguments, &[("SESSION_WHOAMI_REQUIRED_AAL", "highest_available")]);
    let (_, project) = call(&server.admin, "GET", "/projects/default", &[], None);
    let session = &project["services"]["identity"]["config"]["session"];
    assert_eq!(
        session,
        &json!({"lifespan": "1h", "cookie": {"name": "two"}, "whoami": {"required_aal": "highest_available"}})
    );
}

#[test]
fn what_cannot_be_configured_is_told_with_its_place() {
    let folder = TempDir::new().unwrap();
    let file = |text: &str| std::fs::write(folder.path().join("c.yml"), text).unwrap();
    file("serve:\n  public:\n    port: many\n");
    let said = refusal(folder.path(), &["-c", "c.yml"], &[]);
    assert!(said.contains("c.yml:3: /serve/public/port"), "{said}");
    file("serve:\n  admin:\n    host: 0.0.0.0\n");
    let said = refusal(folder.path(), &["-c", "c.yml"], &[]);
    assert!(said.contains("serve.admin.token") && said.contains("serve.admin.insecure"), "{said}");
    file("a: [\n");
    let said = refusal(folder.path(), &["-c", "c.yml"], &[]);
    assert!(said.contains("c.yml"), "{said}");
    let said = refusal(folder.path(), &["-c", "none.yml"], &[]);
    assert!(said.contains("none.yml"), "{said}");
    let said = refusal(folder.path(), &[], &[("SESSION_LIFESPAN", "soon")]);
    assert!(said.contains("SESSION_LIFESPAN"), "{said}");
}

#[test]
fn with_a_token_the_admin_api_may_listen_anywhere_and_asks_for_it() {
    let folder = TempDir::new().unwrap();
    let tokens = "the-first-admin-token-123,the-next-admin-token-4567";
    let server = start(folder.path(), &[], &[("SERVE_ADMIN_HOST", "0.0.0.0"), ("SERVE_ADMIN_TOKEN", tokens)]);
    let address = server.admin.replace("0.0.0.0", "127.0.0.1");
    let ask = |headers: &[&str]| call(&address, "GET", "/admin/identities", headers, None).0;
    assert_eq!(ask(&[]), 401);
    assert_eq!(ask(&["authorization: Bearer another"]), 401);
    assert_eq!(ask(&["authorization: Bearer the-first-admin-token-123"]), 200);
    assert_eq!(ask(&["authorization: Bearer the-next-admin-token-4567"]), 200);
}

#[test]
fn an_admin_api_that_everybody_reaches_never_loses_its_token() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("c.yml");
    let host = |more: &str| format!("serve:\n  admin:\n    host: {more}\n");
    std::fs::write(&file, host("0.0.0.0\n    token: the-first-admin-token-123")).unwrap();
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let address = server.admin.replace("0.0.0.0", "127.0.0.1");
    let ask = |token: &str| {
        let header = format!("authorization: Bearer {token}");
        call(&address, "GET", "/admin/identities", &[&header], None).0
    };
    assert_eq!((ask("the-first-admin-token-123"), ask("none")), (200, 401));
    // The address takes effect at the next start only, so this would be an open door.
    std::fs::write(&file, host("127.0.0.1")).unwrap();
    let said = server.logged("goes on with the one before");
    assert!(said.contains("serve.admin.token"), "{said}");
    assert_eq!((ask("the-first-admin-token-123"), ask("none")), (200, 401));
    std::fs::write(&file, host("0.0.0.0\n    token: the-next-admin-token-4567")).unwrap();
    wait_for(&(401, 200), || (ask("the-first-admin-token-123"), ask("the-next-admin-token-4567")));
}

#[test]
fn files_are_read_again_when_they_change() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let configuration = |keys: &str| {
        let templates = json!({"t": {"jwks_url": format!("file://{}", path(keys).display())}});
        json!({"session": {"whoami": {"tokenizer": {"templates": templates}}}}).to_string()
    };
    std::fs::write(path("one.json"), keys("one")).unwrap();
    std::fs::write(path("two.json"), keys("two")).unwrap();
    std::fs::write(path("c.yml"), configuration("one.json")).unwrap();
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let token = sign_up(&server);
    let kid = |kid: &str| Ok::<_, u16>(kid.to_owned());
    assert_eq!(signer(&server, &token), kid("one"));
    // A source changes.
    std::fs::write(path("one.json"), keys("one-b")).unwrap();
    wait_for(&kid("one-b"), || signer(&server, &token));
    server.logged("signs with a shared secret");
    // A source breaks. People who sign in do not notice, but the log shows it.
    std::fs::write(path("one.json"), "{").unwrap();
    server.logged("goes on as it was before");
    assert_eq!(signer(&server, &token), kid("one-b"));
    // The configuration file changes.
    std::fs::write(path("c.yml"), configuration("two.json")).unwrap();
    wait_for(&kid("two"), || signer(&server, &token));
    // A file that cannot be used changes nothing.
    std::fs::write(path("c.yml"), "session: {lifespan: 5}\n").unwrap();
    let said = server.logged("goes on with the one before");
    assert!(said.contains("c.yml:1: /session/lifespan"), "{said}");
    assert_eq!(signer(&server, &token), kid("two"));
    // After a signal everything is read again at once.
    server.signal("HUP");
    server.logged("goes on with the one before");
    std::fs::write(path("c.yml"), configuration("two.json")).unwrap();
    server.signal("HUP");
    server.logged("was read again");
}

#[test]
fn stored_values_are_encrypted_under_a_new_secret_while_the_server_runs() {
    const OLD: &str = "an old secret of thirty-two chars";
    const NEW: &str = "a new secret of thirty-two chars!";
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("sessera.json");
    let configure = |secrets: &[&str]| {
        let flows = json!({"verification": {"enabled": false}});
        let tree = json!({"secrets": {"cipher": secrets, "cookie": [OLD]}, "selfservice": {"flows": flows}});
        std::fs::write(&config, tree.to_string()).unwrap();
    };
    let rotate = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_sessera"))
            .args(["secrets", "rotate", "-c", "sessera.json"])
            .args(more)
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    configure(&[OLD]);
    let (code, said) = rotate(&[]);
    assert!(code == Some(1) && said.contains("there is no database"), "{said}");
    let server = start(folder.path(), &["-c", "sessera.json"], &[]);
    let token = sign_up(&server);
    let key = json!({"alg": "ES256"});
    assert_eq!(call(&server.admin, "POST", "/admin/keys/k", &[], Some(&key)).0, 201);
    drop(server);

    configure(&[NEW, OLD]);
    let server = start(folder.path(), &["-c", "sessera.json"], &[]);
    // These are the check value, the password and the key.
    let (code, said) = rotate(&["--dry-run"]);
    assert!(code == Some(0) && said.contains("keys: 1 of 1 values are under an older secret"), "{said}");
    assert!(said.contains("3 of 3 values would be encrypted again"), "{said}");
    let (code, said) = rotate(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("3 of 3 values were encrypted again"), "{said}");
    assert!(said.contains("may be removed") && !said.contains(OLD) && !said.contains(NEW), "{said}");
    assert!(rotate(&[]).1.contains("0 of 3 values"));
    let told = |more: &[&str]| -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_sessera"))
            .args(["secrets", "rotate", "-c", "sessera.json", "--format", "json"])
            .args(more)
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        assert_eq!(output.stderr, b"");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(told(&[]), json!({"values": 3, "encrypted_again": 0}));
    let counted = told(&["--dry-run"]);
    assert_eq!((&counted["values"], &counted["older"]), (&json!(3), &json!(0)));
    // Older secrets that servers refuse are refused here too, unless they are on their way out.
    configure(&[NEW, "short"]);
    let (code, said) = rotate(&[]);
    assert!(
        code == Some(1) && said.contains("at least 32") && said.contains("--accept-weak-older"),
        "{said}"
    );
    assert_eq!(rotate(&["--accept-weak-older"]).0, Some(0));
    configure(&["short", NEW]);
    assert_eq!(rotate(&["--accept-weak-older"]).0, Some(1));
    assert_eq!(call(&server.admin, "GET", "/admin/keys/k", &[], None).0, 200);
    drop(server);

    configure(&[OLD]);
    assert!(refusal(folder.path(), &["-c", "sessera.json"], &[]).contains("secrets.cipher"));
    configure(&[NEW]);
    let server = start(folder.path(), &["-c", "sessera.json"], &[]);
    assert_eq!(call(&server.admin, "GET", "/admin/keys/k", &[], None).0, 200);
    let header = format!("x-session-token: {token}");
    assert_eq!(call(&server.public, "GET", "/sessions/whoami", &[&header], None).0, 200);
}

/// The body of the next request that comes to a port.
fn body_sent_to(listener: &std::net::TcpListener) -> Vec<u8> {
    let mut reader = BufReader::new(listener.accept().unwrap().0);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    body
}

#[test]
fn the_last_traces_are_sent_before_it_ends() {
    let folder = TempDir::new().unwrap();
    let receiver = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap().to_string();
    let environment = [
        ("TRACING_PROVIDER", "otel"),
        ("TRACING_PROVIDERS_OTLP_SERVER_URL", address.as_str()),
        ("TRACING_PROVIDERS_OTLP_INSECURE", "true"),
        // The caller decides about its own trace, and nothing else is sent.
        ("TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO", "0"),
    ];
    let mut server = start(folder.path(), &[], &environment);
    let parent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_eq!(call(&server.public, "GET", "/health/alive", &[parent], None).0, 200);
    server.signal("TERM");
    let body = body_sent_to(&receiver);
    let trace =
        [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
    assert!(body.windows(16).any(|bytes| bytes == trace));
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
