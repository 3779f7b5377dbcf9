//! What every handler shares: the store, time, randomness and the current configuration.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::{ArcSwap, Guard};
use sessera_accounts::Accounts;
use sessera_accounts::courier::WakeCourier;
use sessera_accounts::limits::Limits;
use sessera_accounts::password::PasswordHashing;
use sessera_model::{AssuranceLevel, Clock, CredentialKind, Random, Uuid};
use sessera_store::{Change, CommitListener, Committer, Store, StoreError};
use tokio::sync::Notify;

use crate::error::ApiError;
use crate::http::observe::RequestIds;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::observed::Observed;
use crate::rotation::Lease;
use crate::sessions::{LiveSession, Sessions};
pub use crate::snapshot::Snapshot;
use crate::status_lists::StatusLists;
use crate::traces::Traces;
use sessera_config::tree::TracingConfig;

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
    /// Live sessions by token.
    pub sessions: Sessions,
    /// Who people are and how they prove it.
    pub accounts: Arc<Accounts>,
    /// Where the configuration comes from and how it changes.
    pub live: Live,
    /// Whether this node may sign with managed keys.
    pub lease: Lease,
    /// The status lists that were made last.
    pub(crate) status_lists: StatusLists,
    /// The id of this deployment, which is the id of its one project.
    pub deployment_id: Uuid,
    /// What happens, in numbers.
    pub metrics: Arc<Metrics>,
    /// Traces of requests, where they are configured.
    pub traces: Option<Arc<Traces>>,
    /// Where requests get their ids from.
    pub request_ids: RequestIds,
    /// Whether the server was told to stop.
    pub stopping: AtomicBool,
    snapshot: ArcSwap<Snapshot>,
}

impl App {
    /// Puts the parts together.
    ///
    /// # Panics
    /// When traces are configured, outside of a Tokio runtime.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        passwords: PasswordHashing,
        live: Live,
        deployment_id: Uuid,
        snapshot: Snapshot,
    ) -> Self {
        let mut start = [0; 8];
        random.fill(&mut start);
        let metrics = Arc::new(Metrics::new());
        let traces = traces(&snapshot.config.tracing, &metrics);
        // What is in memory is asked without a detour.
        let sessions = Sessions::new(snapshot.config.session.cache_max_bytes, store.clone());
        let store: Arc<dyn Store> = Arc::new(Observed::new(store, metrics.clone(), traces.clone()));
        let message_waits = Arc::new(Notify::new());
        let listeners: Vec<Arc<dyn CommitListener>> =
            vec![sessions.cache.clone(), metrics.clone(), Arc::new(WakeCourier(message_waits.clone()))];
        let committer = Committer::new(store.clone(), listeners);
        let accounts = Accounts {
            store: store.clone(),
            committer: committer.clone(),
            clock: clock.clone(),
            random: random.clone(),
            passwords,
            limits: Limits::default(),
            metrics: metrics.accounts.clone(),
            message_waits,
        };
        Self {
            accounts: Arc::new(accounts),
            committer,
            metrics,
            traces,
            request_ids: RequestIds::new(u64::from_le_bytes(start)),
            stopping: AtomicBool::new(false),
            sessions,
            store,
            clock,
            random,
            live,
            lease: Lease::default(),
            status_lists: StatusLists::default(),
            deployment_id,
            snapshot: ArcSwap::from_pointee(snapshot),
        }
    }

    /// The current snapshot. A request loads it once and keeps to it.
    pub fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// Makes a new snapshot the current one.
    pub fn swap(&self, snapshot: Snapshot) {
        self.sessions.cache.set_max_bytes(snapshot.config.session.cache_max_bytes);
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Whether it is known without asking the store that a session has proven what it must.
    pub(crate) fn is_assured(snapshot: &Snapshot, live: &LiveSession) -> bool {
        !snapshot.accounts.rules.needs_highest_aal
            || live.session.assurance_level >= AssuranceLevel::Aal2
            || live.second_factor.get() == Some(&false)
    }

    /// Makes sure that a session has proven all factors that its owner has set up, where the
    /// configuration asks for that. 403 `session_aal2_required` otherwise.
    pub async fn require_assurance(&self, snapshot: &Snapshot, live: &LiveSession) -> Result<(), ApiError> {
        if Self::is_assured(snapshot, live) {
            return Ok(());
        }
        let has_second = match live.second_factor.get() {
            Some(known) => *known,
            None => {
                let has_second = self.has_second_factor(live.session.identity_id).await?;
                // Whoever was faster read the same: a change of credentials makes a new live session.
                *live.second_factor.get_or_init(|| has_second)
            }
        };
        if !has_second {
            return Ok(());
        }
        let redirect = snapshot.accounts.rules.url("self-service/login/browser?aal=aal2");
        Err(ApiError::forbidden(
            "The session has proven one factor, but its owner has set up a second one. Ask for it with a login flow with aal=aal2.",
        )
        .with_id("session_aal2_required")
        .with_redirect(redirect))
    }

    async fn has_second_factor(&self, identity_id: Uuid) -> Result<bool, StoreError> {
        let credentials = self.store.credentials(identity_id).await?;
        Ok(credentials
            .iter()
            .any(|credential| matches!(credential.kind, CredentialKind::Totp | CredentialKind::LookupSecret)))
    }

    /// Commits changes, all or nothing, and tells whoever has to hear of them; see [`Committer::commit`].
    pub async fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        self.committer.commit(changes).await
    }
}

/// Begins to trace where that is configured. A server whose traces cannot be sent serves all the same.
fn traces(config: &TracingConfig, metrics: &Metrics) -> Option<Arc<Traces>> {
    match config {
        TracingConfig::Off => None,
        TracingConfig::Unsupported(provider) => {
            tracing::warn!(%provider, "this provider of traces is not supported: set tracing.provider to otel");
            None
        }
        TracingConfig::Otlp(config) => match Traces::start(config, metrics.spans.clone()) {
            Ok(traces) => Some(Arc::new(traces)),
            Err(error) => {
                tracing::error!(%error, "no traces are sent; see tracing.providers.otlp");
                None
            }
        },
    }
}
