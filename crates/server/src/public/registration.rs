//! Signing up: `/self-service/registration/...`.
//!
//! The identity, its credential, the message that verifies its address, its first session and the end
//! of the flow are one change: two submissions of one flow make one identity.

use axum::body::Bytes;
use axum::response::Response;
use serde_json::{Value, json};
use sessera_accounts::flows::flow::{RegistrationDetails, Transport};
use sessera_accounts::flows::registration::Registered;
use sessera_model::IdentityView;
use sessera_store::FlowKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;
use crate::openapi::{ReadsFlow, TakesForm};
use crate::public::caller::Call;
use crate::public::flow::{Begin, BeginNative, ByFlow, ById, Ending, with_parameter};
use sessera_contract::answer;
use sessera_contract::answer::ApiError;
use sessera_contract::request::Query;
use sessera_openapi::{ErrorBody, FlowBody, FlowOrErrorBody, FlowSubmissionBody, SignedInBody};

/// The routes.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_native))
        .routes(routes!(create_browser))
        .routes(routes!(get))
        .routes(routes!(submit))
}

/// Create a registration flow for native apps
#[utoipa::path(
    get,
    path = "/self-service/registration/api",
    operation_id = "createNativeRegistrationFlow",
    tag = "frontend",
    params(
        ("after_verification_return_to" = Option<String>, Query, description = "Where a browser goes after the verification that follows"),
        ("return_session_token_exchange_code" = Option<String>, Query, description = "`true` for a code with which `GET /sessions/token-exchange` gives out a session that begins in a browser"),
        ("return_to" = Option<String>, Query, description = "Where that browser goes afterwards"),
    ),
    security((), ("sessionToken" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 400, description = "Registration is off (`self_service_flow_disabled`)", body = ErrorBody),
    )
)]
async fn create_native(call: Call, Query(query): Query<BeginNative>) -> Result<Response, ApiError> {
    call.begin_native::<RegistrationDetails>(&query, ()).await
}

/// Create a registration flow for browsers
///
/// Clients that take JSON are answered the flow, and all others are sent to the registration page.
#[utoipa::path(
    get,
    path = "/self-service/registration/browser",
    operation_id = "createBrowserRegistrationFlow",
    tag = "frontend",
    params(
        ("return_to" = Option<String>, Query, description = "Where to go afterwards"),
        ("after_verification_return_to" = Option<String>, Query, description = "Where to go after the verification that follows"),
    ),
    security((), ("sessionCookie" = [])),
    responses(
        (status = 200, description = "The flow", body = FlowBody),
        (status = 303, description = "The way to the page"),
        (status = 400, description = "Signed in already, or registration is off", body = ErrorBody),
    )
)]
async fn create_browser(call: Call, Query(query): Query<Begin>) -> Response {
    let begun = call.begin::<RegistrationDetails>(Transport::Browser, query.return_to.as_deref(), ()).await;
    call.begun_or_error(begun).await
}

/// Get a registration flow
///
/// A browser's flow is shown only to the browser that began it.
#[utoipa::path(
    get,
    path = "/self-service/registration/flows",
    operation_id = "getRegistrationFlow",
    tag = "frontend",
    params(("id" = String, Query, description = "The id of the flow")),
    security((), ("sessionToken" = []), ("sessionCookie" = [])),
    responses(
        ReadsFlow,
        (status = 200, description = "The flow", body = FlowBody),
    )
)]
async fn get(call: Call, Query(query): Query<ById>) -> Result<Response, ApiError> {
    call.read::<RegistrationDetails>(&query).await
}

/// Submit a registration flow
///
/// What is wrong is answered in the flow's form (400, or its page). The method `profile` has the traits checked,
/// and the form for credentials follows. The method `password` makes the identity.
#[utoipa::path(
    post,
    path = "/self-service/registration",
    operation_id = "updateRegistrationFlow",
    tag = "frontend",
    params(("flow" = Option<String>, Query, description = "The id of the flow")),
    security((), ("sessionToken" = []), ("sessionCookie" = [])),
    request_body(content((FlowSubmissionBody = "application/json"), (FlowSubmissionBody = "application/x-www-form-urlencoded")), description = "The fields of the form"),
    responses(
        TakesForm,
        (status = 200, description = "Signed up", body = SignedInBody),
        (status = 400, description = "The flow, which says what is wrong or asks for more", body = FlowOrErrorBody),
    )
)]
async fn submit(call: Call, Query(query): Query<ByFlow>, body: Bytes) -> Response {
    call.or_error(call.submit::<RegistrationDetails>(&query, &body).await).await
}

impl Ending for RegistrationDetails {
    /// The answer to somebody who has signed up.
    fn ended(call: &Call, registered: &Registered) -> Result<Response, ApiError> {
        let Registered { transport, identity, signed_in, verification, .. } = registered;
        let (rules, signed_in) = (call.rules(), signed_in.as_ref());
        let return_to = registered.return_to.clone();
        let target = return_to.unwrap_or_else(|| rules.after(FlowKind::Registration));
        if let Some(code) = &registered.return_code {
            return answer::see_other(&with_parameter(&target, "code", code));
        }
        let mut response = if call.wants_json(*transport) {
            let mut body = json!({
                "identity": identity.to_json(IdentityView::public(&call.snapshot.schemas_url)),
            });
            let mut go_on = Vec::new();
            if *transport == Transport::Browser {
                go_on.push(json!({ "action": "redirect_browser_to", "redirect_browser_to": target }));
            }
            go_on.extend(verification.as_ref().map(answer::show_verification));
            if let Some(signed_in) = signed_in {
                body["session"] = call.session_json(signed_in, Some(identity));
                if let (Transport::Api, Some(token)) = (*transport, call.native_token(signed_in)) {
                    go_on.push(json!({ "action": "set_ory_session_token", "ory_session_token": token }));
                    body["session_token"] = token.into();
                }
            }
            body["continue_with"] = if go_on.is_empty() { Value::Null } else { go_on.into() };
            answer::ok(body)
        } else {
            answer::see_other(verification.as_ref().map_or(target.as_str(), |begun| begun.page.as_str()))?
        };
        match (*transport, signed_in) {
            (Transport::Browser, Some(signed_in)) => call.set_session(&mut response, signed_in)?,
            (Transport::Browser, None) => call.set_browser(&mut response, &call.new_browser())?,
            (Transport::Api, _) => {}
        }
        Ok(response)
    }
}
