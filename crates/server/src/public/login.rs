//! Signing in: `/self-service/login/...`.
//!
//! A flow is begun, its form is shown, and submissions are tried until one is right. Then the flow ends
//! in the same change that makes the session.

use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use sessera_accounts::flows::flow::{LoginDetails, Transport};
use sessera_accounts::flows::login::{LoggedIn, LoginRequest};
use sessera_model::AssuranceLevel;
use sessera_store::FlowKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::openapi::{ReadsFlow, TakesForm};
use crate::public::caller::Call;
use crate::public::flow::{BeginNative, ByFlow, ById, Ending, with_parameter};
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Query;
use sessera_openapi::{ErrorBody, FlowBody, FlowSubmissionBody, SignedInBody};

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_native))
        .routes(routes!(create_browser))
        .routes(routes!(get))
        .routes(routes!(submit))
}

/// What a client asks for when it begins to sign in.
#[derive(Default, Deserialize)]
struct BeginLogin {
    #[serde(default)]
    refresh: Option<String>,
    aal: Option<String>,
    return_to: Option<String>,
}

impl BeginLogin {
    fn wish(&self) -> Result<LoginRequest, ApiError> {
        let requested_aal = match self.aal.as_deref().filter(|aal| !aal.is_empty()) {
            None => AssuranceLevel::Aal1,
            Some(word) => AssuranceLevel::parse(word)
                .filter(|aal| *aal != AssuranceLevel::Aal0)
                .ok_or_else(|| ApiError::bad_request("The level in aal is unknown. Ask for aal1 or aal2."))?,
        };
        Ok(LoginRequest { requested_aal, refresh: matches!(self.refresh.as_deref(), Some("true" | "1")) })
    }
}

/// Create a login flow for native apps
///
/// Where there is a session, `refresh=true` asks its owner to sign in again, and `aal=aal2` asks for a second
/// factor.
#[utoipa::path(
    get,
    path = "/self-service/login/api",
    operation_id = "createNativeLoginFlow",
    tag = "frontend",
    params(
        ("refresh" = Option<String>, Query, description = "`true` to sign in again"),
        ("aal" = Option<String>, Query, description = "`aal1` or `aal2`"),
        ("return_session_token_exchange_code" = Option<String>, Query, description = "`true` for a code with which `GET /sessions/token-exchange` gives out a session that begins in a browser"),
        ("return_to" = Option<String>, Query, description = "Where that browser goes afterwards"),
        ("X-Session-Token" = Option<String>, Header, description = "Session token of a native client"),
    ),
    security((), ("sessionToken" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 400, description = "Signed in already (`session_already_available`)", body = ErrorBody),
        (status = 401, description = "A second factor needs a session (`session_aal1_required`)", body = ErrorBody),
    )
)]
async fn create_native(
    call: Call,
    Query(query): Query<BeginLogin>,
    Query(native): Query<BeginNative>,
) -> Result<Response, ApiError> {
    call.begin_native::<LoginDetails>(&native, query.wish()?).await
}

/// Create a login flow for browsers
///
/// Clients that take JSON are answered the flow, and all others are sent to the login page.
#[utoipa::path(
    get,
    path = "/self-service/login/browser",
    operation_id = "createBrowserLoginFlow",
    tag = "frontend",
    params(
        ("refresh" = Option<String>, Query, description = "`true` to sign in again"),
        ("aal" = Option<String>, Query, description = "`aal1` or `aal2`"),
        ("return_to" = Option<String>, Query, description = "Where to go afterwards"),
    ),
    security((), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 303, description = "The way to the page"),
        (status = 400, description = "Signed in already (`session_already_available`)", body = ErrorBody),
    )
)]
async fn create_browser(call: Call, Query(query): Query<BeginLogin>) -> Response {
    let begun = match query.wish() {
        Ok(wish) => call.begin::<LoginDetails>(Transport::Browser, query.return_to.as_deref(), wish).await,
        Err(error) => Err(error),
    };
    call.begun_or_error(begun).await
}

/// Get a login flow
///
/// A browser's flow is shown only to the browser that began it.
#[utoipa::path(
    get,
    path = "/self-service/login/flows",
    operation_id = "getLoginFlow",
    tag = "frontend",
    params(("id" = String, Query, description = "The id of the flow")),
    security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses(
        ReadsFlow,
        (status = 200, description = "The flow", body = FlowBody),
    )
)]
async fn get(call: Call, Query(query): Query<ById>) -> Result<Response, ApiError> {
    call.read::<LoginDetails>(&query).await
}

/// Submit a login flow
///
/// What is wrong is answered in the flow's form (400, or its page). What is right makes a session.
#[utoipa::path(
    post,
    path = "/self-service/login",
    operation_id = "updateLoginFlow",
    tag = "frontend",
    params(
        ("flow" = Option<String>, Query, description = "The id of the flow"),
        ("X-Session-Token" = Option<String>, Header, description = "Session token of a native client"),
    ),
    security((), ("sessionToken" = []), ("sessionCookie" = [])),
    request_body(content((FlowSubmissionBody = "application/json"), (FlowSubmissionBody = "application/x-www-form-urlencoded")), description = "The fields of the form"),
    responses(
        TakesForm,
        (status = 200, description = "Signed in", body = SignedInBody),
    )
)]
async fn submit(call: Call, Query(query): Query<ByFlow>, body: Bytes) -> Response {
    call.or_error(call.submit::<LoginDetails>(&query, &body).await).await
}

impl Ending for LoginDetails {
    /// The answer to somebody who has signed in.
    fn ended(call: &Call, logged_in: &LoggedIn) -> Result<Response, ApiError> {
        let LoggedIn { transport, signed_in, identity, return_code, .. } = logged_in;
        if let Some(code) = return_code {
            let target = logged_in.return_to.clone().unwrap_or_else(|| call.rules().after(FlowKind::Login));
            return answer::see_other(&with_parameter(&target, "code", code));
        }
        // Whoever is half signed in is not told whose account it is.
        let identity = Some(identity).filter(|_| !logged_in.needs_second_factor);
        let session = call.session_json(signed_in, identity);
        if *transport == Transport::Api {
            let token = call.native_token(signed_in);
            let body = json!({ "session_token": token, "session": session, "continue_with": null });
            return Ok(answer::ok(body));
        }
        let target = logged_in.return_to.clone().unwrap_or_else(|| call.rules().after(FlowKind::Login));
        let is_json = call.wants_json(*transport);
        let mut response = if logged_in.needs_second_factor {
            let url = match &logged_in.next {
                Some(next) => call.rules().page(FlowKind::Login, next.id),
                None => second_factor(call, &target),
            };
            if is_json { ApiError::location_change(&url).into_response() } else { answer::see_other(&url)? }
        } else if is_json {
            let go_on = json!([{ "action": "redirect_browser_to", "redirect_browser_to": target }]);
            answer::ok(json!({ "session": session, "continue_with": go_on }))
        } else {
            answer::see_other(&target)?
        };
        match &logged_in.next {
            Some(next) => call.set_session_with(&mut response, signed_in, &next.form_cookie)?,
            None => call.set_session(&mut response, signed_in)?,
        }
        Ok(response)
    }
}

/// Where a browser gives its second factor, on its way to an address.
fn second_factor(call: &Call, target: &str) -> String {
    let mut url = call.rules().url("self-service/login/browser?aal=aal2&return_to=");
    url.extend(url::form_urlencoded::byte_serialize(target.as_bytes()));
    url
}
