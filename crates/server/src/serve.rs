//! Starting and stopping a server.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse as _, Response};
use sessera_accounts::courier;
use sessera_accounts::password::PasswordHashing;
use sessera_issuer::nodes;
use sessera_model::{Clock, Random, Secret, SystemClock, SystemRandom};
use sessera_store::exposed::{self, Exposed};
use sessera_store::{Cipher, Engine, StoreError, secrets_file};
use sessera_tokenizer::MAX_STATUS_TTL;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::app::App;
use crate::configuration::{ConfigOrigin, Given};
use crate::http::listener::{Places, Shortcut};
use crate::managed_keys::{self, MaintainError};
use crate::snapshot::Snapshot;
use crate::{admin, http, public, public_port};
use sessera_config::{Config, ConfigError, Problem, load};

/// How often files that were read are looked at for changes.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// How often what has ended is swept, and how many rows at once.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
const SWEEP_ROWS: u32 = 500;

/// How often is written when sessions were last used.
const NOTE_USES_EVERY: Duration = Duration::from_secs(5);

/// How long after its end a session stays in lists: an hour more, for clocks, than the last of its tokens can
/// be good, because the status lists forget it with that.
const KEEP_ENDED: Duration = MAX_STATUS_TTL.saturating_add(Duration::from_secs(3600));

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The managed key sets cannot be put to use.
    #[error(transparent)]
    ManagedKeys(#[from] MaintainError),
    /// Nodes that share a database must share their secrets, so they are not made up.
    #[error(
        "secrets.cipher and secrets.cookie are not configured. With a database that several nodes share they must be, the same for all, and kept as safely as the database's backup. Put this into the configuration of every node:\nsecrets:\n  cipher: [\"{cipher}\"]\n  cookie: [\"{cookie}\"]"
    )]
    NoSecrets {
        /// A new secret to encrypt with.
        cipher: String,
        /// A new secret for cookies.
        cookie: String,
    },
    /// An address is taken or does not exist.
    #[error("cannot listen on {address}: {problem}. Stop what listens there, or set serve.{api}.port")]
    Listen {
        /// Which API.
        api: &'static str,
        /// Host and port.
        address: String,
        /// What the operating system says.
        problem: std::io::Error,
    },
}

/// A server that listens but does not answer yet.
pub struct Server {
    app: Arc<App>,
    public: TcpListener,
    admin: TcpListener,
    /// Says that another node may have changed the configuration.
    changed: Arc<Notify>,
    /// The stored version of the configuration that was read.
    version: [i64; 4],
}

impl Server {
    /// Reads the configuration, takes the ports and opens the database.
    pub async fn start(mut origin: ConfigOrigin) -> Result<Self, StartError> {
        let began = SystemTime::now();
        let loaded = load(&origin.files, &origin.environment)?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let config = loaded.config()?;
        for note in loaded.accepted(&config) {
            tracing::warn!("{note}");
        }
        let public = listen("public", &config.public.host, config.public.port).await?;
        let admin = listen("admin", &config.admin.host, config.admin.port).await?;
        // Port 0 is any free one. Which one it became belongs to the base URLs and to the issuer of tokens.
        // Where it listens stays as it is while the server runs, so that an admin API that everybody can
        // reach never loses its token by a change of a file.
        for (variable, host, listener) in
            [("SERVE_PUBLIC", &config.public.host, &public), ("SERVE_ADMIN", &config.admin.host, &admin)]
        {
            origin.environment.insert(format!("{variable}_HOST"), host.clone());
            if let Ok(address) = listener.local_addr() {
                origin.environment.insert(format!("{variable}_PORT"), address.port().to_string());
            }
        }
        let loaded = load(&origin.files, &origin.environment)?;
        let config = loaded.config()?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let engine = engine(&config).map_err(|(_, error)| error)?;
        let (cipher, cookie) = secrets(&config, &engine, &*random)?;
        for exposed in exposed_files(&origin.files, &engine) {
            tracing::warn!("{exposed}");
        }
        let store = engine.open(Arc::new(Cipher::new(&cipher)?), random.clone()).await?;
        // Read first: what changes afterwards makes it differ.
        let version = store.configuration_version().await?;
        let sets = store.key_sets().await?;
        let revision = store.newest_revision().await?;
        let generated = cookie.map(|secret| ("cookie", secret)).into_iter().collect();
        let given = Given { origin, base: loaded.tree, generated, revision };
        let snapshot = given.compile(&sets)?;
        let deployment_id = store.deployment_id().await?;
        let passwords = PasswordHashing::new(random.clone());
        let app = Arc::new(App::new(store, clock, random, passwords, given, deployment_id, snapshot));
        app.configuration.watch(began).await;
        managed_keys::maintain(&app).await?;
        let changed = nodes::listen(app.store.line(), app.sessions.cache().clone());
        Ok(Self { app, public, admin, changed, version })
    }

    /// Where the public API listens.
    pub fn public_address(&self) -> Option<SocketAddr> {
        self.public.local_addr().ok()
    }

    /// Where the admin API listens.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.local_addr().ok()
    }

    /// What the handlers share.
    pub const fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Answers one request as the public API does, without a connection: from memory where that can be.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        match public::whoami::from_memory(&self.app, &request) {
            Some(response) => response,
            None => public_port::router(self.app.clone()).oneshot(request).await.into_response(),
        }
    }

    /// Answers until `stop` becomes true, then lets requests in flight finish and closes the database.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        let timeouts = self.app.snapshot().config.timeouts.clone();
        let (end, ended) = watch::channel(false);
        tasks.spawn(drain(self.app.clone(), timeouts.drain, stop, end));
        let stop = ended;
        let (public, admin) = (public_port::router(self.app.clone()), admin::router(self.app.clone()));
        let (most_public, most_admin) = http::listener::most_connections();
        let places = |api, most| Places {
            most,
            taken: self.app.metrics.connections.with_label_values(&[api]),
            refused: self.app.metrics.connections_refused.with_label_values(&[api]),
        };
        let app = self.app.clone();
        let shortcut: Shortcut = Arc::new(move |request| public::whoami::from_memory(&app, request));
        let (to_router, ended): (Shortcut, _) = (Arc::new(|_| None), stop.clone());
        tasks.spawn(http::listener::serve(
            self.public,
            shortcut,
            public,
            places("public", most_public),
            timeouts.clone(),
            ended,
        ));
        let ended = stop.clone();
        tasks.spawn(http::listener::serve(
            self.admin,
            to_router,
            admin,
            places("admin", most_admin),
            timeouts,
            ended,
        ));
        tasks.spawn(every(WATCH_EVERY, stop.clone(), self.app.clone(), watch_files));
        let (app, store) = (self.app.clone(), self.app.store.clone());
        let reload = move || reload_for_others(app.clone());
        tasks.spawn(nodes::follow(store, self.changed, self.version, stop.clone(), reload));
        let (app, accounts) = (self.app.clone(), self.app.accounts.clone());
        tasks.spawn(courier::run(accounts, move || app.snapshot().accounts.clone(), stop.clone()));
        tasks.spawn(managed_keys::run(self.app.clone(), stop.clone()));
        tasks.spawn(every(SWEEP_EVERY, stop.clone(), self.app.clone(), sweep));
        tasks.spawn(every(NOTE_USES_EVERY, stop, self.app.clone(), write_last_uses));
        while tasks.join_next().await.is_some() {}
        write_last_uses(self.app.clone()).await;
        if let Some(traces) = &self.app.traces {
            traces.close().await;
        }
        self.app.store.close().await;
    }
}

/// What keeps a server of this configuration from starting, as far as it can be known without its database and its
/// ports. Templates are not looked at: broken ones do not keep it from starting.
pub fn judge(config: Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    match engine(&config) {
        Ok(Engine::Sqlite(_)) => {}
        Ok(_) => {
            if let Err(error) = configured_secrets(&config, &SystemRandom::default()) {
                problems.push(Problem::new("/secrets", error.to_string()));
            }
        }
        Err((pointer, error)) => problems.push(Problem::new(pointer, error.to_string())),
    }
    if let Err(error) = Snapshot::compile(config, &[], &sessera_issuer::Templates::default()) {
        problems.extend(error.problems());
    }
    problems
}

/// The database that a configuration names. The error has the pointer of the key that is to blame.
fn engine(config: &Config) -> Result<Engine, (&'static str, StoreError)> {
    let engine = Engine::of(&config.dsn).map_err(|error| ("/dsn", error))?;
    match &config.dsn_read_only {
        Some(standbys) => engine.with_standbys(standbys).map_err(|error| ("/dsn_read_only", error)),
        None => Ok(engine),
    }
}

/// The secrets of the configuration, which must have all.
fn configured_secrets(config: &Config, random: &dyn Random) -> Result<Vec<Secret>, StartError> {
    let configured = &config.secrets;
    if configured.cipher.is_empty() || configured.cookie.is_empty() {
        return Err(StartError::NoSecrets { cipher: random.base64url(24), cookie: random.base64url(24) });
    }
    Ok(configured.cipher.clone())
}

/// The secrets of the configuration, else those kept beside the database file. The second is the
/// cookie's, when it is not configured.
fn secrets(
    config: &Config,
    engine: &Engine,
    random: &dyn Random,
) -> Result<(Vec<Secret>, Option<Secret>), StartError> {
    let configured = &config.secrets;
    let Engine::Sqlite(file) = engine else {
        return configured_secrets(config, random).map(|cipher| (cipher, None));
    };
    if !configured.cipher.is_empty() && !configured.cookie.is_empty() {
        return Ok((configured.cipher.clone(), None));
    }
    let kept = secrets_file::load_or_create(file, random)?;
    let cipher = if configured.cipher.is_empty() { vec![kept.cipher] } else { configured.cipher.clone() };
    Ok((cipher, configured.cookie.is_empty().then_some(kept.cookie)))
}

/// The files that others on this machine may read or write, of those that hold data or secrets.
fn exposed_files(files: &[PathBuf], engine: &Engine) -> Vec<Exposed> {
    let holds_secrets = |file: &PathBuf| {
        let loaded = load(std::slice::from_ref(file), &HashMap::default());
        let places = ["/secrets", "/serve/admin/token", "/courier/smtp/connection_uri"];
        loaded.is_ok_and(|loaded| places.iter().any(|place| loaded.tree.pointer(place).is_some()))
    };
    let mut all: Vec<Exposed> =
        files.iter().filter(|file| holds_secrets(file)).filter_map(|file| exposed::exposed(file)).collect();
    if let Engine::Sqlite(database) = engine {
        all.extend(exposed::exposed_files(database));
    }
    all
}

async fn listen(api: &'static str, host: &str, port: u16) -> Result<TcpListener, StartError> {
    TcpListener::bind((host, port)).await.map_err(|problem| StartError::Listen {
        api,
        address: format!("{host}:{port}"),
        problem,
    })
}

/// Turns readiness red when the server is told to stop, and gives load balancers time to see it before
/// connections are refused.
async fn drain(app: Arc<App>, time: Duration, mut stop: watch::Receiver<bool>, end: watch::Sender<bool>) {
    http::listener::stopped(&mut stop).await;
    app.stopping.set(true);
    tokio::time::sleep(time).await;
    // The receivers live as long as the server runs.
    let _ = end.send(true);
}

/// Does something again and again until the server stops.
async fn every<F: Future<Output = ()>>(
    period: Duration,
    mut stop: watch::Receiver<bool>,
    app: Arc<App>,
    work: impl Fn(Arc<App>) -> F,
) {
    let mut clock = tokio::time::interval(period);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = clock.tick() => work(app.clone()).await,
            () = http::listener::stopped(&mut stop) => return,
        }
    }
}

async fn watch_files(app: Arc<App>) {
    if app.configuration.is_outdated().await {
        reload(&app).await;
    }
}

/// Another node has changed the configuration or the keys.
async fn reload_for_others(app: Arc<App>) {
    reload(&app).await;
}

/// Reads everything again; when it cannot be used, says so and goes on with what there is.
pub async fn reload(app: &App) {
    let began = SystemTime::now();
    match app.configuration.reload().await {
        Ok(()) => tracing::info!("the configuration was read again"),
        Err(error) => {
            tracing::error!(
                "the configuration cannot be used, the server goes on with the one before: {error}"
            );
            app.configuration.watch(began).await;
        }
    }
}

async fn write_last_uses(app: Arc<App>) {
    app.sessions.write_last_uses(&app.committer).await;
}

async fn sweep(app: Arc<App>) {
    let before = app.clock.now() - KEEP_ENDED;
    loop {
        match app.store.sweep(before, SWEEP_ROWS).await {
            Ok(0) => return,
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => {
                tracing::warn!(%error, "what has ended could not be swept; it is tried again");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use sessera_model::{AssuranceLevel, Session, TokenHash, Uuid};
    use sessera_store::{Change, NewSession, SessionKind};

    use super::*;
    use crate::testing::TestServer;

    #[tokio::test]
    async fn what_has_ended_is_swept_to_the_last_while_others_are_answered() {
        let server = TestServer::start().await;
        let ada = Uuid::parse_str(&server.person("ada@example.org").await).unwrap();
        let begin = server.clock.now();
        let ended = |number: u32| {
            let session = Session {
                id: server.app.random.uuid(),
                identity_id: ada,
                active: true,
                issued_at: begin,
                expires_at: begin,
                authenticated_at: begin,
                last_used_at: None,
                assurance_level: AssuranceLevel::Aal1,
                methods: vec![],
                devices: vec![],
            };
            let token = TokenHash::of(&number.to_string());
            Change::InsertSession(NewSession { session, kind: SessionKind::Native, token })
        };
        server.app.commit(&(0..=2 * SWEEP_ROWS).map(ended).collect::<Vec<_>>()).await.unwrap();
        server.clock.advance(KEEP_ENDED);
        let (token, _) = server.signed_in("ada@example.org").await;
        sweep(server.app.clone()).await;
        assert!(server.app.store.session_by_token(&TokenHash::of("0")).await.unwrap().is_some(), "not yet");
        server.clock.advance(Duration::from_secs(1));
        server.recorded.notes();
        let mut sweeping = Box::pin(sweep(server.app.clone()));
        // As far as the second batch, which waits for this test from then on.
        let mut notes = Vec::new();
        std::future::poll_fn(|context| {
            assert!(sweeping.as_mut().poll(context).is_pending(), "there are more batches");
            notes.extend(server.recorded.notes());
            if notes.len() < 2 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        server.app.sessions.cache().drop_all();
        let headers = [("x-session-token", token.as_str())];
        assert_eq!(server.public("GET", "/sessions/whoami", &headers, None).await.status, 200);
        sweeping.await;
        notes.extend(server.recorded.notes());
        let batches = notes.iter().filter(|note| *note == "sweep").count();
        assert_eq!(batches, 4, "three with rows and one without");
        for number in 0..=2 * SWEEP_ROWS {
            let token = TokenHash::of(&number.to_string());
            assert_eq!(server.app.store.session_by_token(&token).await.unwrap(), None);
        }
    }
}
