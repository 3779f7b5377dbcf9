//! Sessions of an upstream: an Ory Kratos or an Ory Network project, beside or behind which this server stands.
//!
//! [`sessera_upstream`] has the connection to it.

use std::sync::Arc;

use sessera_config::UpstreamConfig;
use sessera_issuer::IssuerMetrics;
use sessera_issuer::upstream::{Bounds, UpstreamSessions};
use sessera_model::{Clock, Random};
use sessera_upstream::{Client, ClientError, HttpAsker};

/// The upstream of a server that has one.
pub(crate) struct Upstream {
    /// The connection to it.
    pub(crate) client: Arc<Client>,
    /// Its sessions.
    pub(crate) sessions: Arc<UpstreamSessions>,
    /// Whether requests that this server does not answer itself go on to it.
    pub(crate) forwards: bool,
    /// Whether answers stay in memory, so that there is something to forget.
    pub(crate) keeps_answers: bool,
}

impl Upstream {
    /// The upstream of a configuration. It is not asked anything yet.
    pub(crate) fn new(
        config: &UpstreamConfig,
        clock: Arc<dyn Clock>,
        random: &dyn Random,
        metrics: IssuerMetrics,
    ) -> Result<Self, ClientError> {
        let client = Arc::new(Client::new(config)?);
        let asker = Arc::new(HttpAsker::new(client.clone(), config));
        let bounds = Bounds {
            ttl: config.ttl,
            timeout: config.timeout,
            max_in_flight: config.max_in_flight,
            has_admin_api: config.admin_url.is_some(),
        };
        Ok(Self {
            client,
            sessions: Arc::new(UpstreamSessions::new(asker, clock, random, bounds, metrics)),
            forwards: config.forward,
            keeps_answers: !config.ttl.is_zero() || !config.max_stale.is_zero(),
        })
    }
}
