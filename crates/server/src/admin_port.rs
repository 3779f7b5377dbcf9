//! The admin port: the routes of [`sessera_admin`], made of the parts of this server.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use sessera_admin::Parts;
use sessera_contract::answer::ApiError;

use crate::app::{App, AppState};
use crate::forwarding::Forwarding;

/// Answers what no route has where an upstream keeps the sessions.
async fn elsewhere(State(forwarding): State<Option<Forwarding>>, request: Request) -> Response {
    match forwarding {
        Some(forwarding) => forwarding.admin(request).await,
        None => ApiError::not_found("There is no such path.").into_response(),
    }
}

/// The admin port, ready to be served.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let has_upstream = app.snapshot().config.upstream.is_some();
    let elsewhere =
        has_upstream.then(|| Router::new().fallback(elsewhere).with_state(AppState::from(app.clone())));
    sessera_admin::router(parts(app), app.observer("admin"), elsewhere)
}

fn parts(app: &App) -> Parts {
    Parts {
        store: app.store.clone(),
        committer: app.committer.clone(),
        clock: app.clock.clone(),
        random: app.random.clone(),
        sessions: app.sessions.clone(),
        upstream: app.upstream_sessions(),
        introspection: app.introspection.clone(),
        key_sets: app.key_sets.clone(),
        managed_keys: app.managed_keys.clone(),
        listeners: app.listeners.clone(),
        record: app.record.clone(),
        sinks: app.sinks.clone(),
        admin_tokens: app.admin_tokens.clone(),
        accounts: app.accounts.clone(),
        rehearsal: app.rehearsal.clone(),
        configuration: app.configuration.clone(),
        lease: app.lease.clone(),
        metrics: app.metrics.clone(),
        samples: app.samples.clone(),
        deployment_id: app.deployment_id,
        stopping: app.stopping.clone(),
        snapshots: app.snapshots.clone(),
    }
}
