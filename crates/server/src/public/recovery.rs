//! Getting back into an account: `/self-service/recovery/...`.
//!
//! The answer is the same whether an address belongs to an account or not. A right code signs in, so
//! that its owner can set a new password.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sessera_accounts::codes::{self, CodeRequest};
use sessera_accounts::flows::flow::{Flow, RecoveryDetails, State as FlowState, Transport};
use sessera_accounts::flows::sign_in::{self, Proof};
use sessera_accounts::flows::{recovery, verification};
use sessera_accounts::messages::{Message, MessageId};
use sessera_accounts::schema::normalise;
use sessera_accounts::submission::{Submission, ValueKind};
use sessera_accounts::ui::Container;
use sessera_model::{Identity, IdentityState};
use sessera_store::{Change, Code, CodePurpose, FlowKind, SessionKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;
use crate::openapi::ErrorBody;
use crate::public::answer::{already_signed_in, json, location_change, redirect};
use crate::public::caller::{Caller, Visit, outrun};
use crate::request::Query;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create_native))
        .routes(routes!(create_browser))
        .routes(routes!(get))
        .routes(routes!(submit))
}

#[derive(Deserialize)]
struct Beginning {
    return_to: Option<String>,
}

#[derive(Deserialize)]
struct ById {
    id: Option<String>,
}

#[derive(Deserialize)]
struct ByFlow {
    flow: Option<String>,
}

/// Create a recovery flow for native apps
#[utoipa::path(
    get,
    path = "/self-service/recovery/api",
    operation_id = "createNativeRecoveryFlow",
    tag = "frontend",
    responses(
        (status = 200, description = "The flow"),
        (status = 400, description = "Signed in already, or recovery is off", body = ErrorBody),
    )
)]
async fn create_native(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(parameters): Query<Beginning>,
) -> Result<Response, ApiError> {
    let snapshot = app.snapshot();
    create(&Visit::new(&app, &snapshot, &caller), Transport::Api, &parameters).await
}

/// Create a recovery flow for browsers
#[utoipa::path(
    get,
    path = "/self-service/recovery/browser",
    operation_id = "createBrowserRecoveryFlow",
    tag = "frontend",
    params(("return_to" = Option<String>, Query, description = "Where to go afterwards")),
    responses(
        (status = 200, description = "The flow"),
        (status = 303, description = "The way to the page"),
        (status = 400, description = "Signed in already, or recovery is off", body = ErrorBody),
    )
)]
async fn create_browser(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(parameters): Query<Beginning>,
) -> Response {
    let snapshot = app.snapshot();
    let visit = Visit::new(&app, &snapshot, &caller);
    match create(&visit, Transport::Browser, &parameters).await {
        Ok(response) => response,
        Err(error) => visit.error(error).await,
    }
}

async fn create(
    visit: &Visit<'_>,
    transport: Transport,
    parameters: &Beginning,
) -> Result<Response, ApiError> {
    check_enabled(visit)?;
    if visit.session().await?.is_some() {
        if visit.wants_json(transport) {
            return Err(already_signed_in());
        }
        return redirect(visit.rules().default_return.as_str());
    }
    let (beginning, new_cookie) =
        visit.begin(FlowKind::Recovery, transport, parameters.return_to.as_deref())?;
    let flow = Flow::begin(beginning, FlowState::ChooseMethod, RecoveryDetails::default());
    visit.app.commit(&[flow.insert()?]).await?;
    let body = flow_json(visit, &flow, new_cookie.as_deref());
    visit.begun(&flow, &body, new_cookie.as_deref())
}

/// Get a recovery flow
#[utoipa::path(
    get,
    path = "/self-service/recovery/flows",
    operation_id = "getRecoveryFlow",
    tag = "frontend",
    params(("id" = String, Query, description = "The id of the flow")),
    responses(
        (status = 200, description = "The flow"),
        (status = 403, description = "Another browser's flow (`security_csrf_violation`)", body = ErrorBody),
        (status = 404, description = "No such flow", body = ErrorBody),
        (status = 410, description = "The flow has ended (`self_service_flow_expired`)", body = ErrorBody),
    )
)]
async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(parameters): Query<ById>,
) -> Result<Response, ApiError> {
    let snapshot = app.snapshot();
    let visit = Visit::new(&app, &snapshot, &caller);
    let flow: Flow<RecoveryDetails> = visit.flow(parameters.id.as_deref()).await?;
    visit.check_browser(&flow)?;
    if flow.is_expired(visit.now) {
        return Err(visit.ended(&flow));
    }
    Ok(json(StatusCode::OK, &flow_json(&visit, &flow, None)))
}

/// Submit a recovery flow
///
/// With `email` a code is sent, with `code` the account is recovered.
#[utoipa::path(
    post,
    path = "/self-service/recovery",
    operation_id = "updateRecoveryFlow",
    tag = "frontend",
    params(("flow" = String, Query, description = "The id of the flow")),
    responses(
        (status = 200, description = "The flow, which says how to go on"),
        (status = 303, description = "A browser's way on"),
        (status = 400, description = "The flow, which says what is wrong"),
        (status = 403, description = "Not the form of this browser (`security_csrf_violation`)", body = ErrorBody),
        (status = 410, description = "The flow has ended; another took its place (`use_flow_id`)", body = ErrorBody),
        (status = 422, description = "Recovered; go on with the settings (`browser_location_change_required`)", body = ErrorBody),
        (status = 429, description = "Too many attempts; see `Retry-After`", body = ErrorBody),
    )
)]
async fn submit(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(parameters): Query<ByFlow>,
    body: Bytes,
) -> Response {
    let snapshot = app.snapshot();
    let visit = Visit::new(&app, &snapshot, &caller);
    match try_submit(&visit, parameters.flow.as_deref(), &body).await {
        Ok(response) => response,
        Err(error) => visit.error(error).await,
    }
}

async fn try_submit(visit: &Visit<'_>, id: Option<&str>, body: &[u8]) -> Result<Response, ApiError> {
    visit.admit()?;
    let flow: Result<Flow<RecoveryDetails>, ApiError> = visit.flow(id).await;
    // A code that an administrator gave out is good where nobody can ask for one, too.
    if !flow.as_ref().is_ok_and(|flow| flow.details.is_given && !flow.is_expired(visit.now)) {
        check_enabled(visit)?;
    }
    let mut flow = flow?;
    if flow.is_expired(visit.now) {
        return replace(visit, &flow).await;
    }
    let submission = match Submission::decode(visit.caller.content_type(), body, |_| ValueKind::Text) {
        Ok(submission) => submission,
        Err(message) => return refuse(visit, flow, None, message).await,
    };
    // What an administrator began has no browser yet; who knows its code need not say where it came from.
    let is_open = flow.details.is_given && flow.transport == Transport::Browser;
    if !is_open && let Some(message) = visit.check_submission(&flow, submission.csrf_token())? {
        return refuse(visit, flow, None, message).await;
    }
    flow.clear_messages();
    flow.transient_payload = Some(submission.get("transient_payload").cloned().unwrap_or_else(|| json!({})));
    if submission.method().is_some_and(|method| method != "code") {
        return refuse(visit, flow, None, MessageId::NoRecoveryMethod).await;
    }
    match (submission.text("code"), submission.text("email")) {
        (Ok(Some(code)), _) => use_code(visit, flow, code).await,
        (Err(message), _) => refuse(visit, flow, Some("code"), message).await,
        (_, Ok(Some(email))) => {
            check_enabled(visit)?;
            send_code(visit, flow, email).await
        }
        (_, Err(message)) => refuse(visit, flow, Some("email"), message).await,
        _ if flow.state == FlowState::SentEmail => {
            refuse(visit, flow, Some("code"), Message::required("code")).await
        }
        _ => refuse(visit, flow, Some("email"), Message::required("email")).await,
    }
}

async fn send_code(
    visit: &Visit<'_>,
    mut flow: Flow<RecoveryDetails>,
    email: &str,
) -> Result<Response, ApiError> {
    let Some(address) = normalise::email(email) else {
        let message = Message::with_context(MessageId::NotAnEmail, json!({ "value": email }));
        return refuse(visit, flow, Some("email"), message).await;
    };
    if flow.details.sent >= codes::MAX_SENT {
        let message = Message::invalid("Too many codes were sent with this form. Begin again.");
        return refuse(visit, flow, None, message).await;
    }
    let request = CodeRequest { flow_id: flow.id, address, language: visit.language() };
    let random = visit.app.random.as_ref();
    let changes = vec![codes::ask(random, visit.now, CodePurpose::Recovery, &request)];
    flow.state = FlowState::SentEmail;
    // Wrong codes stay counted, or asking again would make guessing free.
    flow.details.email = Some(email.to_owned());
    flow.details.sent += 1;
    flow.say(MessageId::RecoveryCodeSent);
    visit.keep_with(&mut flow, changes).await?;
    visit.shown(StatusCode::OK, &flow, &flow_json(visit, &flow, None))
}

async fn use_code(
    visit: &Visit<'_>,
    mut flow: Flow<RecoveryDetails>,
    typed: &str,
) -> Result<Response, ApiError> {
    let stored = visit.app.store.code(flow.id, CodePurpose::Recovery).await?;
    let is_good = codes::is_good(&visit.rules().keys, stored.as_ref(), typed, visit.now);
    let good = stored.as_ref().filter(|_| is_good && flow.details.attempts < codes::MAX_ATTEMPTS);
    let identity = match good {
        Some(code) => visit.app.store.identity(code.identity_id).await?,
        None => None,
    };
    let active = identity.filter(|identity| identity.state == IdentityState::Active);
    if let (Some(identity), Some(code)) = (active, good) {
        return recover(visit, &flow, identity, code).await;
    }
    flow.details.attempts += 1;
    flow.say(MessageId::RecoveryCodeWrong);
    visit.keep_with(&mut flow, Vec::new()).await?;
    visit.shown(StatusCode::OK, &flow, &flow_json(visit, &flow, None))
}

/// Signs in who has typed the right code, and leads to the settings.
async fn recover(
    visit: &Visit<'_>,
    flow: &Flow<RecoveryDetails>,
    mut identity: Identity,
    code: &Code,
) -> Result<Response, ApiError> {
    let (app, rules) = (visit.app, visit.rules());
    // Who has read the code has the address.
    let proven = identity.verifiable_addresses.iter_mut().find(|known| known.value == code.address);
    let proven = proven.filter(|known| !known.verified).map(|known| verification::complete(known, visit.now));
    let kind = match flow.transport {
        Transport::Api => SessionKind::Native,
        Transport::Browser => SessionKind::Browser,
    };
    let random = app.random.as_ref();
    let lifespan = rules.session_lifespan;
    let origin = visit.origin();
    let signed_in =
        sign_in::begin(random, visit.now, lifespan, identity.id, Proof::RECOVERY_CODE, &origin, kind);
    let mut changes = vec![flow.consume(), Change::UseCode(code.id), signed_in.change.clone()];
    if proven.is_some() {
        changes.push(Change::UpdateIdentity(identity.clone()));
    }
    let new_cookie = sessera_accounts::csrf::new_cookie(random);
    let (mut beginning, _) = visit.begin(FlowKind::Settings, flow.transport, flow.return_to.as_deref())?;
    if flow.transport == Transport::Browser {
        beginning.browser = Some(sessera_model::TokenHash::of(&new_cookie));
    }
    let mut next = crate::public::settings::begin(visit, beginning, identity.id).await?;
    next.say(MessageId::Recovered);
    changes.push(next.insert()?);
    app.commit(&changes).await.map_err(outrun)?;

    let page = rules.page(FlowKind::Settings, next.id);
    let mut go_on = Vec::new();
    if let (Transport::Api, Some(token)) = (flow.transport, visit.native_token(&signed_in)) {
        go_on.push(json!({ "action": "set_ory_session_token", "ory_session_token": token }));
    }
    go_on.push(json!({ "action": "show_settings_ui", "flow": { "id": next.id, "url": page } }));
    let mut response = if !visit.wants_json(flow.transport) {
        redirect(&page)?
    } else if rules.recovery_continues {
        let mut done = flow.clone();
        done.state = FlowState::PassedChallenge;
        let mut body = flow_json(visit, &done, None);
        body["continue_with"] = go_on.into();
        json(StatusCode::OK, &body)
    } else if flow.transport == Transport::Api {
        let error = location_change(&page);
        let mut body = error.to_json();
        body["continue_with"] = go_on.into();
        json(error.status(), &body)
    } else {
        location_change(&page).into_response()
    };
    if flow.transport == Transport::Browser {
        visit.set_session_with(&mut response, &signed_in, &new_cookie)?;
    }
    Ok(response)
}

/// Says what is wrong, at a field or at the whole form, and shows it.
async fn refuse(
    visit: &Visit<'_>,
    mut flow: Flow<RecoveryDetails>,
    field: Option<&str>,
    message: impl Into<Message>,
) -> Result<Response, ApiError> {
    match field {
        Some(field) => flow.say_at(field, message),
        None => flow.say(message),
    }
    visit.keep(&mut flow).await?;
    visit.shown(StatusCode::BAD_REQUEST, &flow, &flow_json(visit, &flow, None))
}

/// Begins a flow in place of one that has ended.
async fn replace(visit: &Visit<'_>, old: &Flow<RecoveryDetails>) -> Result<Response, ApiError> {
    let (mut beginning, new_cookie) =
        visit.begin(FlowKind::Recovery, old.transport, old.return_to.as_deref())?;
    beginning.request_url.clone_from(&old.request_url);
    let mut flow = Flow::begin(beginning, FlowState::ChooseMethod, RecoveryDetails::default());
    flow.say(Message::expired(MessageId::RecoveryExpired, old.expires_at));
    visit.app.commit(&[flow.insert()?]).await?;
    let mut response = visit.replaced(old.expires_at, &flow)?;
    if let Some(cookie) = new_cookie {
        visit.set_browser(&mut response, &cookie)?;
    }
    Ok(response)
}

/// The form of a flow.
pub(crate) fn form(visit: &Visit<'_>, flow: &Flow<RecoveryDetails>, new_cookie: Option<&str>) -> Container {
    recovery::form(flow, visit.rules(), visit.form_token(flow, new_cookie))
}

/// The flow as JSON on the wire.
fn flow_json(visit: &Visit<'_>, flow: &Flow<RecoveryDetails>, new_cookie: Option<&str>) -> Value {
    let mut json = flow.to_json(&form(visit, flow, new_cookie));
    json.insert("active".into(), "code".into());
    Value::Object(json)
}

/// 400 when accounts cannot be recovered.
fn check_enabled(visit: &Visit<'_>) -> Result<(), ApiError> {
    if visit.rules().recovery.enabled && visit.rules().code {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "Recovery is off. Ask the administrator for help, or switch it on with selfservice.flows.recovery.enabled and configure courier.smtp.connection_uri.",
    )
    .with_id("self_service_flow_disabled"))
}
