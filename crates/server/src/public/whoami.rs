//! `GET /sessions/whoami`: who is signed in, and with `tokenize_as` a signed token that says so.
//!
//! The way of a request: the credential of the request, the live session, the assurance level, the
//! compiled template, the token, the answer. See ARCHITECTURE.md.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::credentials::Presented;
use crate::error::{ApiError, NO_STORE};
use crate::openapi::{ErrorBody, SessionBody};
use crate::request::Parameters;
use crate::sessions::LiveSession;

/// The route. Kratos answers every method alike, because proxies pass the method of the request on
/// whose behalf they ask.
pub(crate) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(whoami))
        .route("/sessions/whoami", post(whoami).put(whoami).patch(whoami).delete(whoami))
}

/// Check who the current session belongs to
///
/// Takes the session from the header `X-Session-Token`, the session cookie or `Authorization: Bearer`.
/// With `tokenize_as` the answer's `tokenized` is a signed JSON Web Token made by that template.
#[utoipa::path(
    get,
    path = "/sessions/whoami",
    operation_id = "toSession",
    tag = "frontend",
    params(
        ("tokenize_as" = Option<String>, Query, description = "Name of a tokenizer template"),
        ("X-Session-Token" = Option<String>, Header, description = "Session token of a native client"),
    ),
    responses(
        (status = 200, description = "The session", body = SessionBody),
        (status = 401, description = "No valid session", body = ErrorBody),
        (status = 403, description = "A second factor is needed (`session_aal2_required`)", body = ErrorBody),
    )
)]
async fn whoami(
    State(app): State<Arc<App>>,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let snapshot = app.snapshot();
    let presented = Presented::from_headers(&headers, &snapshot.config.session.cookie.name)
        .ok_or_else(ApiError::unauthorized)?;
    let live = app.sessions.live(&app, &snapshot, presented.as_str()).await?;
    app.require_assurance(&snapshot, &live).await?;
    let body = match parameters.get("tokenize_as") {
        None => live.json().clone().into(),
        Some(template) => {
            let token =
                snapshot.tokenizers.tokenize(&app, &snapshot.config.public.base_url, template, &live)?;
            live.json_with_token(&token).into()
        }
    };
    Ok(answer(&live, body))
}

/// The answer about a live session.
pub(crate) fn answer(live: &LiveSession, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert("x-kratos-authenticated-identity-id", live.identity_id_header().clone());
    response
}
