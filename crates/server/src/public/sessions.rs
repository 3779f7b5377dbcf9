//! `/sessions`: the caller's other sessions, listed and revoked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use sessera_issuer::{LiveSession, Sessions};
use sessera_model::{Clock, IdentityView, SessionView};
use sessera_store::{Change, Committer, Page, SessionFilter, Store, place_of};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{AppState, Snapshot};
use crate::session_tokens::require_assurance;
use sessera_contract::answer;
use sessera_contract::answer::{ApiError, NO_STORE};
use sessera_contract::paging::{Paging, TOTAL};
use sessera_contract::request::{Parameters, Segment, parse_id};
use sessera_openapi::{ErrorBody, SessionBody};

/// How many sessions are read at once when they are counted.
const COUNTED_AT_ONCE: u32 = 1000;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, revoke_others)).routes(routes!(revoke))
}

/// The session that calls, which has proven what reading it asks for: ending sessions asks for no less. 401
/// when there is none, 403 when it lacks a second factor.
async fn caller(
    sessions: &Sessions,
    snapshot: &Snapshot,
    headers: &HeaderMap,
) -> Result<Arc<LiveSession>, ApiError> {
    let all = sessera_presented::carried(headers, &snapshot.accounts.rules.cookie);
    let openings = sessera_presented::all_opened(sessions, &snapshot.issuer, all).await?;
    let live = openings.acting.ok_or_else(ApiError::unauthorized)?.live;
    require_assurance(sessions, snapshot, &live).await?;
    Ok(live)
}

/// List the caller's other sessions
///
/// They are the live ones without the session that calls, and the newest one comes first.
#[utoipa::path(
    get,
    path = "/sessions",
    operation_id = "listMySessions",
    tag = "frontend",
    params(
        ("page_size" = Option<usize>, Query, description = "How many at the most, 250 when absent"),
        ("page_token" = Option<String>, Query, description = "From the Link header of the part before"),
    ),
    security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    responses(
        (status = 200, description = "The sessions", body = [SessionBody]),
        (status = 401, description = "No valid session", body = ErrorBody),
        (status = 403, description = "A second factor is needed (`session_aal2_required`)", body = ErrorBody),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
    )
)]
async fn list(
    State(sessions): State<Arc<Sessions>>,
    State(store): State<Arc<dyn Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(snapshot): State<Arc<Snapshot>>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let live = caller(&sessions, &snapshot, &headers).await?;
    let paging = Paging::from_parameters(&parameters)?;
    let now = clock.now();
    let filter = SessionFilter {
        identity_id: Some(live.session.identity_id),
        except: Some(live.session.id),
        live: Some((true, now)),
    };
    let mut sessions = store.sessions(&filter, &paging.query()).await?;
    let place = paging.cut(&mut sessions, |(session, _)| place_of(session));
    let body: Vec<Value> = sessions
        .iter()
        .map(|(session, identity)| {
            let view = IdentityView::public(&snapshot.schemas_url).without_addresses();
            session.to_json(now, SessionView { identity: Some((identity, view)), devices: true })
        })
        .collect();
    let headers = [
        (header::LINK, place.link_of_sessions("/sessions", &parameters)?),
        (TOTAL, store.count_sessions(&filter).await?.into()),
        (header::CACHE_CONTROL, NO_STORE),
    ];
    Ok((headers, Json(body)).into_response())
}

/// How many sessions were revoked.
#[derive(Serialize, ToSchema)]
struct Revoked {
    /// How many; those that had ended before are counted too.
    count: usize,
}

/// Revoke all of the caller's other sessions
#[utoipa::path(
    delete,
    path = "/sessions",
    operation_id = "disableMyOtherSessions",
    tag = "frontend",
    security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    responses(
        (status = 200, description = "How many were revoked", body = Revoked),
        (status = 401, description = "No valid session", body = ErrorBody),
        (status = 403, description = "A second factor is needed (`session_aal2_required`)", body = ErrorBody),
    )
)]
async fn revoke_others(
    State(sessions): State<Arc<Sessions>>,
    State(store): State<Arc<dyn Store>>,
    State(committer): State<Committer>,
    State(snapshot): State<Arc<Snapshot>>,
    headers: HeaderMap,
) -> Result<Json<Revoked>, ApiError> {
    let live = caller(&sessions, &snapshot, &headers).await?;
    let filter = SessionFilter {
        identity_id: Some(live.session.identity_id),
        except: Some(live.session.id),
        live: None,
    };
    let count = count(&*store, &filter).await?;
    committer.commit(&[Change::RevokeSessions(filter)]).await?;
    Ok(Json(Revoked { count }))
}

async fn count(store: &dyn Store, filter: &SessionFilter) -> Result<usize, ApiError> {
    let mut page = Page { after: None, limit: COUNTED_AT_ONCE };
    let mut count = 0;
    loop {
        let sessions = store.sessions(filter, &page).await?;
        count += sessions.len();
        match sessions.last() {
            Some((last, _)) if sessions.len() == COUNTED_AT_ONCE as usize => {
                page.after = Some(place_of(last));
            }
            _ => return Ok(count),
        }
    }
}

/// Revoke one of the caller's other sessions
///
/// The session that calls cannot be revoked here; it ends by signing out.
#[utoipa::path(
    delete,
    path = "/sessions/{id}",
    operation_id = "disableMySession",
    tag = "frontend",
    params(("id" = String, Path, description = "The session's id")),
    security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    responses(
        (status = 204, description = "It is revoked"),
        (status = 400, description = "The id is not a UUID, or it is the calling session's", body = ErrorBody),
        (status = 401, description = "No valid session", body = ErrorBody),
        (status = 403, description = "A second factor is needed (`session_aal2_required`)", body = ErrorBody),
        (status = 404, description = "The caller has no such session", body = ErrorBody),
    )
)]
async fn revoke(
    State(sessions): State<Arc<Sessions>>,
    State(committer): State<Committer>,
    State(snapshot): State<Arc<Snapshot>>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let live = caller(&sessions, &snapshot, &headers).await?;
    let id = parse_id(&id)?;
    if id == live.session.id {
        return Err(ApiError::bad_request(
            "This is the session that calls. Sign out to end it: DELETE /self-service/logout/api or the browser's logout flow.",
        ));
    }
    committer.commit(&[Change::RevokeSession { id, of: Some(live.session.identity_id) }]).await?;
    Ok(answer::no_content_json())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use crate::testing::TestServer;

    #[tokio::test]
    async fn the_caller_s_other_sessions_are_listed_and_revoked() {
        let server = TestServer::start().await;
        server.person("ada@example.org").await;
        server.person("grace@example.org").await;
        let (token, own) = server.signed_in("ada@example.org").await;
        server.clock.advance(Duration::from_secs(1));
        let (other_token, other) = server.signed_in("ada@example.org").await;
        server.clock.advance(Duration::from_secs(1));
        let (third_token, third) = server.signed_in("ada@example.org").await;
        let (_, foreign) = server.signed_in("grace@example.org").await;
        let auth = [("x-session-token", token.as_str())];

        let list = server.public("GET", "/sessions", &auth, None).await;
        let ids: Vec<&str> = list.body.as_array().unwrap().iter().filter_map(|s| s["id"].as_str()).collect();
        assert_eq!(ids, [third.as_str(), other.as_str()]);
        assert!(list.body[0]["identity"].get("metadata_admin").is_none());
        assert!(list.header("cache-control").contains("no-store"));

        for (id, status) in [
            (other.as_str(), 204),
            (other.as_str(), 204),
            (own.as_str(), 400),
            (foreign.as_str(), 404),
            ("nope", 400),
            ("6f1c6c2e-0000-4000-8000-000000000000", 404),
        ] {
            let path = format!("/sessions/{id}");
            assert_eq!(server.public("DELETE", &path, &auth, None).await.status, status, "{id}");
        }
        let whoami = async |token: &str| {
            server.public("GET", "/sessions/whoami", &[("x-session-token", token)], None).await.status
        };
        assert_eq!((whoami(&other_token).await, whoami(&third_token).await), (401, 200));

        let revoked = server.public("DELETE", "/sessions", &auth, None).await;
        assert_eq!((revoked.status, revoked.body), (200, json!({"count": 2})));
        assert_eq!((whoami(&third_token).await, whoami(&token).await), (401, 200));
        assert_eq!(server.public("GET", "/sessions", &auth, None).await.body, json!([]));
    }

    #[tokio::test]
    async fn nobody_is_told_nothing() {
        let server = TestServer::start().await;
        for (method, path) in [("GET", "/sessions"), ("DELETE", "/sessions"), ("DELETE", "/sessions/nope")] {
            for headers in [vec![], vec![("x-session-token", "nonsense")]] {
                assert_eq!(server.public(method, path, &headers, None).await.status, 401, "{method} {path}");
            }
        }
    }
}
