//! `/health/alive`, `/health/ready` and `/version`, on both ports, and on the admin port also under
//! `/admin`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Json;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use sessera_issuer::Lease;
use sessera_issuer::upstream::UpstreamSessions;
use sessera_model::Clock;
use sessera_node::Snapshot;
use sessera_openapi::NotReadyBody;
use sessera_store::{Committer, Store};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::{self, ApiError};

/// What readiness depends on.
#[derive(Clone)]
pub struct Readiness {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Knows whether changes can be written.
    pub committer: Committer,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// Whether this node may sign with managed keys.
    pub lease: Arc<Lease>,
    /// Whether the server was told to stop.
    pub stopping: Stopping,
    /// The sessions of an upstream, where one keeps them.
    pub upstream: Option<Arc<UpstreamSessions>>,
    /// What the server is judged by.
    pub snapshot: Arc<Snapshot>,
}

/// Whether the server was told to stop, so that it is no longer ready for new work.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// Tells whether the server was told to stop.
    pub fn is_told(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes that the server was told to stop, or that it was not.
    pub fn set(&self, is_told: bool) {
        self.0.store(is_told, Ordering::Relaxed);
    }
}

/// Where a server says whether it can do its work.
pub const READY: &str = "/health/ready";

/// The routes of both ports.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Readiness: FromRef<S>,
{
    router_of_health().routes(routes!(version))
}

/// The routes of health alone.
pub fn router_of_health<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Readiness: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

/// The routes of health once more under `/admin`, where Ory's command line looks for them.
pub fn admin_router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Readiness: FromRef<S>,
{
    admin_router_of_health().route("/admin/version", get(version))
}

/// The routes of health alone once more under `/admin`.
pub fn admin_router_of_health<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Readiness: FromRef<S>,
{
    OpenApiRouter::new().route("/admin/health/alive", get(alive)).route("/admin/health/ready", get(ready))
}

/// A sign of life.
#[derive(Serialize, ToSchema)]
#[schema(as = HealthStatus)]
struct Health {
    /// `ok`.
    status: &'static str,
    /// What does not work although the server can do its work, by the name of a part.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    warnings: BTreeMap<&'static str, String>,
}

/// The version of the server.
#[derive(Serialize, ToSchema)]
struct Version {
    /// For example `1.2.3`.
    version: &'static str,
}

/// What is said while the database is away.
const NO_DATABASE: &str = "The database does not answer.";

/// What is said while the database can only be read.
const STUCK: &str = "The last change could not be written, and while that is so nobody can sign in. Make room on the disk of the database, let it be written, or end the program that keeps its file locked; the log has the reason.";

const fn ok(warnings: BTreeMap<&'static str, String>) -> Json<Health> {
    Json(Health { status: "ok", warnings })
}

/// Check whether the server runs
#[utoipa::path(
    get,
    path = "/health/alive",
    operation_id = "isAlive",
    tag = "metadata",
    responses((status = 200, description = "It runs", body = Health))
)]
async fn alive() -> Json<Health> {
    ok(BTreeMap::new())
}

/// Check whether the server can do its work
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "isReady",
    tag = "metadata",
    responses(
        (status = 200, description = "It can", body = Health),
        (status = 503, description = "The database does not answer, or the server is about to stop", body = NotReadyBody),
    )
)]
async fn ready(State(readiness): State<Readiness>) -> Response {
    let Readiness { store, committer, clock, lease, stopping, upstream, snapshot } = readiness;
    if stopping.is_told() {
        return answer::not_ready("server", "The server was told to stop. Ask another one.");
    }
    let uses_managed_keys = snapshot
        .issuer
        .templates
        .list()
        .iter()
        .any(|(_, outcome)| matches!(outcome, Ok(t) if t.is_managed()));
    let lease = lease.check(clock.now(), &snapshot.issuer.settings.timing);
    if uses_managed_keys && let Err(refusal) = lease {
        return answer::not_ready("keys", ApiError::from(refusal).reason());
    }
    let mut warnings = BTreeMap::new();
    if let Some(outage) = upstream.as_ref().and_then(|upstream| upstream.outage()) {
        warnings.insert("upstream", format!("The upstream {outage}."));
    }
    if committer.is_stuck() {
        warnings.insert("database", STUCK.into());
    }
    match store.ping().await {
        Ok(()) => ok(warnings).into_response(),
        // Sessions of an upstream and their tokens need no database.
        Err(error) if upstream.is_some() => {
            tracing::warn!(%error, "the database does not answer");
            warnings.insert("database", NO_DATABASE.into());
            ok(warnings).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "not ready");
            answer::not_ready("database", NO_DATABASE)
        }
    }
}

/// Get the version of the server
#[utoipa::path(
    get,
    path = "/version",
    operation_id = "getVersion",
    tag = "metadata",
    responses((status = 200, description = "The version", body = Version))
)]
async fn version() -> Json<Version> {
    Json(Version { version: env!("CARGO_PKG_VERSION") })
}
