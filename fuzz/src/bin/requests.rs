//! Any request to the public API is answered, and never with a fault of the server: cookies, headers, queries, bodies.

#![no_main]

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sessera_server::{ConfigOrigin, Server};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    route: u8,
    media_type: u8,
    query: &'a str,
    cookie: &'a [u8],
    token: &'a [u8],
    accept: &'a [u8],
    body: &'a [u8],
}

/// A server with a flow of each kind.
struct Running {
    runtime: Runtime,
    server: Server,
    routes: Vec<(&'static str, String)>,
    _folder: TempDir,
}

static RUNNING: LazyLock<Running> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("there is a runtime");
    let folder = tempfile::tempdir().expect("there is a folder");
    let file = folder.path().join("sessera.yml");
    let configuration = json!({
        "dsn": format!("sqlite://{}", folder.path().join("fuzz.sqlite").display()),
        "serve": {"public": {"port": 0}, "admin": {"port": 0}},
        "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
        "selfservice": {"limits": {"requests_per_minute": 0}},
    });
    std::fs::write(&file, configuration.to_string()).expect("the configuration is written");
    let origin = ConfigOrigin { files: vec![file.into()], environment: HashMap::default() };
    let server = runtime.block_on(Server::start(origin)).expect("the server starts");
    let mut routes = vec![
        ("GET", "/sessions/whoami".to_owned()),
        ("GET", "/sessions".to_owned()),
        ("DELETE", "/sessions/x".to_owned()),
        ("GET", "/self-service/login/browser".to_owned()),
        ("GET", "/self-service/exchange/browser".to_owned()),
        ("POST", "/self-service/exchange".to_owned()),
        ("DELETE", "/self-service/logout/api".to_owned()),
        ("GET", "/self-service/logout".to_owned()),
        ("POST", "/oauth2/token".to_owned()),
        ("GET", "/ui/login".to_owned()),
        ("POST", "/ui/settings/sessions".to_owned()),
    ];
    for kind in ["login", "registration"] {
        let begin =
            Request::get(format!("/self-service/{kind}/api")).body(Body::empty()).expect("is a request");
        let flow = runtime.block_on(async {
            let answer = server.answer(begin).await.into_body().collect().await.expect("has a body");
            serde_json::from_slice::<Value>(&answer.to_bytes()).expect("is a flow")
        });
        let id = flow["id"].as_str().expect("has an id");
        routes.push(("POST", format!("/self-service/{kind}?flow={id}")));
    }
    Running { runtime, server, routes, _folder: folder }
});

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let Running { runtime, server, routes, .. } = &*RUNNING;
    let (method, path) = &routes[usize::from(input.route) % routes.len()];
    let join = if path.contains('?') { '&' } else { '?' };
    let media_types = ["application/json", "application/x-www-form-urlencoded", "text/plain"];
    let mut request = Request::builder()
        .method(*method)
        .uri(format!("{path}{join}{}", input.query))
        .header(header::CONTENT_TYPE, media_types[usize::from(input.media_type) % media_types.len()]);
    for (name, value) in
        [("cookie", input.cookie), ("x-session-token", input.token), ("accept-language", input.accept)]
    {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    // What is no request never reaches a server.
    let Ok(request) = request.body(Body::from(input.body.to_vec())) else { return };
    let status = runtime.block_on(server.answer(request)).status();
    assert!(!status.is_server_error(), "{status}");
});
