//! `GET /sessions/whoami`: who is signed in, and with `tokenize_as` a signed token that says so.
//!
//! The way of a request: the credential of the request, the live session, the assurance level, the
//! compiled template, the token, the answer. See ARCHITECTURE.md.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, header};
use axum::response::Response;
use axum::routing::post;
use hyper::body::Body as HttpBody;
use sessera_issuer::introspection::looks_signed;
use sessera_issuer::sessions::Presented;
use sessera_issuer::tokens::TokenSteps;
use sessera_issuer::{Introspection, LiveSession, Sessions};
use sessera_model::TokenHash;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::Status;
use crate::app::{AppState, Snapshot, Snapshots};
use crate::credentials;
use crate::error::{ApiError, NO_STORE};
use crate::http::layers::NO_SNIFFING;
use crate::http::observe::{REQUEST_ID, RequestIds};
use crate::metrics::Metrics;
use crate::openapi::{ErrorBody, SessionBody};
use crate::request::Parameters;
use crate::session_tokens::SessionTokens;
use crate::traces::Traces;

/// The path, which answers every method alike and changes nothing.
pub(crate) const PATH: &str = "/sessions/whoami";

/// The parameter that names a template.
const TOKENIZE_AS: &str = "tokenize_as";

/// The route. Kratos answers every method alike, because proxies pass the method of the request on
/// whose behalf they ask.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(whoami))
        .route(PATH, post(whoami).put(whoami).patch(whoami).delete(whoami))
}

/// Check who the current session belongs to
///
/// Takes the session from the header `X-Session-Token`, the session cookie or `Authorization: Bearer`.
/// With `tokenize_as` the answer's `tokenized` is a signed JSON Web Token made by that template. A signed
/// token of a template with `bearer` is taken as bearer too, but never exchanged for another one.
#[utoipa::path(
    get,
    path = "/sessions/whoami",
    operation_id = "toSession",
    tag = "frontend",
    params(
        ("tokenize_as" = Option<String>, Query, description = "Name of a tokenizer template"),
        ("X-Session-Token" = Option<String>, Header, description = "Session token of a native client"),
    ),
    security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    responses(
        (status = 200, description = "The session", body = SessionBody),
        (status = 401, description = "No valid session", body = ErrorBody),
        (status = 403, description = "A second factor is needed (`session_aal2_required`)", body = ErrorBody),
        (status = 400, description = "The template cannot be used for this session", body = ErrorBody),
    )
)]
async fn whoami(
    State(session_tokens): State<SessionTokens>,
    State(introspection): State<Arc<Introspection>>,
    State(snapshot): State<Arc<Snapshot>>,
    method: Method,
    parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let presented = credentials::presented(&headers, &snapshot.config.session.cookie.name)
        .ok_or_else(ApiError::unauthorized)?;
    let live = match presented {
        Presented::Bearer(token)
            if looks_signed(token) && method == Method::GET && parameters.get(TOKENIZE_AS).is_none() =>
        {
            introspection.session_of_bearer(&snapshot.issuer, token).await?
        }
        other => session_tokens.sessions.live(&snapshot.issuer, other).await?,
    };
    session_tokens.require_assurance(&snapshot, &live).await?;
    let body = match parameters.get(TOKENIZE_AS) {
        None => live.json().clone().into(),
        Some(template) => {
            live.json_with_token(&session_tokens.token(&snapshot, template, &live).await?).into()
        }
    };
    Ok(answer(&live, body))
}

/// What answers from memory, without the router.
pub(crate) struct ShortWay {
    session_tokens: SessionTokens,
    snapshots: Snapshots,
    request_ids: Arc<RequestIds>,
    metrics: Arc<Metrics>,
}

impl FromRef<AppState> for ShortWay {
    fn from_ref(state: &AppState) -> Self {
        Self {
            session_tokens: FromRef::from_ref(state),
            snapshots: FromRef::from_ref(state),
            request_ids: FromRef::from_ref(state),
            metrics: FromRef::from_ref(state),
        }
    }
}

impl ShortWay {
    /// Answers as the router would, without asking it, when everything that the answer takes is in memory.
    ///
    /// Most requests of a server are of this kind. The layers around routes, which are for bodies, slow answers,
    /// other origins and failures, would cost as much as the rest of it. Everything that is not plain, such as
    /// an error, goes on to the router and is answered there.
    pub(crate) fn answer<B: HttpBody>(&self, request: &Request<B>) -> Option<Response> {
        let (uri, headers) = (request.uri(), request.headers());
        let is_plain = request.method() == Method::GET
            && uri.path() == PATH
            && request.body().is_end_stream()
            && !headers.contains_key(header::ORIGIN)
            // No header stands there twice.
            && headers.len() == headers.keys_len();
        if !is_plain {
            return None;
        }
        let template = match uri.query() {
            None => None,
            Some(query) => Some(query.strip_prefix("tokenize_as=").filter(|name| needs_no_decoding(name))?),
        };
        let start = Instant::now();
        let snapshot = self.snapshots.load();
        let SessionTokens { sessions, tokens, traces } = &self.session_tokens;
        let presented = credentials::presented(headers, &snapshot.config.session.cookie.name)?;
        let live = sessions.in_memory(&snapshot.issuer, &TokenHash::of(presented.as_str()))?;
        if !Sessions::is_assured(&snapshot.issuer, &live) {
            return None;
        }
        let mut steps = TokenSteps::default();
        let body = match template {
            None => live.json().clone().into(),
            Some(name) => {
                let token = tokens.token_at_once(&snapshot.issuer, name, &live, &mut steps)?;
                live.json_with_token(&token).into()
            }
        };
        let mut response = answer(&live, body);
        let id = self.request_ids.of(headers);
        if let Some(traces) = traces {
            let request = traces.request(start, headers, "public", "GET", PATH, &id);
            traces.token(&request, steps);
            Traces::answered(&request, Status::of(&response));
        }
        response.headers_mut().insert(REQUEST_ID, id);
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
        self.metrics.answered_from_memory(start.elapsed());
        Some(response)
    }
}

/// Whether a value of a query stands for itself.
fn needs_no_decoding(value: &str) -> bool {
    !value.is_empty()
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// The answer about a live session.
pub(crate) fn answer(live: &LiveSession, body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    // A UUID is a good value of a header.
    if let Ok(identity_id) = HeaderValue::from_maybe_shared(live.identity_id_text().clone()) {
        headers.insert("x-kratos-authenticated-identity-id", identity_id);
    }
    response
}
