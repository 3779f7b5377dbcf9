//! Starting and stopping a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::FromRef as _;
use axum::http::{Request, Uri};
use axum::response::{IntoResponse as _, Response};
use sessera_accounts::courier;
use sessera_accounts::password::PasswordHashing;
use sessera_http::listener::{self, Answers, Shortcut, Slots};
use sessera_issuer::trial::Trial;
use sessera_issuer::{nodes, published};
use sessera_jose::KidClash;
use sessera_model::{Clock, Random, SystemClock, SystemRandom};
use sessera_node::chores::{self, Chores};
use sessera_node::configuration::{Addresses, Given};
use sessera_node::judgement::{self, Judgement};
use sessera_node::managed_keys::{self, MaintainError};
use sessera_node::secrets::{self, SecretsError};
use sessera_node::{ConfigOrigin, Configuration, configuration, exposed_files};
use sessera_store::{Cipher, StoreError};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::app::{App, AppState};
use crate::gateway_port::{self, GatewayShortcut};
use crate::public::whoami::ShortWay;
use crate::sockets::{self, ListenError, Listening, Sockets};
use crate::{admin_port, public_port};
use sessera_config::{Config, ConfigError, ConfigFile, Problem, load};
use sessera_contract::answer;
use sessera_contract::health::{self, Stopping};
use sessera_http::status::NO_SLOT;
use sessera_telemetry::samples;
use sessera_upstream::{Client, ClientError};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The upstream that keeps the sessions cannot be asked.
    #[error(transparent)]
    Upstream(#[from] ClientError),
    /// The managed key sets cannot be put to use.
    #[error(transparent)]
    ManagedKeys(#[from] MaintainError),
    /// The secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// It cannot listen where it should.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// A server that listens but does not answer yet.
pub struct Server {
    app: Arc<App>,
    short_way: Arc<ShortWay>,
    sockets: Listening,
    /// Says that another node may have changed the configuration.
    changed: Arc<Notify>,
    /// The stored version of the configuration that was read.
    version: [i64; 4],
}

impl Server {
    /// Reads the configuration, takes the ports and opens the database.
    pub async fn start(origin: ConfigOrigin) -> Result<Self, StartError> {
        Self::start_on(Sockets::default(), origin).await
    }

    /// Starts on sockets that listen already.
    pub async fn start_on(open: Sockets, mut origin: ConfigOrigin) -> Result<Self, StartError> {
        let began = SystemTime::now();
        origin.environment.extend(open.variables());
        let loaded = load(&origin.files, &origin.environment)?;
        let config = loaded.config()?;
        let sockets = Listening::begin(open, &config).await?;
        // Port 0 is any free one. Which one it became belongs to the base URLs and to the issuer of tokens.
        // Where it listens stays as it is while the server runs, so that an admin API that everybody can
        // reach never loses its token by a change of a file.
        let of_gateway =
            sockets.gateway.iter().map(|listener| ("SERVE_GATEWAY", &config.gateway.host, listener));
        let all = [
            ("SERVE_PUBLIC", &config.public.host, &sockets.public),
            ("SERVE_ADMIN", &config.admin.host, &sockets.admin),
        ];
        let mut addresses = Addresses::new();
        for (variable, host, listener) in all.into_iter().chain(of_gateway) {
            addresses.insert(format!("{variable}_HOST"), host.clone());
            if let Ok(address) = listener.local_addr() {
                addresses.insert(format!("{variable}_PORT"), address.port().to_string());
            }
        }
        let started = loaded.tree;
        let loaded = load(&origin.files, &origin.environment_with(&addresses))?;
        let config = loaded.config()?;
        let random: Arc<dyn Random> = Arc::new(SystemRandom::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let engine = secrets::engine(&config).map_err(|(_, error)| error)?;
        let (cipher, cookie) = secrets::load(&config, &engine, &*random)?;
        for exposed in exposed_files::find(&origin.files, &config, Some(&engine)) {
            tracing::warn!("{exposed}");
        }
        for note in secrets::without_effect(&config) {
            tracing::warn!("{}", loaded.places.locate(&note));
        }
        let store = engine.open(Arc::new(Cipher::new(&cipher)?), random.clone()).await?;
        // Read first: what changes afterwards makes it differ.
        let version = store.configuration_version().await?;
        let sets = store.key_sets().await?;
        let revision = store.newest_revision().await?;
        let generated = cookie.map(|secret| ("cookie", secret)).into_iter().collect();
        let given = Given { origin, addresses, started, base: loaded.tree.clone(), generated, revision };
        let snapshot = given.compile(&sets);
        let snapshot = snapshot.map_err(|error| loaded.located(error, given.stored().as_ref()))?;
        // Verifiers could not tell which is meant. What is stored, revisions and sets, was judged when it was stored.
        let clashes = snapshot.issuer.published.clashes();
        let is_of_files = |clash: &&KidClash<String>| {
            [&clash.first, &clash.second].into_iter().all(|name| {
                let keys =
                    snapshot.config.templates.get(name).and_then(|template| template["jwks_url"].as_str());
                !keys.is_some_and(|keys| keys.starts_with("set://"))
            })
        };
        if let (None, Some(clash)) = (&given.revision, clashes.iter().find(is_of_files)) {
            let pointer = format!("{}/jwks_url", configuration::template_pointer(&clash.second));
            let refused = ConfigError::Invalid(vec![Problem::new(pointer, published::about(clash))]);
            return Err(loaded.located(refused, None).into());
        }
        let trial = Trial::on_sessions_of(&*store, &snapshot.issuer, clock.now()).await?;
        configuration::warn(&loaded, given.revision.as_ref(), &snapshot, &trial);
        let deployment_id = store.deployment_id().await?;
        let passwords = PasswordHashing::new(random.clone());
        let app = Arc::new(App::new(store, clock, random, passwords, given, deployment_id, snapshot)?);
        app.configuration.watch(began).await;
        managed_keys::maintain(&app.configuration, &app.managed_keys).await?;
        app.sinks.begin(&app.snapshots.current().config).await?;
        let changed = nodes::listen(app.store.line(), app.sessions.cache().clone());
        let short_way = Arc::new(ShortWay::from_ref(&AppState::from(app.clone())));
        Ok(Self { app, short_way, sockets, changed, version })
    }

    /// Where the public API listens.
    pub fn public_address(&self) -> Option<SocketAddr> {
        self.sockets.public.local_addr().ok()
    }

    /// Where the admin API listens.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.sockets.admin.local_addr().ok()
    }

    /// Where proxies ask, if they may.
    pub fn gateway_address(&self) -> Option<SocketAddr> {
        self.sockets.gateway.as_ref()?.local_addr().ok()
    }

    /// The configuration, which can be read again while the server runs.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.app.configuration.clone()
    }

    /// What asks whether the server answers.
    pub fn self_check(&self) -> SelfCheck {
        SelfCheck(public_router(&self.app))
    }

    /// Answers one request as the public API does, without a connection: from memory where that can be.
    pub async fn answer(&self, request: Request<Body>) -> Response {
        match self.short_way.answer(&request) {
            Some(response) => response,
            None => public_router(&self.app).oneshot(request).await.into_response(),
        }
    }

    /// Answers until it is told to stop, then lets requests in flight finish and closes the database.
    pub async fn run(self, stop: CancellationToken) {
        let mut tasks = JoinSet::new();
        let app = self.app;
        let timeouts = app.snapshot().config.timeouts.clone();
        let told = stop;
        let stop = CancellationToken::new();
        tasks.spawn(drain(app.stopping.clone(), timeouts.drain, told.clone(), stop.clone()));
        let most = listener::most_connections();
        // Proxies and everybody else get half of the slots each.
        let most_others = if self.sockets.gateway.is_some() { most.others / 2 } else { most.others };
        let slots = |api, most| Slots {
            most,
            taken: app.metrics.connections.with_label_values(&[api]),
            refused: app.metrics.connections_refused.with_label_values(&[api]),
        };
        let short_way = self.short_way;
        let shortcut: Shortcut = Arc::new(move |_, request| short_way.answer(request));
        let public = answers(shortcut, public_router(&app));
        let slots_public = slots("public", most_others);
        tasks.spawn(listener::serve(
            self.sockets.public,
            public,
            slots_public,
            timeouts.clone(),
            stop.clone(),
        ));
        if let Some(listener) = self.sockets.gateway {
            let at_once = GatewayShortcut::new(&app);
            let shortcut: Shortcut = Arc::new(move |peer, request| at_once.answer(peer, request));
            let gateway = answers(shortcut, gateway_router(&app));
            let slots = slots(gateway_port::NAME, most_others);
            tasks.spawn(listener::serve(listener, gateway, slots, timeouts.clone(), stop.clone()));
            tasks.spawn(gateway_port::tell_health(app.gateway.health.clone(), told, stop.clone()));
        }
        let admin = answers(Arc::new(|_, _| None), admin_port::router(&app));
        tasks.spawn(listener::serve(
            self.sockets.admin,
            admin,
            slots("admin", most.operators),
            timeouts,
            stop.clone(),
        ));
        let looked_at = app.clone();
        tasks.spawn(chores::every(samples::EVERY, stop.clone(), move || {
            looked_at.samples.take(&looked_at.metrics, looked_at.clock.now());
            std::future::ready(())
        }));
        let configuration = app.configuration.clone();
        let reload = move || {
            let configuration = configuration.clone();
            async move {
                chores::reload(&configuration).await;
            }
        };
        tasks.spawn(nodes::follow(app.store.clone(), self.changed, self.version, stop.clone(), reload));
        let snapshots = app.snapshots.clone();
        let rules = move || snapshots.load().accounts.clone();
        tasks.spawn(courier::run(app.accounts.clone(), rules, stop.clone()));
        let (configuration, keys) = (app.configuration.clone(), app.managed_keys.clone());
        tasks.spawn(managed_keys::run(configuration, keys, stop.clone()));
        tasks.spawn(app.sinks.clone().run(stop.clone()));
        let chores = Chores {
            configuration: app.configuration.clone(),
            store: app.store.clone(),
            clock: app.clock.clone(),
            sessions: app.sessions.clone(),
            committer: app.committer.clone(),
            rechecks: app.upstream.as_ref().and_then(|upstream| upstream.rechecks.clone()),
            record: app.record.clone(),
            snapshots: app.snapshots.clone(),
        };
        chores.spawn(&mut tasks, &stop);
        while tasks.join_next().await.is_some() {}
        app.sessions.write_last_uses(&app.committer).await;
        if let Err(error) = app.record.keep().await {
            tracing::warn!(%error, "the last entries of the record could not be written");
        }
        if let Some(traces) = &app.traces {
            traces.close().await;
        }
        app.store.close().await;
    }
}

/// The question of whether a server can do its work, as load balancers put it, without a connection.
pub struct SelfCheck(Router);

impl SelfCheck {
    /// Returns when there is an answer, whatever it is. There is none where something hangs.
    pub async fn answered(&self) {
        let mut question = Request::new(Body::empty());
        *question.uri_mut() = Uri::from_static(health::READY);
        // The router answers all there is.
        let _ = self.0.clone().oneshot(question).await;
    }
}

/// What is answered on a port, with the server's own words for what no route answers.
fn answers(shortcut: Shortcut, router: Router) -> Answers {
    let (no_slot, in_place_of) = (NO_SLOT, answer::unreadable::in_place_of);
    Answers { shortcut, router, no_slot, in_place_of, busy: answer::busy }
}

/// Turns readiness red when the server is told to stop, and gives load balancers time to see it before
/// connections are refused.
async fn drain(stopping: Stopping, time: Duration, told: CancellationToken, stop: CancellationToken) {
    told.cancelled().await;
    stopping.set(true);
    tokio::time::sleep(time).await;
    stop.cancel();
}

fn public_router(app: &Arc<App>) -> Router {
    let router = public_port::router(app.snapshots.clone(), app.observer("public"));
    router.with_state(AppState::from(app.clone()))
}

fn gateway_router(app: &Arc<App>) -> Router {
    gateway_port::router(app.gateway.clone(), app.observer(gateway_port::NAME))
        .with_state(AppState::from(app.clone()))
}

/// Judges a configuration of these files, as far as that can be done without its database and its ports.
pub fn judge(config: Config, files: &[ConfigFile]) -> Judgement {
    let upstream = config.upstream.as_deref().map(Client::new);
    let nowhere = sockets::nowhere(&config);
    let mut judgement = judgement::judge(config, files);
    judgement.notes.extend(nowhere);
    if let Some(Err(error)) = upstream {
        judgement.wrong.push(Problem::new(error.pointer(), error.to_string()));
    }
    judgement
}
