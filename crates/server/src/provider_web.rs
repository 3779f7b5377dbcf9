//! Sends questions to other providers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::Request;
use sessera_config::reach::Addresses;
use sessera_node::Snapshots;
use sessera_outgoing::{Bounds, Outgoing};
use sessera_social::web::{Ask, Body, Reply, Web};
use url::{Origin, Url};

/// What one answer may take.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(5), answer: 256 * 1024 };

/// How many questions to one host are under way at the same time.
const MOST: usize = 64;

/// To how many hosts connections are kept.
const MOST_HOSTS: usize = 64;

/// The network, as the configuration of the moment has it.
pub(crate) struct ProviderWeb {
    snapshots: Snapshots,
    /// Each host has room of its own, so that none that is slow takes that of others.
    hosts: Mutex<HashMap<Origin, Arc<Outgoing>>>,
}

impl ProviderWeb {
    /// The network by the rules of these snapshots.
    pub(crate) fn new(snapshots: Snapshots) -> Self {
        Self { snapshots, hosts: Mutex::default() }
    }

    fn host(&self, origin: Origin) -> Arc<Outgoing> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= MOST_HOSTS && !hosts.contains_key(&origin) {
            hosts.clear();
        }
        hosts.entry(origin).or_insert_with(|| Arc::new(Outgoing::new(MOST))).clone()
    }

    /// Where a question may lead. What a provider says of itself leads to private addresses only where the
    /// configuration has the same host and port.
    fn addresses(&self, url: &Url) -> Addresses {
        let snapshot = self.snapshots.load();
        let providers = &snapshot.config.selfservice.methods.oidc.config.providers;
        let is_written = |other: &Url| other.origin() == url.origin();
        let mut written = providers.iter().flat_map(|it| [&it.issuer_url, &it.token_url]).flatten();
        let reach = &snapshot.config.reach;
        if written.any(is_written) { reach.of_written(url) } else { reach.of_told(url) }
    }
}

#[async_trait]
impl Web for ProviderWeb {
    async fn ask(&self, ask: Ask<'_>) -> Result<Reply, String> {
        let url = Url::parse(ask.url).map_err(|error| error.to_string())?;
        let (method, media_type, body) = match ask.body {
            Body::None => ("GET", None, ""),
            Body::Form(form) => ("POST", Some("application/x-www-form-urlencoded"), form),
            Body::Json(json) => ("POST", Some("application/json"), json),
        };
        let mut request = Request::builder().method(method).uri(url.as_str());
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        for (name, value) in ask.headers {
            request = request.header(*name, value);
        }
        let request = request.body(body.as_bytes().to_vec()).map_err(|error| error.to_string())?;
        let answer = self.host(url.origin()).send(request, self.addresses(&url), BOUNDS).await;
        let answer = answer.map_err(|failure| format!("gave no answer: {failure}"))?;
        let (is_good, status) = (answer.status().is_success(), answer.status().as_u16());
        Ok(Reply { is_good, status, body: answer.into_body() })
    }
}
