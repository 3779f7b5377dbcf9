//! Whoami while sign-ins hang at somebody who is asked by them: the receiver of a web hook, or another provider.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::Arguments;
use crate::load::{self, Load};
use crate::measures::{PASSWORD, load_of, started, warm};
use crate::server;
use crate::table::{self, Figure};

/// How long somebody who is slow takes for an answer.
const SLOW: Duration = Duration::from_secs(5);

/// How long after one sign-in the next one begins.
const PAUSE: Duration = Duration::from_millis(100);

/// How many people sign in, in turn.
const PEOPLE: usize = 50;

/// What a hook tells.
const BODY: &str = "function(ctx) { id: ctx.identity.id }";

/// What is made of what a provider says.
const MAPPER: &str = "{ identity: { traits: { email: std.extVar('claims').email } } }";

/// Where browsers come back to.
const BACK: &str = "http://127.0.0.1/back";

/// How somebody who is asked behaves.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Every answer comes at once.
    Prompt,
    /// Every answer comes late.
    Slow,
    /// What it says of itself comes at once, and everything else late.
    SlowLater,
    /// Connections are taken, and nothing is ever answered.
    Dead,
    /// Connections are refused.
    Refusing,
}

/// Whom sign-ins ask.
#[derive(Clone, Copy)]
enum Remote {
    /// Nobody signs in.
    Nobody,
    Hook,
    Provider,
}

/// What is measured, each beside the prompt one of its kind.
const CASES: [(&str, Remote, Manner); 10] = [
    ("nobody signs in", Remote::Nobody, Manner::Prompt),
    ("web hook, prompt", Remote::Hook, Manner::Prompt),
    ("web hook, answers after 5 s", Remote::Hook, Manner::Slow),
    ("web hook, never answers", Remote::Hook, Manner::Dead),
    ("web hook, refuses connections", Remote::Hook, Manner::Refusing),
    ("provider, prompt", Remote::Provider, Manner::Prompt),
    ("provider, discovery after 5 s", Remote::Provider, Manner::Slow),
    ("provider, tokens after 5 s", Remote::Provider, Manner::SlowLater),
    ("provider, never answers", Remote::Provider, Manner::Dead),
    ("provider, refuses connections", Remote::Provider, Manner::Refusing),
];

/// Measures whoami at a fifth of its greatest rate while ten sign-ins a second ask somebody who is away or slow.
pub(crate) fn measure(arguments: &Arguments) -> Result<()> {
    let port = server::free_port()?;
    let (workspace, server) = started(arguments, &configuration(port, arguments.runs))?;
    for number in 0..PEOPLE {
        let person = json!({
            "traits": {"email": address(number)},
            "credentials": {"password": {"config": {"password": PASSWORD}}},
        });
        server::call(workspace.admin_port, "POST", "/admin/identities", Some(&person))?;
    }
    let load = load_of(arguments, &server);
    let requests = server::whoami(0..arguments.people, Some("ES256"));
    warm(load, &requests)?;
    let greatest = load::run(load, &requests)?.rate();
    let load = Load { rate: Some(greatest * 0.2), ..load };
    let mut times = CASES.map(|(name, ..)| Figure::new(format!("p99, ms: {name}")));
    let mut beside_prompt = CASES.map(|(name, ..)| Figure::new(name));
    let mut beside_nobody = beside_prompt.clone();
    let mut waiting = CASES.map(|(name, ..)| Figure::new(name));
    for run in 0..arguments.runs {
        let (mut prompt, mut nobody) = (f64::NAN, f64::NAN);
        for (at, (name, asked, manner)) in CASES.into_iter().enumerate() {
            let other = Other::start(port, manner)?;
            let visitors = Visitors::start(workspace.port, asked, manner, at * arguments.runs + run);
            let p99 = load::run(load, &requests)?.percentile(99.0);
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            waiting[at].add(visitors.stop()? as f64);
            let is_asked = !matches!(asked, Remote::Nobody) && manner != Manner::Refusing;
            ensure!(!is_asked || other.asked.load(Ordering::SeqCst) > 0, "the sign-ins asked nobody: {name}");
            if manner == Manner::Prompt {
                prompt = p99;
            }
            if matches!(asked, Remote::Nobody) {
                nobody = p99;
            }
            times[at].add(p99);
            beside_prompt[at].add(p99 / prompt);
            beside_nobody[at].add(p99 / nobody);
        }
    }
    table::print("whoami?tokenize_as at 20 % while ten people a second begin to sign in", &times);
    table::print("p99 beside that with the prompt one (goal 1.2)", &beside_prompt);
    table::print("p99 beside that while nobody signs in", &beside_nobody);
    table::print("sign-ins under way at the end", &waiting);
    Ok(())
}

fn address(number: usize) -> String {
    format!("signs-in-{number}@example.org")
}

/// The configuration with a hook and with a provider for each measurement, all of them on one port: what a provider says
/// of itself is kept, so none is met twice.
fn configuration(port: u16, runs: usize) -> Value {
    let inline = |text: &str| format!("base64://{}", STANDARD.encode(text));
    let url = format!("http://127.0.0.1:{port}");
    let hook = json!({"url": format!("{url}/hook"), "method": "POST", "body": inline(BODY)});
    let provider = |number: usize| {
        json!({
            "id": format!("p{number}"),
            "provider": "generic",
            "issuer_url": format!("{url}/p{number}"),
            "client_id": "bench",
            "client_secret": "a secret for measuring",
            "mapper_url": inline(MAPPER),
        })
    };
    let providers: Vec<_> = (0..CASES.len() * runs).map(provider).collect();
    json!({
        // Each of the sign-ins that fail here would leave a warning.
        "log": {"level": "error"},
        // What is measured is waiting, so as little as possible is spent on passwords.
        "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
        "selfservice": {
            "default_browser_return_url": BACK,
            "allowed_return_urls": [BACK],
            "flows": {"login": {"after": {"password": {"hooks": [{"hook": "web_hook", "config": hook}]}}}},
            "methods": {"oidc": {"enabled": true, "config": {"providers": providers}}},
        },
    })
}

/// Somebody who is asked, until this is dropped.
struct Other {
    /// How often it was asked.
    asked: Arc<AtomicUsize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Other {
    fn start(port: u16, manner: Manner) -> Result<Self> {
        let asked = Arc::new(AtomicUsize::new(0));
        if manner == Manner::Refusing {
            return Ok(Self { asked, stop: None, thread: None });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", port)))?;
        let count = asked.clone();
        let router = Router::new().fallback(async move |request: Request| {
            count.fetch_add(1, Ordering::SeqCst);
            answer(port, manner, request.uri().path()).await
        });
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    // Whoever never comes up is seen by the measurement, which counts the questions.
                    _ = axum::serve(listener, router) => (),
                    _ = stopped => (),
                }
            });
        });
        Ok(Self { asked, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // All connections end with the runtime, and with them whatever hangs.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn answer(port: u16, manner: Manner, path: &str) -> (StatusCode, String) {
    let provider = path.strip_suffix("/.well-known/openid-configuration");
    match manner {
        Manner::Dead => std::future::pending().await,
        Manner::Slow => tokio::time::sleep(SLOW).await,
        Manner::SlowLater if provider.is_none() => tokio::time::sleep(SLOW).await,
        Manner::SlowLater | Manner::Prompt | Manner::Refusing => (),
    }
    match provider {
        Some(provider) => {
            let issuer = format!("http://127.0.0.1:{port}{provider}");
            let document = json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/auth"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
            });
            (StatusCode::OK, document.to_string())
        }
        // A hook is content with this, and for a provider it is no token.
        None => (StatusCode::OK, "{}".to_owned()),
    }
}

/// People who begin to sign in one after the other and wait, each on a connection of their own.
struct Visitors {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<usize>>,
}

impl Visitors {
    fn start(port: u16, asked: Remote, manner: Manner, provider: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let begin = move |number: usize| match (asked, manner) {
            (Remote::Nobody, _) => Ok(None),
            (Remote::Hook, _) => by_password(port, number % PEOPLE).map(Some),
            (Remote::Provider, Manner::Prompt | Manner::SlowLater) => by_code(port, provider).map(Some),
            (Remote::Provider, _) => by_provider(port, provider).map(Some),
        };
        let thread = std::thread::spawn(move || {
            let start = Instant::now();
            let (mut begun, mut connections) = (0, Vec::new());
            while !stopped.load(Ordering::SeqCst) {
                if start.elapsed() < PAUSE * begun {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                }
                connections.extend(begin(begun as usize)?);
                begun += 1;
            }
            let waits = connections.iter().map(is_waiting).collect::<Result<Vec<_>>>()?;
            Ok(waits.into_iter().filter(|waits| *waits).count())
        });
        Self { stop, thread }
    }

    /// Stops and returns how many had no answer yet.
    fn stop(self) -> Result<usize> {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().map_err(|_| anyhow::anyhow!("a client panicked"))?
    }
}

fn is_waiting(connection: &TcpStream) -> Result<bool> {
    connection.set_nonblocking(true)?;
    match connection.peek(&mut [0]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        outcome => Ok(outcome.map(|_| false)?),
    }
}

/// Begins a flow and returns where its submissions go.
fn flow(port: u16, query: &str) -> Result<String> {
    let flow: Value = serde_json::from_str(&server::get(port, &format!("/self-service/login/api{query}"))?)?;
    Ok(format!("/self-service/login?flow={}", flow["id"].as_str().context("no flow")?))
}

/// Submits a password, after which the hook is called.
fn by_password(port: u16, number: usize) -> Result<TcpStream> {
    let body = json!({"method": "password", "identifier": address(number), "password": PASSWORD});
    server::send(port, "POST", &flow(port, "")?, server::JSON, &body.to_string())
}

/// Chooses a provider, which is asked what it says of itself.
fn by_provider(port: u16, provider: usize) -> Result<TcpStream> {
    chosen(port, &flow(port, "")?, provider)
}

fn chosen(port: u16, path: &str, provider: usize) -> Result<TcpStream> {
    let body = json!({"method": "oidc", "provider": format!("p{provider}")});
    server::send(port, "POST", path, server::JSON, &body.to_string())
}

/// Comes back from a provider with a code, for which it is asked for tokens.
fn by_code(port: u16, provider: usize) -> Result<TcpStream> {
    let query = format!("?return_session_token_exchange_code=true&return_to={BACK}");
    let (_, answer) = server::heard(chosen(port, &flow(port, &query)?, provider)?)?;
    let answer: Value = serde_json::from_str(&answer)?;
    let to = answer["redirect_browser_to"].as_str().with_context(|| format!("no way to it: {answer}"))?;
    let state = to.split_once("state=").context("no state")?.1.split('&').next().unwrap_or_default();
    let path = format!("/self-service/methods/oidc/callback/p{provider}?code=a-code&state={state}");
    server::send(port, "GET", &path, "", "")
}
