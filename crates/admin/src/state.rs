//! What the routes of the admin port are made of.

use std::sync::Arc;

use axum::extract::FromRef;
use sessera_accounts::Accounts;
use sessera_contract::health::{Readiness, Stopping};
use sessera_contract::held::Held;
use sessera_gateway::tried::Rehearsal;
use sessera_issuer::upstream::UpstreamSessions;
use sessera_issuer::{Introspection, KeySets, Lease, ManagedKeys, Sessions};
use sessera_model::{Clock, Random};
use sessera_node::admin_tokens::AdminTokens;
use sessera_node::configuration::{Configuration, DeploymentId};
use sessera_node::record::Record;
use sessera_node::sinks::Sinks;
use sessera_node::{Snapshot, Snapshots};
use sessera_store::{Committer, Store};
use sessera_telemetry::{Metrics, Samples};

use crate::listeners::Listeners;

/// The parts of a server that the admin port needs.
pub struct Parts {
    /// Durable storage.
    pub store: Arc<dyn Store>,
    /// Commits changes and tells whoever has to hear of them.
    pub committer: Committer,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and tokens come from.
    pub random: Arc<dyn Random>,
    /// Live sessions by credential.
    pub sessions: Arc<Sessions>,
    /// The sessions of an upstream, where one keeps them.
    pub upstream: Option<Arc<UpstreamSessions>>,
    /// Finds out whether tokens are good that come back.
    pub introspection: Arc<Introspection>,
    /// Key sets as their owners edit them.
    pub key_sets: Arc<KeySets>,
    /// Key sets that rotate by themselves.
    pub managed_keys: Arc<ManagedKeys>,
    /// Who follows what happens.
    pub listeners: Listeners,
    /// What happened.
    pub record: Arc<Record>,
    /// Who is told of what happens.
    pub sinks: Arc<Sinks>,
    /// Tokens of the admin API.
    pub admin_tokens: Arc<AdminTokens>,
    /// Who people are and how they prove it.
    pub accounts: Arc<Accounts>,
    /// Judges requests that somebody tries.
    pub rehearsal: Rehearsal,
    /// Where the configuration comes from and how it changes.
    pub configuration: Arc<Configuration>,
    /// Whether this node may sign with managed keys.
    pub lease: Arc<Lease>,
    /// What happens, in numbers.
    pub metrics: Arc<Metrics>,
    /// What was counted in the last hour.
    pub samples: Arc<Samples>,
    /// The id of this deployment, which is the id of its one project.
    pub deployment_id: DeploymentId,
    /// Whether the server was told to stop.
    pub stopping: Stopping,
    /// What requests are judged by.
    pub snapshots: Snapshots,
}

/// The state of the routes, of which each handler takes the parts that it uses (`State(store): State<Arc<dyn Store>>`).
#[derive(Clone)]
pub struct AdminState(Held<Parts>);

impl From<Parts> for AdminState {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts).into())
    }
}

/// Says which parts handlers can take by their type.
macro_rules! parts {
    ($($part:ty: $field:ident;)*) => {$(
        impl FromRef<AdminState> for $part {
            fn from_ref(AdminState(parts): &AdminState) -> Self {
                parts.$field.clone()
            }
        }
    )*};
}

parts! {
    Arc<dyn Store>: store;
    Committer: committer;
    Arc<dyn Clock>: clock;
    Arc<dyn Random>: random;
    Arc<Sessions>: sessions;
    Option<Arc<UpstreamSessions>>: upstream;
    Arc<Introspection>: introspection;
    Arc<KeySets>: key_sets;
    Arc<ManagedKeys>: managed_keys;
    Listeners: listeners;
    Arc<Record>: record;
    Arc<Sinks>: sinks;
    Arc<AdminTokens>: admin_tokens;
    Arc<Accounts>: accounts;
    Rehearsal: rehearsal;
    Arc<Configuration>: configuration;
    Arc<Lease>: lease;
    Arc<Metrics>: metrics;
    Arc<Samples>: samples;
    DeploymentId: deployment_id;
    Stopping: stopping;
    Snapshots: snapshots;
}

/// The snapshot that is current when the handler is called. A handler that waits for its turn to change the
/// configuration takes [`Configuration`] instead.
impl FromRef<AdminState> for Arc<Snapshot> {
    fn from_ref(AdminState(parts): &AdminState) -> Self {
        parts.snapshots.current()
    }
}

impl FromRef<AdminState> for Readiness {
    fn from_ref(AdminState(parts): &AdminState) -> Self {
        Self {
            store: parts.store.clone(),
            committer: parts.committer.clone(),
            clock: parts.clock.clone(),
            lease: parts.lease.clone(),
            stopping: parts.stopping.clone(),
            upstream: parts.upstream.clone(),
            snapshot: parts.snapshots.current(),
        }
    }
}
