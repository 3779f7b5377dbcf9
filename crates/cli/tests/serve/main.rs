//! `sessera serve` as a person starts it: the real program, its files, its environment and its signals.

mod branding;
mod configuration;
mod events;
mod running;
mod secrets;
mod service_manager;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::running::{Server, call, command, command_by, refusal, sign_up, start, started, try_call};

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

/// The command that starts a server on one core of those that this test may use.
fn on_one_core(folder: &Path) -> Command {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    let first = cores.trim().split(['-', ',']).next().unwrap();
    command_by("/usr/bin/taskset", &["--cpu-list", first], &command(folder, &[], &[]))
}

#[test]
fn on_one_core_it_serves_and_ends_in_good_order() {
    let folder = TempDir::new().unwrap();
    let mut server = started(&mut on_one_core(folder.path()));
    let token = sign_up(&server);
    for _ in 0..3 {
        let who =
            call(&server.public, "GET", "/sessions/whoami", &[&format!("X-Session-Token: {token}")], None);
        assert_eq!(who.0, 200);
    }
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

/// The trace of the caller, which its header `traceparent` names.
const TRACE: [u8; 16] =
    [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];

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
    assert!(body.windows(TRACE.len()).any(|bytes| bytes == TRACE));
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_the_log_says_of_a_question_of_a_proxy_names_the_request() {
    let folder = TempDir::new().unwrap();
    let mapper = "base64://e2NsYWltczoge2xvbmc6IHN0ZC5yZXBlYXQoJ3gnLCA1MDAwKX19";
    let key = Command::new(env!("CARGO_BIN_EXE_sessera"))
        .args(["create", "jwk", "k", "--alg", "ES256", "--offline"])
        .output()
        .unwrap();
    let keys = format!("base64://{}", BASE64.encode(key.stdout));
    let configuration = json!({
        "serve": {"gateway": {"enabled": true, "port": 0}},
        "session": {"whoami": {"tokenizer": {"templates": {"t": {"jwks_url": keys, "claims_mapper_url": mapper}}}}},
        "gateway": {"routes": {"long": {"template": "t", "headers": {"X-Long": "long"}}}},
    });
    std::fs::write(folder.path().join("c.yml"), configuration.to_string()).unwrap();
    let server = start(folder.path(), &["-c", "c.yml"], &[]);
    let session = format!("x-session-token: {}", sign_up(&server));
    let asked = |path: &str, id: &str| {
        let headers = [session.as_str(), "x-forwarded-for: 192.0.2.7", id];
        call(&server.gateway, "GET", path, &headers, None).0
    };
    assert_eq!(asked("/forward-auth?route=nope", "x-request-id: of-nope"), 500);
    // What is not in memory yet takes another way to its answer, and the log is told once.
    assert_eq!(asked("/forward-auth", "x-request-id: of-nobody"), 200);
    assert_eq!(asked("/forward-auth?route=long", "x-request-id: of-long"), 200);
    for (text, id) in [("cannot be judged", "of-nope"), ("too long for a header", "of-long")] {
        let line: Value = serde_json::from_str(&server.logged(text)).unwrap();
        assert_eq!(line["span"]["id"], id, "{line}");
        assert_eq!((&line["span"]["api"], &line["span"]["client"]), (&json!("gateway"), &json!("192.0.2.7")));
    }
}

#[test]
fn a_question_of_a_proxy_stands_in_the_log_and_goes_on_with_its_trace() {
    let folder = TempDir::new().unwrap();
    let receiver = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap().to_string();
    let environment = [
        ("SERVE_GATEWAY_ENABLED", "true"),
        ("SERVE_GATEWAY_PORT", "0"),
        ("LOG_LEVEL", "debug"),
        ("TRACING_PROVIDER", "otel"),
        ("TRACING_PROVIDERS_OTLP_SERVER_URL", address.as_str()),
        ("TRACING_PROVIDERS_OTLP_INSECURE", "true"),
        ("TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO", "0"),
    ];
    let mut server = start(folder.path(), &[], &environment);
    let parent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (status, _) =
        call(&server.gateway, "GET", "/forward-auth", &[parent, "x-request-id: of-the-proxy"], None);
    assert_eq!(status, 401);
    let line: Value = serde_json::from_str(&server.logged("\"decided\"")).unwrap();
    let fields = &line["fields"];
    let said = ["route", "dialect", "outcome"].map(|name| fields[name].as_str().unwrap());
    assert_eq!(said, ["default", "forward-auth", "sign_in"], "{line}");
    assert!(line.to_string().contains("of-the-proxy"), "{line}");
    server.signal("TERM");
    let body = body_sent_to(&receiver);
    let name = b"GET /forward-auth";
    assert!(body.windows(TRACE.len()).any(|bytes| bytes == TRACE));
    assert!(body.windows(name.len()).any(|bytes| bytes == name));
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
