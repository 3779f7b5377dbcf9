//! Proving an address: `/self-service/verification/...`.
//!
//! The answer is the same whether an address belongs to an account or not.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::response::Response;
use serde::Deserialize;
use sessera_accounts::flows::flow::{Transport, VerificationDetails};
use sessera_accounts::methods::{code, link};
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
    /// A code, which the link fills into the form.
    code: Option<String>,
    /// What a link holds that verifies at once.
    token: Option<String>,
}

/// Create a verification flow for native apps
#[utoipa::path(
    get,
    path = "/self-service/verification/api",
    operation_id = "createNativeVerificationFlow",
    tag = "frontend",
    security((), ("sessionToken" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 400, description = "Verification is off (`self_service_flow_disabled`)", body = ErrorBody),
    )
)]
async fn create_native(call: Call, Query(query): Query<Begin>) -> Result<Response, ApiError> {
    call.begin::<VerificationDetails>(Transport::Api, query.return_to.as_deref(), ()).await
}

/// Create a verification flow for browsers
#[utoipa::path(
    get,
    path = "/self-service/verification/browser",
    operation_id = "createBrowserVerificationFlow",
    tag = "frontend",
    params(("return_to" = Option<String>, Query, description = "Where to go afterwards")),
    security((), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 303, description = "The way to the page"),
        (status = 400, description = "Verification is off", body = ErrorBody),
    )
)]
async fn create_browser(call: Call, Query(query): Query<Begin>) -> Response {
    let begun = call.begin::<VerificationDetails>(Transport::Browser, query.return_to.as_deref(), ()).await;
    call.begun_or_error(begun).await
}

/// Get a verification flow
#[utoipa::path(
    get,
    path = "/self-service/verification/flows",
    operation_id = "getVerificationFlow",
    tag = "frontend",
    params(("id" = String, Query, description = "The id of the flow")),
    security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses(
        ReadsFlow,
        (status = 200, description = "The flow", body = FlowBody),
    )
)]
async fn get(call: Call, Query(query): Query<ById>) -> Result<Response, ApiError> {
    call.read::<VerificationDetails>(&query).await
}

/// Open the link of a verification message
///
/// A code is filled into the form, to which the browser is led. It is used when the form is submitted, so that
/// programs that look into links use nothing up. Where links are sent instead of codes, a token verifies the address at
/// once.
#[utoipa::path(
    get,
    path = "/self-service/verification",
    operation_id = "openVerificationLink",
    tag = "frontend",
    params(
        ("flow" = Option<String>, Query, description = "The id of the flow"),
        ("code" = Option<String>, Query, description = "The code"),
        ("token" = Option<String>, Query, description = "What a link holds that was sent instead of a code"),
    ),
    responses((status = 303, description = "The way to the page"), (status = 400, description = "The link is incomplete", body = ErrorBody), (status = 403, description = "A browser opened it without showing it to a person (`security_csrf_violation`)", body = ErrorBody), (status = 404, description = "No such flow", body = ErrorBody), (status = 409, description = "Another request has used the link just now", body = ErrorBody))
)]
async fn follow_link(call: Call, Query(query): Query<Link>) -> Response {
    call.or_error(try_follow_link(&call, &query).await).await
}

async fn try_follow_link(call: &Call, query: &Link) -> Result<Response, ApiError> {
    let (flows, id) = (call.flows(None), query.flow.as_deref());
    let (flow_id, new_cookie) = if let Some(token) = &query.token {
        match link::verify(&flows, id, token).await? {
            link::Opened::Done(verified) => (verified.flow_id, verified.new_cookie),
            link::Opened::Again(replaced) => return call.begun_again(&replaced),
        }
    } else {
        match code::open_link(&flows, id, query.code.as_deref().unwrap_or_default()).await? {
            code::Opened::Page { flow_id, new_cookie } => (flow_id, new_cookie),
            code::Opened::Replaced(replaced) => return call.replaced(&replaced),
        }
    };
    let mut response = answer::see_other(&call.rules().page(FlowKind::Verification, flow_id))?;
    call.set_new_browser(&mut response, new_cookie.as_deref())?;
    Ok(response)
}

/// Submit a verification flow
///
/// A form with `email` sends a code, and a form with `code` verifies the address.
#[utoipa::path(
    post,
    path = "/self-service/verification",
    operation_id = "updateVerificationFlow",
    tag = "frontend",
    params(("flow" = Option<String>, Query, description = "The id of the flow")),
    security((), ("sessionToken" = []), ("sessionCookie" = [])),
    request_body(content((FlowSubmissionBody = "application/json"), (FlowSubmissionBody = "application/x-www-form-urlencoded")), description = "The fields of the form"),
    responses(
        TakesForm,
        (status = 200, description = "The flow, which says how to go on", body = FlowBody),
    )
)]
async fn submit(call: Call, Query(query): Query<ByFlow>, body: Bytes) -> Response {
    call.or_error(call.submit::<VerificationDetails>(&query, &body).await).await
}

impl Ending for VerificationDetails {
    fn ended(_: &Call, never: &Infallible) -> Result<Response, ApiError> {
        match *never {}
    }
}
