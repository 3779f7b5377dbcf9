//! Proving an address: `/self-service/verification/...`.
//!
//! The answer is the same whether an address belongs to an account or not.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use sessera_accounts::codes::{self, CodeRequest};
use sessera_accounts::csrf;
use sessera_accounts::flows::flow::{Details as _, Flow, State as FlowState, Transport, VerificationDetails};
use sessera_accounts::flows::verification;
use sessera_accounts::messages::{Message, MessageId};
use sessera_accounts::schema::normalise;
use sessera_accounts::submission::{Submission, ValueKind};
use sessera_accounts::ui::Container;
use sessera_model::TokenHash;
use sessera_store::{Change, CodePurpose, FlowKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;
use crate::openapi::ErrorBody;
use crate::public::answer::{json, redirect};
use crate::public::caller::{Caller, Visit};
use crate::request::Query;

/// The routes.
pub(crate) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create_native))
        .routes(routes!(create_browser))
        .routes(routes!(get))
        .routes(routes!(submit, follow_link))
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
    code: Option<String>,
}

/// Create a verification flow for native apps
#[utoipa::path(
    get,
    path = "/self-service/verification/api",
    operation_id = "createNativeVerificationFlow",
    tag = "frontend",
    responses(
        (status = 200, description = "The flow"),
        (status = 400, description = "Verification is off (`self_service_flow_disabled`)", body = ErrorBody),
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

/// Create a verification flow for browsers
#[utoipa::path(
    get,
    path = "/self-service/verification/browser",
    operation_id = "createBrowserVerificationFlow",
    tag = "frontend",
    params(("return_to" = Option<String>, Query, description = "Where to go afterwards")),
    responses(
        (status = 200, description = "The flow"),
        (status = 303, description = "The way to the page"),
        (status = 400, description = "Verification is off", body = ErrorBody),
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
    let (beginning, new_cookie) =
        visit.begin(FlowKind::Verification, transport, parameters.return_to.as_deref())?;
    let flow = Flow::begin(beginning, FlowState::ChooseMethod, VerificationDetails::default());
    visit.app.commit(&[flow.insert()?]).await?;
    let body = flow_json(visit, &flow, new_cookie.as_deref());
    visit.begun(&flow, &body, new_cookie.as_deref())
}

/// Get a verification flow
#[utoipa::path(
    get,
    path = "/self-service/verification/flows",
    operation_id = "getVerificationFlow",
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
    let flow = handed(&visit, visit.flow(parameters.id.as_deref()).await?);
    visit.check_browser(&flow)?;
    if flow.is_expired(visit.now) {
        return Err(visit.ended(&flow));
    }
    Ok(json(StatusCode::OK, &flow_json(&visit, &flow, None)))
}

/// Open the link of a verification message
///
/// Fills the code into the form and leads to it. The code is used when the form is submitted, so that
/// programs that look into links use nothing up.
#[utoipa::path(
    get,
    path = "/self-service/verification",
    operation_id = "openVerificationLink",
    tag = "frontend",
    params(
        ("flow" = String, Query, description = "The id of the flow"),
        ("code" = String, Query, description = "The code"),
    ),
    responses((status = 303, description = "The way to the page"))
)]
async fn follow_link(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(parameters): Query<ByFlow>,
) -> Response {
    let snapshot = app.snapshot();
    let visit = Visit::new(&app, &snapshot, &caller);
    match try_follow_link(&visit, &parameters).await {
        Ok(response) => response,
        Err(error) => visit.error(error).await,
    }
}

/// In how many browsers a link can be opened; the newest ones count.
const MAX_OPENED: usize = 8;

/// The flow as the caller's browser has it: filled in, when the link was opened in it.
fn handed(visit: &Visit<'_>, flow: Flow<VerificationDetails>) -> Flow<VerificationDetails> {
    VerificationDetails::handed(flow, visit.browser().map(TokenHash::of).as_ref())
}

async fn try_follow_link(visit: &Visit<'_>, parameters: &ByFlow) -> Result<Response, ApiError> {
    visit.admit()?;
    let mut flow: Flow<VerificationDetails> = visit.flow(parameters.flow.as_deref()).await?;
    if flow.is_expired(visit.now) {
        return replace(visit, &flow, Message::expired(MessageId::VerificationExpired, flow.expires_at))
            .await;
    }
    let code = parameters.code.as_deref().unwrap_or_default();
    let stored = visit.app.store.code(flow.id, CodePurpose::Verification).await?;
    let is_good = codes::is_good(&visit.rules().keys, stored.as_ref(), code, visit.now);
    let mut new_cookie = None;
    // Whoever opens the link with the right code has the message; the flow goes on in their browser.
    // Others, such as the one who began it, are not shown the code.
    if is_good && flow.details.attempts < codes::MAX_ATTEMPTS {
        new_cookie = visit.browser().is_none().then(|| csrf::new_cookie(visit.app.random.as_ref()));
        let browser = new_cookie.as_deref().or_else(|| visit.browser()).map(TokenHash::of);
        let opened_by = &mut flow.details.opened_by;
        opened_by.extend(browser.filter(|browser| !opened_by.contains(browser)));
        if opened_by.len() > MAX_OPENED {
            opened_by.remove(0);
        }
        flow.details.linked_code = Some(code.to_owned());
        visit.keep_with(&mut flow, Vec::new()).await?;
    } else if !code.is_empty() {
        // Guessing by links is guessing.
        flow.details.attempts = flow.details.attempts.saturating_add(1);
        visit.keep_with(&mut flow, Vec::new()).await?;
    }
    let mut response = redirect(&visit.rules().page(FlowKind::Verification, flow.id))?;
    if let Some(cookie) = new_cookie {
        visit.set_browser(&mut response, &cookie)?;
    }
    Ok(response)
}

/// Submit a verification flow
///
/// With `email` a code is sent, with `code` the address is verified.
#[utoipa::path(
    post,
    path = "/self-service/verification",
    operation_id = "updateVerificationFlow",
    tag = "frontend",
    params(("flow" = String, Query, description = "The id of the flow")),
    responses(
        (status = 200, description = "The flow, which says how to go on"),
        (status = 303, description = "A browser's way on"),
        (status = 400, description = "The flow, which says what is wrong"),
        (status = 403, description = "Not the form of this browser (`security_csrf_violation`)", body = ErrorBody),
        (status = 410, description = "The flow has ended; another took its place (`use_flow_id`)", body = ErrorBody),
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
    check_enabled(visit)?;
    let mut flow = handed(visit, visit.flow(id).await?);
    if flow.is_expired(visit.now) {
        return replace(visit, &flow, Message::expired(MessageId::VerificationExpired, flow.expires_at))
            .await;
    }
    let submission = match Submission::decode(visit.caller.content_type(), body, |_| ValueKind::Text) {
        Ok(submission) => submission,
        Err(message) => return refuse(visit, flow, None, message).await,
    };
    if let Some(message) = visit.check_submission(&flow, submission.csrf_token())? {
        return refuse(visit, flow, None, message).await;
    }
    if flow.state == FlowState::PassedChallenge {
        return replace(visit, &flow, MessageId::VerificationAlreadyDone.into()).await;
    }
    flow.clear_messages();
    flow.values.clear();
    flow.transient_payload = Some(submission.get("transient_payload").cloned().unwrap_or_else(|| json!({})));
    if submission.method().is_some_and(|method| method != "code") {
        return refuse(visit, flow, None, MessageId::NoVerificationMethod).await;
    }
    match (submission.text("code"), submission.text("email")) {
        (Ok(Some(code)), _) => use_code(visit, flow, code).await,
        (Err(message), _) => refuse(visit, flow, Some("code"), message).await,
        (_, Ok(Some(email))) => send_code(visit, flow, email).await,
        (_, Err(message)) => refuse(visit, flow, Some("email"), message).await,
        _ if flow.state == FlowState::SentEmail => {
            refuse(visit, flow, Some("code"), Message::required("code")).await
        }
        _ => refuse(visit, flow, Some("email"), Message::required("email")).await,
    }
}

async fn send_code(
    visit: &Visit<'_>,
    mut flow: Flow<VerificationDetails>,
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
    let changes = vec![codes::ask(random, visit.now, CodePurpose::Verification, &request)];
    flow.state = FlowState::SentEmail;
    // Wrong codes stay counted, or asking again would make guessing free.
    flow.details.email = Some(email.to_owned());
    flow.details.sent += 1;
    flow.say(MessageId::VerificationCodeSent);
    visit.keep_with(&mut flow, changes).await?;
    visit.shown(StatusCode::OK, &flow, &flow_json(visit, &flow, None))
}

async fn use_code(
    visit: &Visit<'_>,
    mut flow: Flow<VerificationDetails>,
    typed: &str,
) -> Result<Response, ApiError> {
    let stored = visit.app.store.code(flow.id, CodePurpose::Verification).await?;
    let is_good = codes::is_good(&visit.rules().keys, stored.as_ref(), typed, visit.now);
    let good = stored.as_ref().filter(|_| is_good && flow.details.attempts < codes::MAX_ATTEMPTS);
    let mut identity = match good {
        Some(code) => visit.app.store.identity(code.identity_id).await?,
        None => None,
    };
    let address = identity.as_mut().zip(good).and_then(|(identity, code)| {
        identity.verifiable_addresses.iter_mut().find(|known| known.value == code.address)
    });
    let mut changes = Vec::new();
    if let (Some(address), Some(code)) = (address, good) {
        verification::complete(address, visit.now);
        changes.push(Change::UseCode(code.id));
        changes.extend(identity.map(Change::UpdateIdentity));
        flow.state = FlowState::PassedChallenge;
        flow.say(MessageId::AddressVerified);
    } else {
        flow.details.attempts += 1;
        flow.say(MessageId::VerificationCodeWrong);
    }
    visit.keep_with(&mut flow, changes).await?;
    visit.shown(StatusCode::OK, &flow, &flow_json(visit, &flow, None))
}

/// Says what is wrong, at a field or at the whole form, and shows it.
async fn refuse(
    visit: &Visit<'_>,
    mut flow: Flow<VerificationDetails>,
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
async fn replace(
    visit: &Visit<'_>,
    old: &Flow<VerificationDetails>,
    message: Message,
) -> Result<Response, ApiError> {
    let (mut beginning, new_cookie) =
        visit.begin(FlowKind::Verification, old.transport, old.return_to.as_deref())?;
    beginning.request_url.clone_from(&old.request_url);
    let mut flow = Flow::begin(beginning, FlowState::ChooseMethod, VerificationDetails::default());
    flow.say(message);
    visit.app.commit(&[flow.insert()?]).await?;
    let mut response = visit.replaced(old.expires_at, &flow)?;
    if let Some(cookie) = new_cookie {
        visit.set_browser(&mut response, &cookie)?;
    }
    Ok(response)
}

/// The form of a flow.
pub(crate) fn form(
    visit: &Visit<'_>,
    flow: &Flow<VerificationDetails>,
    new_cookie: Option<&str>,
) -> Container {
    verification::form(flow, visit.rules(), visit.form_token(flow, new_cookie))
}

/// The flow as JSON on the wire.
fn flow_json(visit: &Visit<'_>, flow: &Flow<VerificationDetails>, new_cookie: Option<&str>) -> Value {
    let mut json = flow.to_json(&form(visit, flow, new_cookie));
    json.insert("active".into(), "code".into());
    Value::Object(json)
}

/// 400 when addresses are not verified.
fn check_enabled(visit: &Visit<'_>) -> Result<(), ApiError> {
    if visit.rules().verification.enabled && visit.rules().code {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "Verification is off. Switch it on with selfservice.flows.verification.enabled and configure courier.smtp.connection_uri.",
    )
    .with_id("self_service_flow_disabled"))
}
