//! Answers whoami a number of times in this process, without a connection, and prints nothing: for
//! callgrind.
//!
//!     whoami plain|tokenized COUNT
//!
//! Somebody signs up in a database of its own; the session is in memory from then on. The mapper puts the
//! whole session into the token, which is signed with HS256: that costs so little that the rest is seen.

use std::collections::HashMap;
use std::error::Error;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sessera_jose::{Algorithm, JwkSet, generate};
use sessera_server::{ConfigOrigin, Server};

const MAPPER: &str = "{ claims: { session: std.extVar('session') } }";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kind, count] = &arguments[..] else { return Err("give plain or tokenized, and a number".into()) };
    let query = if kind == "tokenized" { "?tokenize_as=tokens" } else { "" };
    let folder = tempfile::tempdir()?;
    let inline = |text: &str| format!("base64://{}", STANDARD.encode(text));
    let keys = JwkSet::new(vec![generate::key(Algorithm::Hs256, Some("key".into()), 2048)?])?;
    let template = json!({
        "jwks_url": inline(&keys.to_private_json().to_string()),
        "claims_mapper_url": inline(MAPPER),
        "ttl": "10m",
    });
    let config = json!({
        "dsn": format!("sqlite://{}", folder.path().join("sessera.sqlite").display()),
        "secrets": {"cipher": ["a cipher secret of 32 characters"], "cookie": ["a cookie secret for an example"]},
        "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
        "serve": {"public": {"port": 0}, "admin": {"port": 0}},
        "session": {"whoami": {"tokenizer": {"templates": {"tokens": template}}}},
    });
    let file = folder.path().join("sessera.yml");
    std::fs::write(&file, config.to_string())?;
    let server =
        Server::start(ConfigOrigin { files: vec![file.into()], environment: HashMap::new() }).await?;

    let flow = ask(&server, Request::get("/self-service/registration/api").body(Body::empty())?).await?;
    let flow = flow["id"].as_str().ok_or("no flow")?;
    let person = json!({
        "method": "password",
        "password": "lovelace wrote the first program",
        "traits": {"email": "ada@example.org"},
    });
    let registration = Request::post(format!("/self-service/registration?flow={flow}"))
        .header("content-type", "application/json")
        .body(Body::from(person.to_string()))?;
    let registered = ask(&server, registration).await?;
    let token = registered["session_token"].as_str().ok_or_else(|| format!("no token: {registered}"))?;
    for _ in 0..count.parse::<u32>()? {
        let request = Request::get(format!("/sessions/whoami{query}"))
            .header("host", "127.0.0.1")
            .header("x-session-token", token)
            .body(Body::empty())?;
        let response = server.answer(request).await;
        if response.status() != StatusCode::OK {
            return Err(format!("whoami answers {}", response.status()).into());
        }
        std::hint::black_box(response.into_body().collect().await?.to_bytes());
    }
    Ok(())
}

async fn ask(server: &Server, request: Request<Body>) -> Result<Value, Box<dyn Error>> {
    let response = server.answer(request).await;
    Ok(serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?)
}
