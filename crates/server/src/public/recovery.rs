//! Getting back into an account: `/self-service/recovery/...`.
//!
//! The answer is the same whether an address belongs to an account or not. A right code signs in, so
//! that its owner can set a new password.

use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;
use sessera_accounts::flows::flow::{RecoveryDetails, Transport};
use sessera_accounts::flows::recovery::Recovered;
use sessera_accounts::methods::link::{self, Opened};
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
        .routes(routes!(submit, follow_link))
}

/// What the link of a message says.
#[derive(Deserialize)]
struct Link {
    flow: Option<String>,
    token: Option<String>,
}

/// Create a recovery flow for native apps
#[utoipa::path(
    get,
    path = "/self-service/recovery/api",
    operation_id = "createNativeRecoveryFlow",
    tag = "frontend",
    security((), ("sessionToken" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 400, description = "Signed in already, or recovery is off", body = ErrorBody),
    )
)]
async fn create_native(call: Call, Query(query): Query<Begin>) -> Result<Response, ApiError> {
    call.begin::<RecoveryDetails>(Transport::Api, query.return_to.as_deref(), ()).await
}

/// Create a recovery flow for browsers
#[utoipa::path(
    get,
    path = "/self-service/recovery/browser",
    operation_id = "createBrowserRecoveryFlow",
    tag = "frontend",
    params(("return_to" = Option<String>, Query, description = "Where to go afterwards")),
    security((), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 303, description = "The way to the page"),
        (status = 400, description = "Signed in already, or recovery is off", body = ErrorBody),
    )
)]
async fn create_browser(call: Call, Query(query): Query<Begin>) -> Response {
    let begun = call.begin::<RecoveryDetails>(Transport::Browser, query.return_to.as_deref(), ()).await;
    call.begun_or_error(begun).await
}

/// Get a recovery flow
///
/// A flow that an administrator began belongs to the browser that gets it first, which the answer may give a cookie for
/// that.
#[utoipa::path(
    get,
    path = "/self-service/recovery/flows",
    operation_id = "getRecoveryFlow",
    tag = "frontend",
    params(("id" = String, Query, description = "The id of the flow")),
    security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses(
        ReadsFlow,
        (status = 200, description = "The flow", body = FlowBody),
    )
)]
async fn get(call: Call, Query(query): Query<ById>) -> Result<Response, ApiError> {
    call.read::<RecoveryDetails>(&query).await
}

/// Submit a recovery flow
///
/// A form with `email` sends a code, and a form with `code` recovers the account.
#[utoipa::path(
    post,
    path = "/self-service/recovery",
    operation_id = "updateRecoveryFlow",
    tag = "frontend",
    params(("flow" = Option<String>, Query, description = "The id of the flow")),
    security((), ("sessionToken" = []), ("sessionCookie" = [])),
    request_body(content((FlowSubmissionBody = "application/json"), (FlowSubmissionBody = "application/x-www-form-urlencoded")), description = "The fields of the form"),
    responses(
        TakesForm,
        (status = 200, description = "The flow, which says how to go on", body = FlowBody),
        (status = 422, description = "Recovered; go on with the settings (`browser_location_change_required`)", body = ErrorBody),
    )
)]
async fn submit(call: Call, Query(query): Query<ByFlow>, body: Bytes) -> Response {
    call.or_error(call.submit::<RecoveryDetails>(&query, &body).await).await
}

/// Open the link of a recovery message
///
/// Where links are sent instead of codes, opening one signs its owner in and leads to the settings.
#[utoipa::path(
    get,
    path = "/self-service/recovery",
    operation_id = "openRecoveryLink",
    tag = "frontend",
    params(
        ("flow" = Option<String>, Query, description = "The id of the flow"),
        ("token" = Option<String>, Query, description = "What the link holds"),
    ),
    responses(
        (status = 303, description = "The way to the settings, or to the page of a flow that says what is wrong with the link"),
        (status = 400, description = "The link is incomplete, recovery is off, or another site led here a browser in which somebody else is signed in (`session_already_available`)", body = ErrorBody),
        (status = 403, description = "A browser opened it without showing it to a person (`security_csrf_violation`)", body = ErrorBody),
        (status = 404, description = "No such flow", body = ErrorBody),
        (status = 409, description = "Another request has used the link just now", body = ErrorBody),
    )
)]
async fn follow_link(call: Call, Query(query): Query<Link>) -> Response {
    call.or_error(try_follow_link(&call, &query).await).await
}

async fn try_follow_link(call: &Call, query: &Link) -> Result<Response, ApiError> {
    let present = call.present_for(FlowKind::Recovery).await?;
    let token = query.token.as_deref().unwrap_or_default();
    // Another site may lead somebody to a link of its own, and signing them out would be its doing.
    let may_replace = !call.comes_from_another_site();
    let flows = call.flows_ending(&present);
    match link::recover(&flows, query.flow.as_deref(), token, may_replace).await? {
        Opened::Done(recovered) => {
            let Recovered { signed_in, next, new_cookie, .. } = &*recovered;
            let mut response = answer::see_other(&call.rules().page(FlowKind::Settings, next.id))?;
            call.set_session_with(&mut response, signed_in, new_cookie)?;
            Ok(response)
        }
        Opened::Again(replaced) => call.begun_again(&replaced),
    }
}

impl Ending for RecoveryDetails {
    /// The answer to somebody who is back in their account: the way to the settings.
    fn ended(call: &Call, recovered: &Recovered) -> Result<Response, ApiError> {
        let Recovered { shown, signed_in, next, new_cookie } = recovered;
        let (rules, transport) = (call.rules(), shown.flow.transport);
        let page = rules.page(FlowKind::Settings, next.id);
        let mut go_on = Vec::new();
        if let (Transport::Api, Some(token)) = (transport, call.native_token(signed_in)) {
            go_on.push(json!({ "action": "set_ory_session_token", "ory_session_token": token }));
        }
        go_on.push(json!({ "action": "show_settings_ui", "flow": { "id": next.id, "url": page } }));
        let mut response = if !call.wants_json(transport) {
            answer::see_other(&page)?
        } else if rules.recovery_continues {
            let mut body = shown.to_json();
            body["continue_with"] = go_on.into();
            answer::ok(body)
        } else if transport == Transport::Api {
            let error = ApiError::location_change(&page);
            let mut body = error.to_json();
            body["continue_with"] = go_on.into();
            error.answer_with(body)
        } else {
            ApiError::location_change(&page).into_response()
        };
        if transport == Transport::Browser {
            call.set_session_with(&mut response, signed_in, new_cookie)?;
        }
        Ok(response)
    }
}
