//! Sessions of an upstream: an Ory Kratos or an Ory Network project, beside or behind which this server stands.
//!
//! [`sessera_upstream`] has the connection to it.

use std::sync::Arc;

use sessera_config::UpstreamConfig;
use sessera_issuer::IssuerMetrics;
use sessera_issuer::upstream::{Bounds, Rechecks, UpstreamSessions};
use sessera_model::{Clock, Random};
use sessera_store::{Committer, Store};
use sessera_upstream::{Client, ClientError, HttpAsker};

/// The upstream of a server that has one.
pub(crate) struct Upstream {
    /// The connection to it.
    pub(crate) client: Arc<Client>,
    /// Its sessions.
    pub(crate) sessions: Arc<UpstreamSessions>,
    /// Whether requests that this server does not answer itself go on to it.
    pub(crate) forwards: bool,
    /// What asks about the sessions that status lists tell of; nothing where the admin API is not known.
    pub(crate) rechecks: Option<Arc<Rechecks>>,
    /// Whether answers stay in memory, so that there is something to forget.
    pub(crate) keeps_answers: bool,
}

impl Upstream {
    /// The upstream of a configuration. It is not asked anything yet.
    pub(crate) fn new(
        config: &UpstreamConfig,
        store: Arc<dyn Store>,
        committer: Committer,
        clock: Arc<dyn Clock>,
        random: &dyn Random,
        metrics: IssuerMetrics,
    ) -> Result<Self, ClientError> {
        let client = Arc::new(Client::new(config)?);
        let asker = Arc::new(HttpAsker::new(client.clone(), config, clock.clone()));
        let bounds = Bounds {
            ttl: config.ttl,
            timeout: config.timeout,
            max_in_flight: config.max_in_flight,
            has_admin_api: config.admin_url.is_some(),
        };
        let sessions = UpstreamSessions::new(
            asker,
            store.clone(),
            committer.clone(),
            clock.clone(),
            random,
            bounds,
            metrics.clone(),
        );
        let sessions = Arc::new(sessions);
        let rechecks = bounds.has_admin_api.then(|| {
            let budget = config.recheck_per_second;
            Arc::new(Rechecks::new(sessions.clone(), store, committer, clock, metrics, budget))
        });
        Ok(Self {
            client,
            sessions,
            rechecks,
            forwards: config.forward,
            keeps_answers: !config.ttl.is_zero() || !config.max_stale.is_zero(),
        })
    }
}
