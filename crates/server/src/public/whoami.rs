//! `GET /sessions/whoami`: who is signed in, and with `tokenize_as` a signed token that says so.
//!
//! The way of a request: the credential of the request, the live session, the assurance level, the
//! compiled template, the token, the answer. See ARCHITECTURE.md.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{HeaderName, HeaderValue, Method, Request, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use hyper::body::Body as HttpBody;
use sessera_issuer::introspection::looks_signed;
use sessera_issuer::sessions::{Presented, Recognised};
use sessera_issuer::tokens::TokenSteps;
use sessera_issuer::{Introspection, IssuerError, LiveSession, Sessions};
use sessera_model::Clock;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::{AppState, Snapshot, Snapshots};
use crate::public::answer::set_session_cookie;
use crate::public::caller::Caller;
use crate::session_tokens::SessionTokens;
use sessera_contract::answer::{ApiError, NO_STORE, Status, set_cookies};
use sessera_contract::layers::NO_SNIFFING;
use sessera_contract::observe::is_each_logged;
use sessera_contract::request::Parameters;
use sessera_http::request_ids::{REQUEST_ID, RequestIds};
use sessera_http::values::JSON;
use sessera_openapi::{ErrorBody, SessionBody};
use sessera_presented::{Carried, all_opened, carried};
use sessera_telemetry::{Metrics, Traces};

/// The path, which answers every method alike and changes nothing.
pub(crate) const PATH: &str = "/sessions/whoami";

/// The parameter that names a template.
const TOKENIZE_AS: &str = "tokenize_as";

/// For how many seconds a proxy may keep an answer (`feature_flags.cacheable_sessions`).
const CACHE_FOR: HeaderName = HeaderName::from_static("ory-session-cache-for");

/// For how many seconds it may keep the answer to somebody who presents nothing.
const NOBODY_FOR: u64 = 60;

/// The route. Kratos answers every method alike, because proxies pass the method of the request on
/// whose behalf they ask.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(whoami))
        .route(PATH, post(whoami).put(whoami).patch(whoami).delete(whoami))
}

/// Check who the current session belongs to
///
/// The session is taken from the header `X-Session-Token`, the session cookie or `Authorization: Bearer`. Where
/// `tokenize_as` names a template, the answer's `tokenized` is a signed JSON Web Token that the template makes. A
/// signed token of a template with `bearer` is taken as bearer too, but it is never exchanged for another one. A
/// browser whose session was made longer gets its cookie again.
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
        (status = 429, description = "The upstream that keeps the sessions is asked too often", body = ErrorBody),
    )
)]
async fn whoami(
    State(session_tokens): State<SessionTokens>,
    State(introspection): State<Arc<Introspection>>,
    State(snapshot): State<Arc<Snapshot>>,
    State(clock): State<Arc<dyn Clock>>,
    method: Method,
    parameters: Parameters,
    caller: Caller,
) -> Result<Response, ApiError> {
    let (rules, template) = (&snapshot.accounts.rules, parameters.get(TOKENIZE_AS));
    let all = carried(&caller.headers, &rules.cookie);
    let (mut nothing, mut opened) = (true, None);
    for carried in all {
        nothing = false;
        let found = match carried.presented {
            Presented::Bearer(token)
                if looks_signed(token) && method == Method::GET && template.is_none() =>
            {
                let live = introspection.session_of_bearer(&snapshot.issuer, token).await;
                live.map(|live| Recognised { live, cookies: Arc::default() })
            }
            other => session_tokens.sessions.recognised(&snapshot.issuer, other).await,
        };
        match found {
            Err(IssuerError::NoSession) => {}
            found => {
                opened = Some((carried, found?));
                break;
            }
        }
    }
    if nothing {
        return Ok(nobody(&snapshot));
    }
    let (carried, Recognised { live, cookies }) = opened.ok_or_else(ApiError::unauthorized)?;
    session_tokens.require_assurance(&snapshot, &live).await?;
    let mut response = match template {
        None => plain(&snapshot, &live, &*clock),
        Some(template) => {
            let token = session_tokens.token(&snapshot, template, &live).await?;
            answer(&live, live.json_with_token(&token).into())
        }
    };
    if let Presented::Cookie(token) = carried.presented
        && ends_too_soon(&carried, &live)
        && is_undoubted(&session_tokens, &snapshot, &caller).await?
    {
        let is_https = caller.is_https(rules);
        set_session_cookie(&mut response, rules, &live.session, token, clock.now(), is_https)?;
    }
    set_cookies(response.headers_mut(), &cookies);
    Ok(response)
}

/// Whether a browser forgets its cookie before the session ends, which was made longer since then.
fn ends_too_soon(carried: &Carried<'_>, live: &LiveSession) -> bool {
    carried.cookie_ends.is_none_or(|ends| ends < live.session.expires_at.seconds())
}

/// Whether the cookies of a browser open sessions of one person only. A cookie that another host of the domain has
/// planted would take the place of the right one otherwise.
async fn is_undoubted(
    session_tokens: &SessionTokens,
    snapshot: &Snapshot,
    caller: &Caller,
) -> Result<bool, ApiError> {
    let all = carried(&caller.headers, &snapshot.accounts.rules.cookie);
    let openings = all_opened(&session_tokens.sessions, &snapshot.issuer, all).await?;
    Ok(openings.acting.is_some())
}

/// The answer to somebody who presents nothing, which a proxy may keep where the configuration says so.
fn nobody(snapshot: &Snapshot) -> Response {
    let mut response = ApiError::unauthorized().into_response();
    if snapshot.config.feature_flags.cacheable_sessions {
        response.headers_mut().insert(CACHE_FOR, NOBODY_FOR.into());
    }
    response
}

/// The answer about a live session without a token.
fn plain(snapshot: &Snapshot, live: &LiveSession, clock: &dyn Clock) -> Response {
    let mut response = answer(live, live.json().clone().into());
    let flags = &snapshot.config.feature_flags;
    if flags.cacheable_sessions {
        let ends = live.session.expires_at.min(live.fresh_until);
        let (rest, max_age) = (ends.since(clock.now()), flags.cacheable_sessions_max_age);
        let age = if max_age.is_zero() { rest } else { rest.min(max_age) };
        response.headers_mut().insert(CACHE_FOR, age.as_secs().into());
    }
    response
}

/// What answers from memory, without the router.
pub(crate) struct ShortWay {
    session_tokens: SessionTokens,
    snapshots: Snapshots,
    clock: Arc<dyn Clock>,
    request_ids: Arc<RequestIds>,
    metrics: Arc<Metrics>,
}

impl FromRef<AppState> for ShortWay {
    fn from_ref(state: &AppState) -> Self {
        Self {
            session_tokens: FromRef::from_ref(state),
            snapshots: FromRef::from_ref(state),
            clock: FromRef::from_ref(state),
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
    /// an error, goes on to the router and is answered there, and so does everything where each answer is to stand in the log.
    pub(crate) fn answer<B: HttpBody>(&self, request: &Request<B>) -> Option<Response> {
        let (uri, headers) = (request.uri(), request.headers());
        let is_plain = request.method() == Method::GET
            && uri.path() == PATH
            && request.body().is_end_stream()
            && !headers.contains_key(header::ORIGIN)
            // No header stands there twice.
            && headers.len() == headers.keys_len();
        if !is_plain || is_each_logged() {
            return None;
        }
        let template = match uri.query() {
            None => None,
            Some(query) => Some(query.strip_prefix("tokenize_as=").filter(|name| needs_no_decoding(name))?),
        };
        let start = Instant::now();
        let snapshot = self.snapshots.load();
        let SessionTokens { sessions, tokens, traces } = &self.session_tokens;
        let first = carried(headers, &snapshot.config.session.cookie).next()?;
        let presented = first.presented;
        let live = sessions.in_memory(&snapshot.issuer, presented)?;
        let gets_cookie = matches!(presented, Presented::Cookie(_)) && ends_too_soon(&first, &live);
        if gets_cookie || !presented.may_open(live.kind) || !Sessions::is_assured(&snapshot.issuer, &live) {
            return None;
        }
        let mut steps = TokenSteps::default();
        let mut response = match template {
            None => plain(&snapshot, &live, &*self.clock),
            Some(name) => {
                let token = tokens.token_at_once(&snapshot.issuer, name, &live, &mut steps)?;
                answer(&live, live.json_with_token(&token).into())
            }
        };
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
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    // A UUID is a good value of a header.
    if let Ok(identity_id) = HeaderValue::from_maybe_shared(live.identity_id_text().clone()) {
        headers.insert("x-kratos-authenticated-identity-id", identity_id);
    }
    response
}
