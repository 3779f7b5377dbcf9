//! One's own account: `/self-service/settings/...`.
//!
//! Everything here needs a session that has proven all factors its owner has set up. What opens the
//! account (passwords, factors, identifiers, addresses) changes only soon after signing in.

use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use sessera_accounts::flows::flow::{SettingsDetails, Transport};
use sessera_accounts::flows::settings::Saved;
use sessera_store::FlowKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::openapi::{ReadsFlow, TakesForm};
use crate::public::caller::Call;
use crate::public::flow::{Begin, ByFlow, ById, Ending};
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Query;
use sessera_openapi::{ErrorBody, FlowBody, FlowSubmissionBody};

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_native))
        .routes(routes!(create_browser))
        .routes(routes!(get))
        .routes(routes!(submit))
}

/// Create a settings flow for native apps
#[utoipa::path(
    get,
    path = "/self-service/settings/api",
    operation_id = "createNativeSettingsFlow",
    tag = "frontend",
    params(("X-Session-Token" = Option<String>, Header, description = "Session token of a native client")),
    security(("sessionToken" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 401, description = "Not signed in (`session_inactive`)", body = ErrorBody),
        (status = 403, description = "A second factor is needed (`session_aal2_required`)", body = ErrorBody),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
    )
)]
async fn create_native(call: Call, Query(query): Query<Begin>) -> Result<Response, ApiError> {
    call.begin::<SettingsDetails>(Transport::Api, query.return_to.as_deref(), ()).await
}

/// Create a settings flow for browsers
///
/// Clients that take JSON are answered the flow, and all others are sent to the settings page, or to sign in.
#[utoipa::path(
    get,
    path = "/self-service/settings/browser",
    operation_id = "createBrowserSettingsFlow",
    tag = "frontend",
    params(("return_to" = Option<String>, Query, description = "Where to go afterwards")),
    security(("sessionCookie" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 303, description = "The way to the page, or to sign in"),
        (status = 401, description = "Not signed in (`session_inactive`)", body = ErrorBody),
        (status = 403, description = "A second factor is needed (`session_aal2_required`)", body = ErrorBody),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody),
    )
)]
async fn create_browser(call: Call, Query(query): Query<Begin>) -> Response {
    let begun = call.begin::<SettingsDetails>(Transport::Browser, query.return_to.as_deref(), ()).await;
    call.recognised(match begun {
        Ok(response) => response,
        Err(error) => sign_in_first(&call, error).await,
    })
}

/// Get a settings flow
#[utoipa::path(
    get,
    path = "/self-service/settings/flows",
    operation_id = "getSettingsFlow",
    tag = "frontend",
    params(("id" = String, Query, description = "The id of the flow")),
    security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    responses(
        ReadsFlow,
        (status = 200, description = "The flow", body = FlowBody),
        (status = 401, description = "Not signed in (`session_inactive`)", body = ErrorBody),
        (status = 403, description = "Somebody else's flow, or a second factor is needed", body = ErrorBody),
    )
)]
async fn get(call: Call, Query(query): Query<ById>) -> Result<Response, ApiError> {
    call.read::<SettingsDetails>(&query).await
}

/// Submit a settings flow
///
/// What is wrong is answered in the flow's form (400, or its page).
#[utoipa::path(
    post,
    path = "/self-service/settings",
    operation_id = "updateSettingsFlow",
    tag = "frontend",
    params(
        ("flow" = Option<String>, Query, description = "The id of the flow"),
        ("X-Session-Token" = Option<String>, Header, description = "Session token of a native client"),
    ),
    security(("sessionToken" = []), ("sessionCookie" = []), ("sessionBearer" = [])),
    request_body(content((FlowSubmissionBody = "application/json"), (FlowSubmissionBody = "application/x-www-form-urlencoded")), description = "The fields of the form"),
    responses(
        TakesForm,
        (status = 200, description = "The flow, with what was saved", body = FlowBody),
        (status = 401, description = "Not signed in (`session_inactive`)", body = ErrorBody),
        (status = 403, description = "The sign-in is too old (`session_refresh_required`), a second factor is needed, or not the form of this browser", body = ErrorBody),
    )
)]
async fn submit(call: Call, Query(query): Query<ByFlow>, body: Bytes) -> Response {
    match call.submit::<SettingsDetails>(&query, &body).await {
        Ok(response) => response,
        Err(error) => sign_in_first(&call, error).await,
    }
}

impl Ending for SettingsDetails {
    /// The answer to somebody who has changed something.
    fn ended(call: &Call, saved: &Saved) -> Result<Response, ApiError> {
        let Saved { shown, session, signed_in, verification } = saved;
        let flow = &shown.flow;
        let page = call.rules().page(FlowKind::Settings, flow.id);
        let target = flow.return_to.as_deref().unwrap_or(&page);
        let mut response = if call.wants_json(flow.transport) {
            let mut body = shown.to_json();
            let mut go_on: Vec<Value> = verification.iter().map(answer::show_verification).collect();
            if flow.transport == Transport::Browser {
                go_on.push(json!({ "action": "redirect_browser_to", "redirect_browser_to": target }));
            }
            if !go_on.is_empty() {
                body["continue_with"] = go_on.into();
            }
            answer::ok(body)
        } else {
            answer::see_other(target)?
        };
        match (flow.transport, signed_in) {
            (Transport::Browser, Some(signed_in)) => call.set_session_cookie(&mut response, signed_in)?,
            (Transport::Browser, None) => call.set_same_session_cookie(&mut response, session)?,
            (Transport::Api, _) => {}
        }
        Ok(response)
    }
}

/// Sends a browser on a page to where it can do what is missing; all others get the error.
pub(crate) async fn sign_in_first(call: &Call, error: ApiError) -> Response {
    if call.wants_json(Transport::Browser) {
        return error.into_response();
    }
    let target = match error.id() {
        Some("session_inactive") => Some(call.rules().url("self-service/login/browser")),
        Some("session_aal2_required" | "session_refresh_required") => error.redirect().map(ToOwned::to_owned),
        _ => None,
    };
    let Some(target) = target else { return call.error(error).await };
    answer::see_other(&target).unwrap_or_else(|_| error.into_response())
}
