//! The real program in front of an upstream that keeps the sessions.

mod commands;
mod faults;
mod forwarding;
mod gateway;
mod itself;
mod questions;
mod recorded;
mod server;
mod sinks;
mod soak;
mod stub;
mod tls;
mod tokens;

use serde_json::{Value, json};
use sessera_testing::{Answer, until};

use server::Server;
use stub::Stub;

/// A session token and the header in which it comes.
const TOKEN: &str = "ory_st_ada";
const HEADER: (&str, &str) = ("x-session-token", TOKEN);
const CREDENTIAL: &str = "x-session-token: ory_st_ada";

/// A stub, and a server before it whose `session.upstream` has these members besides.
async fn with(more: Value) -> (Server, Stub) {
    let stub = Stub::start().await;
    let mut upstream = json!({"url": stub.url, "admin_url": stub.url});
    sessera_config::merge::merge(&mut upstream, more);
    let configuration = json!({
        "session": {"upstream": upstream},
        "serve": {"public": {"base_url": "http://127.0.0.1:4533/"}},
        "selfservice": {"allowed_return_urls": ["https://app.example-two.test/in"]},
    });
    (Server::configured(configuration), stub)
}

async fn whoami(server: &Server, headers: &[(&str, &str)]) -> Answer {
    server.public("GET", "/sessions/whoami", headers, None).await
}
