//! Sessions that an upstream keeps: a stub on the client's core tells of them, as slowly as it is asked to.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use serde_json::json;

use crate::load::{self, Load};
use crate::measures::{load_of, started, warm};
use crate::person::{email, identity_id, scattered, token};
use crate::server::{self, Workspace};
use crate::table::{self, Figure};
use crate::{Arguments, seed};

/// How long the stub takes for an answer.
const SLOW: Duration = Duration::from_millis(5);

/// How long answers are kept where they end during the measurement.
const TTL: Duration = Duration::from_secs(30);

/// The session of the first person, of which the stub makes those of all others.
const TEMPLATE: &str = "session.json";

/// Measures whoami in front of an upstream beside that of own sessions.
pub(crate) fn measure(arguments: &Arguments) -> Result<()> {
    let (own_place, own) = started(arguments, &json!({}))?;
    let requests = server::whoami(0..arguments.people, None);
    let tokenized = server::whoami(0..arguments.people, Some("ES256"));
    warm(load_of(arguments, &own), &requests)?;
    let folder = tempfile::tempdir()?;
    let template = folder.path().join(TEMPLATE);
    std::fs::write(&template, server::whoami_of(own_place.port, &token(0), None)?)?;

    let slow = Stub::start(&template, arguments.people, SLOW)?;
    let (_place, front) = in_front(arguments, &slow, "1h")?;
    warm(load_of(arguments, &front), &requests)?;
    let mut rates = [
        Figure::new("own sessions: whoami, answers/s"),
        Figure::new("upstream, in memory: whoami, answers/s"),
        Figure::new("own sessions: whoami?tokenize_as, ES256, answers/s"),
        Figure::new("upstream, in memory: whoami?tokenize_as, ES256"),
    ];
    let mut ratios = [
        Figure::new("whoami: upstream / own (goal 0.95)"),
        Figure::new("whoami?tokenize_as: upstream / own (goal 0.95)"),
    ];
    for _ in 0..arguments.runs {
        for (at, requests) in [&requests, &tokenized].into_iter().enumerate() {
            rates[2 * at].add(load::run(load_of(arguments, &own), requests)?.rate());
            rates[2 * at + 1].add(load::run(load_of(arguments, &front), requests)?.rate());
            ratios[at].add(rates[2 * at + 1].last() / rates[2 * at].last());
        }
    }
    drop(front);
    table::print("Sessions of an upstream, rates", &rates);
    table::print("Sessions of an upstream, ratios", &ratios);
    expiring(arguments, &slow)?;
    drop(slow);
    uncached(arguments, &template)
}

/// Measures at the greatest rate for twice the time that answers are kept, and a little more.
fn expiring(arguments: &Arguments, stub: &Stub) -> Result<()> {
    let (_place, front) = in_front(arguments, stub, &format!("{}s", TTL.as_secs()))?;
    let requests = server::whoami(0..arguments.people, None);
    let before = stub.asked()?;
    let time = 2 * TTL + Duration::from_secs(5);
    let outcome = load::run(Load { time, ..load_of(arguments, &front) }, &requests)?;
    let mut asked = Figure::new("questions");
    let mut allowed = Figure::new("people * (whole times that answers are kept + 1)");
    let mut figures = [Figure::new("answers/s"), Figure::new("p50, ms"), Figure::new("p99, ms (goal 5)")];
    #[expect(clippy::cast_precision_loss, reason = "counts of minutes fit")]
    {
        asked.add((stub.asked()? - before) as f64);
        allowed.add((arguments.people * (time.as_secs() / TTL.as_secs() + 1)) as f64);
    }
    figures[0].add(outcome.rate());
    figures[1].add(outcome.percentile(50.0));
    figures[2].add(outcome.percentile(99.0));
    let title = format!("{} people for {time:?}, answers of {SLOW:?} kept for {TTL:?}", arguments.people);
    table::print(&title, &[[asked, allowed].as_slice(), &figures].concat());
    Ok(())
}

/// Measures what a question costs the server that asks it.
fn uncached(arguments: &Arguments, template: &Path) -> Result<()> {
    let stub = Stub::start(template, arguments.people, Duration::ZERO)?;
    let (_place, front) = in_front(arguments, &stub, "0s")?;
    let requests = server::whoami(0..arguments.people, None);
    let load = load_of(arguments, &front);
    load::run(load, &requests)?;
    let mut cost = Figure::new("processor for an answer, us (goal 60)");
    let mut rate = Figure::new("answers/s");
    for _ in 0..arguments.runs {
        let before = front.processor_time()?;
        let outcome = load::run(load, &requests)?;
        #[expect(clippy::cast_precision_loss, reason = "counts of minutes fit")]
        cost.add(
            front.processor_time()?.saturating_sub(before).as_secs_f64() * 1e6 / outcome.requests as f64,
        );
        rate.add(outcome.rate());
    }
    table::print("Every answer asked for at the upstream", &[cost, rate]);
    Ok(())
}

/// Starts a server in front of a stub.
fn in_front(arguments: &Arguments, stub: &Stub, ttl: &str) -> Result<(Workspace, server::Server)> {
    let upstream = json!({"url": format!("http://127.0.0.1:{}", stub.port), "ttl": ttl, "timeout": "10s"});
    let workspace = Workspace::new(arguments, &json!({"session": {"upstream": upstream}}))?;
    seed::people(&workspace.database, 0, 0)?;
    let (server, _) = workspace.start(arguments.server_cores)?;
    Ok((workspace, server))
}

/// A process on the client's core that tells of sessions.
struct Stub {
    child: Child,
    port: u16,
}

impl Stub {
    fn start(template: &Path, people: u64, takes: Duration) -> Result<Self> {
        let port = server::free_port()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["upstream-stub", &port.to_string()])
            .arg(template)
            .args([people.to_string(), takes.as_millis().to_string()])
            .spawn()?;
        server::wait_until_it_listens(port)?;
        Ok(Self { child, port })
    }

    /// How many questions it was asked so far.
    fn asked(&self) -> Result<u64> {
        Ok(server::get(self.port, "/asked")?.parse()?)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        // The process may have ended by itself, which the client has reported already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells of the sessions of people, each made of the session in a file, until it is killed.
pub(crate) fn serve_stub(port: u16, template: &Path, people: u64, takes: Duration) -> Result<()> {
    let first = std::fs::read_to_string(template)?;
    let of = |number: u64| {
        [scattered("session", number).to_string(), identity_id(number).to_string(), email(number)]
    };
    let known = of(0);
    let sessions: HashMap<String, String> = (0..people)
        .map(|number| {
            let texts = known.iter().zip(of(number));
            (token(number), texts.fold(first.clone(), |session, (from, to)| session.replace(from, &to)))
        })
        .collect();
    first.contains(&known[2]).then_some(()).context("the template is not the first person's session")?;
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let sessions = Arc::new(sessions);
    let whoami = async move |headers: HeaderMap| {
        asked.fetch_add(1, Ordering::Relaxed);
        if !takes.is_zero() {
            tokio::time::sleep(takes).await;
        }
        let token = headers.get("x-session-token").and_then(|token| token.to_str().ok());
        match token.and_then(|token| sessions.get(token)) {
            Some(session) => (StatusCode::OK, session.clone()),
            None => (StatusCode::UNAUTHORIZED, r#"{"error":{"code":401}}"#.to_owned()),
        }
    };
    let router = Router::new()
        .route("/sessions/whoami", get(whoami))
        .route("/asked", get(async move || count.load(Ordering::Relaxed).to_string()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            // Without this the answer may wait for more to send.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await?;
        Ok(())
    })
}
