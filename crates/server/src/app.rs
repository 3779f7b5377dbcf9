//! What every handler shares: the store, time, randomness and the current configuration.

use std::sync::Arc;

use arc_swap::Guard;
use axum::extract::FromRef;
use sessera_accounts::Accounts;
use sessera_accounts::breaches::Breaches;
use sessera_accounts::courier::WakeCourier;
use sessera_accounts::hooks::WebHooks;
use sessera_accounts::limits::Limits;
use sessera_accounts::password::PasswordHashing;
use sessera_issuer::SessionSource;
use sessera_issuer::sessions::OwnStore;
use sessera_issuer::upstream::UpstreamSessions;
use sessera_issuer::{
    ExchangeCodes, Introspection, KeySets, Lease, ManagedKeys, Places, ReusedTokens, SessionCache, Sessions,
    StatusLists, TokenIssuer,
};
use sessera_model::{Clock, Random, Uuid};
use sessera_store::observed::ObservedStore;
use sessera_store::{Change, CommitListener, Committer, Store, StoreError};
use tokio::sync::Notify;

use crate::gateway_rules;
use crate::provider_web::ProviderWeb;
use crate::session_tokens::SessionTokens;
use crate::upstream::Upstream;
use sessera_admin::listeners::Listeners;
use sessera_config::OtlpConfig;
use sessera_contract::health::{Readiness, Stopping};
use sessera_contract::held::Held;
use sessera_contract::observe::Observer;
use sessera_gateway::tried::Rehearsal;
use sessera_gateway::{Gateway, Health};
use sessera_http::request_ids::RequestIds;
use sessera_node::admin_tokens::AdminTokens;
use sessera_node::configuration::{Configuration, DeploymentId, Given, Surroundings};
use sessera_node::event_log::EventLog;
use sessera_node::record::Record;
use sessera_node::sinks::{SinkNumbers, Sinks};
pub use sessera_node::{Snapshot, Snapshots};
use sessera_outgoing::{HttpHooks, PwnedPasswords};
use sessera_social::Social;
use sessera_telemetry::{Metrics, Samples, StoreMeter, Traces};
use sessera_upstream::ClientError;

/// The state of the running server, shared by all requests.
pub struct App {
    /// Durable storage.
    pub store: Arc<dyn Store>,
    /// Commits changes and tells whoever has to hear of them.
    pub committer: Committer,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and tokens come from.
    pub random: Arc<dyn Random>,
    /// Live sessions by session token.
    pub sessions: Arc<Sessions>,
    /// Who keeps the sessions, where this server does not.
    pub(crate) upstream: Option<Arc<Upstream>>,
    /// Makes tokens of them.
    pub tokens: Arc<TokenIssuer>,
    /// Judges the questions of proxies.
    pub gateway: Gateway,
    /// Judges requests that somebody tries.
    pub(crate) rehearsal: Rehearsal,
    /// `sessions` and `tokens` together, as handlers take them.
    pub(crate) session_tokens: SessionTokens,
    /// Finds out whether tokens are good that come back.
    pub introspection: Arc<Introspection>,
    /// One-time codes for pages on other sites.
    pub exchange_codes: Arc<ExchangeCodes>,
    /// Key sets as their owners edit them.
    pub key_sets: Arc<KeySets>,
    /// Key sets that rotate by themselves.
    pub managed_keys: Arc<ManagedKeys>,
    /// Who follows what happens.
    pub(crate) listeners: Listeners,
    /// What happened.
    pub record: Arc<Record>,
    /// Who is told of what happens.
    pub sinks: Arc<Sinks>,
    /// Tokens of the admin API.
    pub admin_tokens: Arc<AdminTokens>,
    /// Who people are and how they prove it.
    pub accounts: Arc<Accounts>,
    /// Where the configuration comes from and how it changes.
    pub configuration: Arc<Configuration>,
    /// Whether this node may sign with managed keys.
    pub lease: Arc<Lease>,
    /// The status lists that were made last.
    pub status_lists: Arc<StatusLists>,
    /// The id of this deployment, which is the id of its one project.
    pub deployment_id: DeploymentId,
    /// What happens, in numbers.
    pub metrics: Arc<Metrics>,
    /// What was counted in the last hour.
    pub(crate) samples: Arc<Samples>,
    /// Traces of requests, where they are configured.
    pub traces: Option<Arc<Traces>>,
    /// Where requests get their ids from.
    pub request_ids: Arc<RequestIds>,
    /// Whether the server was told to stop.
    pub stopping: Stopping,
    /// What requests are judged by.
    pub snapshots: Snapshots,
}

/// The state of the routers, of which each handler takes the parts that it uses
/// (`State(store): State<Arc<dyn Store>>`).
#[derive(Clone)]
pub struct AppState(Held<App>);

impl From<Arc<App>> for AppState {
    fn from(app: Arc<App>) -> Self {
        Self(app.into())
    }
}

/// Says which fields of the application handlers can take by their type.
macro_rules! parts {
    ($($part:ty: $field:ident;)*) => {$(
        impl FromRef<AppState> for $part {
            fn from_ref(AppState(app): &AppState) -> Self {
                app.$field.clone()
            }
        }
    )*};
}

parts! {
    Arc<dyn Store>: store;
    Committer: committer;
    Arc<dyn Clock>: clock;
    Arc<Sessions>: sessions;
    Option<Arc<Upstream>>: upstream;
    SessionTokens: session_tokens;
    Arc<Introspection>: introspection;
    Arc<ExchangeCodes>: exchange_codes;
    Arc<Accounts>: accounts;
    Arc<Lease>: lease;
    Arc<StatusLists>: status_lists;
    Arc<Metrics>: metrics;
    Snapshots: snapshots;
    Arc<RequestIds>: request_ids;
}

/// The snapshot that is current when the handler is called.
impl FromRef<AppState> for Arc<Snapshot> {
    fn from_ref(AppState(app): &AppState) -> Self {
        app.snapshots.current()
    }
}

impl FromRef<AppState> for Readiness {
    fn from_ref(AppState(app): &AppState) -> Self {
        Self {
            store: app.store.clone(),
            committer: app.committer.clone(),
            clock: app.clock.clone(),
            lease: app.lease.clone(),
            stopping: app.stopping.clone(),
            upstream: app.upstream_sessions(),
            snapshot: app.snapshots.current(),
        }
    }
}

impl App {
    /// Puts the parts together. The error is that of an upstream that cannot be asked.
    ///
    /// # Panics
    /// When traces are configured, outside of a Tokio runtime.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        passwords: PasswordHashing,
        given: Given,
        deployment_id: Uuid,
        snapshot: Snapshot,
    ) -> Result<Self, ClientError> {
        let mut start = [0; 8];
        random.fill(&mut start);
        let metrics = Arc::new(Metrics::default());
        let traces = snapshot.config.tracing.as_ref().and_then(|config| traces(config, &metrics));
        let meter = StoreMeter { metrics: metrics.clone(), traces: traces.clone() };
        let store: Arc<dyn Store> = Arc::new(ObservedStore::new(store, meter));
        let message_waits = Arc::new(Notify::new());
        let cache = Arc::new(SessionCache::new(snapshot.config.session.cache_max_bytes));
        let listeners: Vec<Arc<dyn CommitListener>> = vec![
            cache.clone(),
            metrics.clone(),
            Arc::new(WakeCourier(message_waits.clone())),
            Arc::new(EventLog),
        ];
        let committer = Committer::new(store.clone(), listeners).with_record(clock.clone(), random.clone());
        let config = snapshot.config.upstream.as_deref();
        let upstream = config.map(|config| {
            let (store, committer) = (store.clone(), committer.clone());
            let numbers = metrics.issuer.clone();
            Upstream::new(config, store, committer, clock.clone(), &*random, numbers).map(Arc::new)
        });
        let upstream = upstream.transpose()?;
        let source: Arc<dyn SessionSource> = match &upstream {
            Some(upstream) => upstream.sessions.clone(),
            None => Arc::new(OwnStore::new(store.clone())),
        };
        let lease = Arc::new(Lease::default());
        let snapshots = Snapshots::new(snapshot);
        let accounts = Accounts {
            store: store.clone(),
            committer: committer.clone(),
            clock: clock.clone(),
            random: random.clone(),
            passwords,
            breaches: Breaches::new(Arc::new(PwnedPasswords::default())),
            providers: Arc::new(Social::new(Arc::new(ProviderWeb::new(snapshots.clone())))),
            web_hooks: WebHooks::new(Arc::new(HttpHooks::default()), metrics.accounts.clone()),
            limits: Limits::default(),
            metrics: metrics.accounts.clone(),
            message_waits,
        };
        let numbers = &metrics.issuer;
        let deployment_id = DeploymentId(deployment_id);
        let surroundings = Surroundings {
            store: store.clone(),
            committer: committer.clone(),
            clock: clock.clone(),
            random: random.clone(),
            deployment_id,
            snapshots: snapshots.clone(),
            cache: cache.clone(),
        };
        let sinks = Sinks {
            store: store.clone(),
            committer: committer.clone(),
            clock: clock.clone(),
            snapshots: snapshots.clone(),
            lease: lease.clone(),
            sender: Arc::new(HttpHooks::default()),
            numbers: SinkNumbers {
                outcomes: metrics.sink_outcomes.clone(),
                waiting: metrics.sink_waiting.clone(),
                given_up: metrics.sink_given_up.clone(),
            },
            node: random.uuid(),
        };
        let sessions = Arc::new(Sessions::new(cache.clone(), source.clone(), clock.clone(), numbers.clone()));
        let tokens = TokenIssuer::new(clock.clone(), random.clone(), lease.clone(), numbers.clone())
            .keeping_forms(cache.clone());
        let places = Places::new(store.clone(), committer.clone());
        let tokens = Arc::new(tokens.giving_places(Arc::new(places)));
        let reused = ReusedTokens::new(cache, tokens.clone(), lease.clone(), clock.clone(), numbers.clone());
        let gateway = Gateway {
            now: gateway_rules::following(snapshots.clone()),
            sessions: sessions.clone(),
            tokens: Arc::new(reused),
            decisions: metrics.gateway_decisions.clone(),
            kratos_cookies: metrics.kratos_cookies.clone(),
            traces: traces.clone(),
            health: Health::default(),
        };
        let rehearsal = Rehearsal {
            gateway: gateway.clone(),
            source,
            clock: clock.clone(),
            random: random.clone(),
            lease: lease.clone(),
        };
        Ok(Self {
            gateway,
            rehearsal,
            session_tokens: SessionTokens {
                sessions: sessions.clone(),
                tokens: tokens.clone(),
                traces: traces.clone(),
            },
            tokens,
            introspection: Arc::new(Introspection::new(
                store.clone(),
                sessions.clone(),
                clock.clone(),
                lease.clone(),
            )),
            upstream,
            exchange_codes: Arc::new(ExchangeCodes::new(
                store.clone(),
                committer.clone(),
                clock.clone(),
                random.clone(),
            )),
            key_sets: Arc::new(KeySets::new(store.clone(), committer.clone(), clock.clone())),
            managed_keys: Arc::new(ManagedKeys::new(
                store.clone(),
                committer.clone(),
                clock.clone(),
                lease.clone(),
                numbers.clock_difference.clone(),
            )),
            listeners: Listeners::default(),
            record: Arc::new(Record::new(store.clone(), committer.clone(), clock.clone())),
            sinks: Arc::new(sinks),
            admin_tokens: Arc::new(AdminTokens::new(
                store.clone(),
                committer.clone(),
                clock.clone(),
                random.clone(),
            )),
            status_lists: Arc::new(StatusLists::new(store.clone(), clock.clone(), lease.clone())),
            accounts: Arc::new(accounts),
            lease,
            committer,
            request_ids: Arc::new(RequestIds::new(u64::from_le_bytes(start))),
            stopping: Stopping::default(),
            metrics,
            samples: Arc::default(),
            traces,
            store,
            clock,
            random,
            configuration: Arc::new(Configuration::new(given, surroundings)),
            deployment_id,
            snapshots,
            sessions,
        })
    }

    /// Observes the requests of an API.
    pub(crate) fn observer(&self, api: &'static str) -> Observer {
        let (request_ids, metrics) = (self.request_ids.clone(), self.metrics.clone());
        Observer { api, request_ids, metrics, traces: self.traces.clone(), told_inside: &[] }
    }

    /// The sessions of the upstream, where one keeps them.
    pub(crate) fn upstream_sessions(&self) -> Option<Arc<UpstreamSessions>> {
        self.upstream.as_ref().map(|upstream| upstream.sessions.clone())
    }

    /// The current snapshot. A request loads it once and keeps to it.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.snapshots.load()
    }

    /// Commits changes, all or nothing, and tells whoever has to hear of them; see [`Committer::commit`].
    pub async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.committer.commit(changes).await
    }
}

/// Begins to trace where that is configured. A server whose traces cannot be sent serves all the same.
fn traces(config: &OtlpConfig, metrics: &Metrics) -> Option<Arc<Traces>> {
    match Traces::start(config, metrics.spans.clone()) {
        Ok(traces) => Some(Arc::new(traces)),
        Err(error) => {
            tracing::error!(%error, "no traces are sent; see tracing.providers.otlp");
            None
        }
    }
}
