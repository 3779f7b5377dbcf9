//! `/admin/sessions` and `/admin/identities/{id}/sessions`.

mod manage;

use std::sync::Arc;

pub(crate) use manage::{Which, disable};

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use sessera_model::{Clock, Identity, IdentityView, Session, SessionView, Timestamp};
use sessera_store::{Change, Committer, Page, SessionFilter, Store, place_of};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::identities::find_identity;
use crate::state::AdminState;
use sessera_contract::answer;
use sessera_contract::answer::{ApiError, NO_STORE};
use sessera_contract::paging::{Paging, TOTAL};
use sessera_contract::request::{Parameters, Segment, parse_id};
use sessera_node::Snapshot;
use sessera_openapi::{ErrorBody, SessionBody};

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AdminState> {
    OpenApiRouter::new()
        .routes(routes!(list, manage::manage))
        .routes(routes!(get, disable_one))
        .routes(routes!(extend))
        .routes(routes!(list_of_identity, delete_of_identity))
}

/// Which parts of a session are asked for.
#[derive(Clone, Copy, Default)]
struct Expand {
    identity: bool,
    devices: bool,
}

impl Expand {
    fn from_parameters(parameters: &Parameters) -> Result<Self, ApiError> {
        let mut expand = Self::default();
        for part in parameters.all("expand") {
            match part.to_ascii_lowercase().as_str() {
                "identity" => expand.identity = true,
                "devices" => expand.devices = true,
                _ => {
                    return Err(ApiError::bad_request(
                        "The parameter expand is neither identity nor devices.",
                    ));
                }
            }
        }
        Ok(expand)
    }

    fn show(self, session: &Session, identity: &Identity, now: Timestamp, view: IdentityView<'_>) -> Value {
        let identity = self.identity.then_some((identity, view));
        session.to_json(now, SessionView { identity, devices: self.devices })
    }
}

/// The filter that `active` asks for.
fn live(parameters: &Parameters, now: Timestamp) -> Result<Option<(bool, Timestamp)>, ApiError> {
    Ok(parameters.flag("active")?.map(|active| (active, now)))
}

fn no_session() -> ApiError {
    ApiError::not_found(
        "There is no session with this id. It may have been deleted. GET /admin/sessions and \"sessera list sessions\" show those that are there.",
    )
}

/// List all sessions
///
/// The newest one comes first.
#[utoipa::path(
    get,
    path = "/admin/sessions",
    operation_id = "listSessions",
    tag = "identity",
    params(
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
        ("active" = Option<bool>, Query, description = "Only those that are live, or only the others"),
        ("expand" = Option<Vec<String>>, Query, description = "`identity`, `devices`"),
    ),
    security(("adminToken" = ["viewer"])),
    responses(
        (status = 200, description = "The sessions", body = [SessionBody]),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
    )
)]
async fn list(
    State(store): State<Arc<dyn Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let (paging, expand) = (Paging::from_parameters(&parameters)?, Expand::from_parameters(&parameters)?);
    let now = clock.now();
    let filter = SessionFilter { live: live(&parameters, now)?, ..SessionFilter::default() };
    let mut sessions = store.sessions(&filter, &paging.query()).await?;
    let place = paging.cut(&mut sessions, |(session, _)| place_of(session));
    let view = IdentityView::admin(&snapshot.schemas_url);
    let body: Vec<Value> =
        sessions.iter().map(|(session, identity)| expand.show(session, identity, now, view)).collect();
    let headers =
        [(header::LINK, place.link("/admin/sessions", &parameters)?), (header::CACHE_CONTROL, NO_STORE)];
    Ok((headers, Json(body)).into_response())
}

/// Get a session
#[utoipa::path(
    get,
    path = "/admin/sessions/{id}",
    operation_id = "getSession",
    tag = "identity",
    params(
        ("id" = String, Path, description = "The session's id"),
        ("expand" = Option<Vec<String>>, Query, description = "`identity`, `devices`"),
    ),
    security(("adminToken" = ["viewer"])),
    responses(
        (status = 200, description = "The session", body = SessionBody),
        (status = 400, description = "The id is not a UUID", body = ErrorBody),
        (status = 404, description = "There is no such session", body = ErrorBody),
    )
)]
async fn get(
    State(store): State<Arc<dyn Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    Segment(id): Segment,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let expand = Expand::from_parameters(&parameters)?;
    let (stored, identity) = store.session(id).await?.ok_or_else(no_session)?;
    let view = IdentityView::admin(&snapshot.schemas_url);
    let body = expand.show(&stored.session, &identity, clock.now(), view);
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response())
}

/// Disable a session
///
/// The session stays to be looked at, but it opens nothing any more.
#[utoipa::path(
    delete,
    path = "/admin/sessions/{id}",
    operation_id = "disableSession",
    tag = "identity",
    params(("id" = String, Path, description = "The session's id")),
    security(("adminToken" = ["operator"])),
    responses(
        (status = 204, description = "It is disabled"),
        (status = 400, description = "The id is not a UUID", body = ErrorBody),
        (status = 404, description = "There is no such session", body = ErrorBody),
    )
)]
async fn disable_one(
    State(store): State<Arc<dyn Store>>,
    State(committer): State<Committer>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let (stored, _) = store.session(id).await?.ok_or_else(no_session)?;
    committer.commit(&[Change::RevokeSession { id, of: Some(stored.session.identity_id) }]).await?;
    Ok(answer::no_content_json())
}

/// Extend a session
///
/// The session then ends `session.lifespan` from now. It stays as it is when it ends later than
/// `session.earliest_possible_extend` from now, and when it was disabled.
#[utoipa::path(
    patch,
    path = "/admin/sessions/{id}/extend",
    operation_id = "extendSession",
    tag = "identity",
    params(("id" = String, Path, description = "The session's id")),
    security(("adminToken" = ["operator"])),
    responses(
        (status = 200, description = "The session", body = SessionBody),
        (status = 400, description = "The id is not a UUID, or the session has ended", body = ErrorBody),
        (status = 404, description = "There is no such session", body = ErrorBody),
    )
)]
async fn extend(
    State(store): State<Arc<dyn Store>>,
    State(committer): State<Committer>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let (stored, identity) = store.session(id).await?.ok_or_else(no_session)?;
    let (mut session, now) = (stored.session, clock.now());
    if session.active && !session.is_live(now) {
        return Err(ApiError::bad_request(
            "The session has ended and cannot be extended. Its owner has to sign in again.",
        ));
    }
    let earliest = snapshot.config.session.earliest_possible_extend;
    // A session that was disabled is shown as it is: the wire contract has no error here.
    if session.active && earliest.is_none_or(|earliest| session.expires_at.since(now) <= earliest) {
        session.expires_at = now + snapshot.accounts.rules.session_lifespan;
        let extended = Change::ExtendSession {
            id,
            identity_id: session.identity_id,
            at: now,
            expires_at: session.expires_at,
        };
        committer.commit(&[extended]).await?;
    }
    let view = IdentityView::admin(&snapshot.schemas_url);
    let body = Expand { identity: true, devices: false }.show(&session, &identity, now, view);
    Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response())
}

/// List an identity's sessions
///
/// The newest one comes first.
#[utoipa::path(
    get,
    path = "/admin/identities/{id}/sessions",
    operation_id = "listIdentitySessions",
    tag = "identity",
    params(
        ("id" = String, Path, description = "The identity's id"),
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
        ("active" = Option<bool>, Query, description = "Only those that are live, or only the others"),
    ),
    security(("adminToken" = ["viewer"])),
    responses(
        (status = 200, description = "The sessions", body = [SessionBody]),
        (status = 400, description = "The id is not a UUID", body = ErrorBody),
    )
)]
async fn list_of_identity(
    State(store): State<Arc<dyn Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    Segment(id): Segment,
    parameters: Parameters,
) -> Result<Response, ApiError> {
    let id = parse_id(&id)?;
    let paging = Paging::from_parameters(&parameters)?;
    let now = clock.now();
    let filter = SessionFilter { identity_id: Some(id), except: None, live: live(&parameters, now)? };
    let mut sessions = store.sessions(&filter, &paging.query()).await?;
    let place = paging.cut(&mut sessions, |(session, _)| place_of(session));
    let view = IdentityView::admin(&snapshot.schemas_url).without_addresses();
    let expand = Expand { identity: true, devices: true };
    let body: Vec<Value> =
        sessions.iter().map(|(session, identity)| expand.show(session, identity, now, view)).collect();
    let link = place.link_of_sessions(&format!("/admin/identities/{id}/sessions"), &parameters)?;
    let total = store.count_sessions(&filter).await?;
    let headers = [(header::LINK, link), (TOTAL, total.into()), (header::CACHE_CONTROL, NO_STORE)];
    Ok((headers, Json(body)).into_response())
}

/// Delete an identity's sessions
#[utoipa::path(
    delete,
    path = "/admin/identities/{id}/sessions",
    operation_id = "deleteIdentitySessions",
    tag = "identity",
    params(("id" = String, Path, description = "The identity's id")),
    security(("adminToken" = ["operator"])),
    responses(
        (status = 204, description = "They are deleted"),
        (status = 400, description = "The id is not a UUID", body = ErrorBody),
        (status = 404, description = "There is no such identity, or it has no sessions", body = ErrorBody),
    )
)]
async fn delete_of_identity(
    State(store): State<Arc<dyn Store>>,
    State(committer): State<Committer>,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    parse_id(&id)?;
    let identity = find_identity(&*store, &id).await?;
    let filter = SessionFilter { identity_id: Some(identity.id), ..SessionFilter::default() };
    if store.sessions(&filter, &Page { after: None, limit: 1 }).await?.is_empty() {
        return Err(ApiError::not_found("The identity has no sessions. There is nothing to delete."));
    }
    committer.commit(&[Change::DeleteSessionsOf(identity.id)]).await?;
    Ok(answer::no_content())
}
