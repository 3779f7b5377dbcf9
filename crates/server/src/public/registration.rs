//! Signing up: `/self-service/registration/...`.
//!
//! The identity, its credential, the message that verifies its address, its first session and the end
//! of the flow are one change: two submissions of one flow make one identity.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use sessera_accounts::flows::flow::{
    Flow, RegistrationDetails, RegistrationStep, State as FlowState, Transport,
};
use sessera_accounts::flows::registration;
use sessera_accounts::flows::sign_in::{self, Proof, SignedIn};
use sessera_accounts::flows::verification::{self, Begun};
use sessera_accounts::identities::{IdentityDraft, PreparedIdentity, Surroundings};
use sessera_accounts::messages::{Message, MessageId};
use sessera_accounts::schema::IdentitySchema;
use sessera_accounts::submission::{Submission, ValueKind};
use sessera_accounts::ui::Container;
use sessera_model::{CredentialKind, Identity, IdentityView};
use sessera_store::{Conflict, FlowKind, SessionKind, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;
use crate::openapi::ErrorBody;
use crate::public::answer::{already_signed_in, json, redirect};
use crate::public::caller::{Caller, Visit};
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

/// Create a registration flow for native apps
#[utoipa::path(
    get,
    path = "/self-service/registration/api",
    operation_id = "createNativeRegistrationFlow",
    tag = "frontend",
    responses(
        (status = 200, description = "The flow"),
        (status = 400, description = "Registration is off (`self_service_flow_disabled`)", body = ErrorBody),
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

/// Create a registration flow for browsers
///
/// Answers the flow to clients that take JSON and sends all others to the registration page.
#[utoipa::path(
    get,
    path = "/self-service/registration/browser",
    operation_id = "createBrowserRegistrationFlow",
    tag = "frontend",
    params(("return_to" = Option<String>, Query, description = "Where to go afterwards")),
    responses(
        (status = 200, description = "The flow"),
        (status = 303, description = "The way to the page"),
        (status = 400, description = "Signed in already, or registration is off", body = ErrorBody),
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
        let asked = visit.return_to(parameters.return_to.as_deref())?;
        return redirect(&asked.unwrap_or_else(|| visit.rules().default_return.to_string()));
    }
    let (flow, new_cookie) = begin(visit, transport, parameters.return_to.as_deref())?;
    visit.app.commit(&[flow.insert()?]).await?;
    let body = flow_json(visit, &flow, new_cookie.as_deref())?;
    visit.begun(&flow, &body, new_cookie.as_deref())
}

fn begin(
    visit: &Visit<'_>,
    transport: Transport,
    return_to: Option<&str>,
) -> Result<(Flow<RegistrationDetails>, Option<String>), ApiError> {
    let (beginning, new_cookie) = visit.begin(FlowKind::Registration, transport, return_to)?;
    let schema_id = visit.snapshot.accounts.schemas.default().id().to_owned();
    let details = RegistrationDetails { schema_id, step: RegistrationStep::Profile };
    Ok((Flow::begin(beginning, FlowState::ChooseMethod, details), new_cookie))
}

/// Get a registration flow
///
/// A browser's flow is shown to the browser that began it only.
#[utoipa::path(
    get,
    path = "/self-service/registration/flows",
    operation_id = "getRegistrationFlow",
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
    let flow: Flow<RegistrationDetails> = visit.flow(parameters.id.as_deref()).await?;
    visit.check_browser(&flow)?;
    if flow.is_expired(visit.now) {
        return Err(visit.ended(&flow));
    }
    Ok(json(StatusCode::OK, &flow_json(&visit, &flow, None)?))
}

/// Submit a registration flow
///
/// What is wrong is answered in the flow's form (400, or its page). With the method `profile` the traits
/// are checked and the form for credentials follows; with `password` the identity is made.
#[utoipa::path(
    post,
    path = "/self-service/registration",
    operation_id = "updateRegistrationFlow",
    tag = "frontend",
    params(("flow" = String, Query, description = "The id of the flow")),
    responses(
        (status = 200, description = "Signed up"),
        (status = 303, description = "A browser's way on"),
        (status = 400, description = "The flow, which says what is wrong or asks for more"),
        (status = 403, description = "Not the form of this browser (`security_csrf_violation`)", body = ErrorBody),
        (status = 404, description = "No such flow", body = ErrorBody),
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
    let mut flow: Flow<RegistrationDetails> = visit.flow(id).await?;
    if visit.session().await?.is_some() {
        if visit.wants_json(flow.transport) {
            return Err(already_signed_in());
        }
        return redirect(visit.rules().default_return.as_str());
    }
    if flow.is_expired(visit.now) {
        return replace(visit, &flow).await;
    }
    flow.clear_messages();
    let schema = schema(visit, &flow)?;
    let kind_of = |name: &str| {
        let field = schema.fields().iter().find(|field| field.name() == name);
        field.map_or(ValueKind::Text, |field| field.kind)
    };
    let submission = match Submission::decode(visit.caller.content_type(), body, kind_of) {
        Ok(submission) => submission,
        Err(message) => {
            flow.say(message);
            return show_again(visit, flow).await;
        }
    };
    if let Some(message) = visit.check_submission(&flow, submission.csrf_token())? {
        flow.say(message);
        return show_again(visit, flow).await;
    }
    flow.transient_payload = submission.get("transient_payload").cloned();
    flow.keep_traits(&submission.traits());
    let rules = visit.rules();
    let wants_previous = submission.get("screen").is_some_and(|screen| screen == "previous");
    match submission.method() {
        _ if rules.registration_in_two_steps && wants_previous => {
            flow.details.step = RegistrationStep::Profile;
            show_again(visit, flow).await
        }
        Some("profile") if rules.registration_in_two_steps => {
            match schema.validate(&submission.traits()) {
                Ok(_) => {
                    flow.details.step = RegistrationStep::Credentials;
                    flow.say(MessageId::ChooseCredential);
                }
                Err(violations) => {
                    for violation in violations {
                        flow.say_at(violation.field(), violation.message);
                    }
                }
            }
            show_again(visit, flow).await
        }
        Some("password") if rules.password.is_some() => {
            with_password(visit, flow, &schema, &submission).await
        }
        _ => {
            flow.say(MessageId::NoRegistrationMethod);
            show_again(visit, flow).await
        }
    }
}

async fn with_password(
    visit: &Visit<'_>,
    mut flow: Flow<RegistrationDetails>,
    schema: &IdentitySchema,
    submission: &Submission,
) -> Result<Response, ApiError> {
    let rules = visit.rules();
    let password = match submission.text("password") {
        Ok(Some(password)) => password,
        Ok(None) => {
            flow.say_at("password", Message::required("password"));
            ""
        }
        Err(message) => {
            flow.say_at("password", message);
            ""
        }
    };
    let random = visit.app.random.as_ref();
    let surroundings = Surroundings { schemas: &visit.snapshot.accounts.schemas, random, now: visit.now };
    let draft = IdentityDraft::new(schema.id(), submission.traits());
    if let Err(violations) = schema.validate(&draft.traits) {
        for violation in violations {
            flow.say_at(violation.field(), violation.message);
        }
    }
    if flow.has_errors() {
        return show_again(visit, flow).await;
    }
    let mut prepared = PreparedIdentity::create(draft, surroundings)?;
    let identifiers = prepared.identifiers(CredentialKind::Password).to_vec();
    if identifiers.is_empty() {
        flow.say(MessageId::IdentifierMissing);
        return show_again(visit, flow).await;
    }
    if let Some(Err(weakness)) = rules.password.map(|policy| policy.check(password, &identifiers)) {
        flow.say_at("password", weakness);
        return show_again(visit, flow).await;
    }
    prepared.set_password(visit.app.accounts.passwords.hash(rules.hashing, password).await?);

    let (begun, messages) = verification::begin_for(
        rules,
        random,
        visit.now,
        flow.transport,
        visit.language(),
        &mut prepared.identity,
    )?;
    let signed_in = rules.registration_signs_in.then(|| {
        let kind = match flow.transport {
            Transport::Api => SessionKind::Native,
            Transport::Browser => SessionKind::Browser,
        };
        let (id, origin) = (prepared.identity.id, visit.origin());
        sign_in::begin(random, visit.now, rules.session_lifespan, id, Proof::PASSWORD, &origin, kind)
    });
    // The end of the flow comes first: the slower one of two submissions is told of that.
    let mut changes = vec![flow.consume()];
    changes.extend(prepared.changes());
    changes.extend(messages);
    changes.extend(signed_in.as_ref().map(|signed_in| signed_in.change.clone()));
    match visit.app.commit(&changes).await {
        Ok(()) => finish(visit, &flow, &prepared.identity, signed_in.as_ref(), &begun),
        Err(StoreError::Conflict(Conflict::Identifier | Conflict::Address | Conflict::ExternalId)) => {
            flow.say(MessageId::Duplicate);
            show_again(visit, flow).await
        }
        Err(StoreError::Conflict(Conflict::Changed | Conflict::Missing)) => Err(ApiError::conflict(
            "Another request has completed this flow just now. Sign in, or begin a new flow.",
        )),
        Err(error) => Err(error.into()),
    }
}

/// The answer to somebody who has signed up.
fn finish(
    visit: &Visit<'_>,
    flow: &Flow<RegistrationDetails>,
    identity: &Identity,
    signed_in: Option<&SignedIn>,
    begun: &[Begun],
) -> Result<Response, ApiError> {
    let rules = visit.rules();
    let verification = begun.first().filter(|_| rules.registration_shows_verification);
    let page = verification.map(|begun| rules.page(FlowKind::Verification, begun.flow_id));
    let target = flow.return_to.clone().unwrap_or_else(|| rules.after(FlowKind::Registration));
    let mut response = if visit.wants_json(flow.transport) {
        let mut body = json!({
            "identity": identity.to_json(IdentityView::public(&visit.snapshot.schemas_url)),
        });
        let mut go_on = Vec::new();
        if let Some(signed_in) = signed_in {
            body["session"] = visit.session_json(signed_in, identity);
            if let (Transport::Api, Some(token)) = (flow.transport, visit.native_token(signed_in)) {
                go_on.push(json!({ "action": "set_ory_session_token", "ory_session_token": token }));
                body["session_token"] = token.into();
            }
        }
        if let Some(begun) = verification {
            go_on.push(json!({
                "action": "show_verification_ui",
                "flow": { "id": begun.flow_id, "verifiable_address": begun.address, "url": page },
            }));
        }
        if flow.transport == Transport::Browser {
            go_on.push(json!({ "action": "redirect_browser_to", "redirect_browser_to": target }));
        }
        body["continue_with"] = if go_on.is_empty() { Value::Null } else { go_on.into() };
        json(StatusCode::OK, &body)
    } else {
        redirect(page.as_deref().unwrap_or(&target))?
    };
    if let (Transport::Browser, Some(signed_in)) = (flow.transport, signed_in) {
        visit.set_session(&mut response, signed_in)?;
    }
    Ok(response)
}

/// Keeps what was typed and what is to be said, and shows the form.
async fn show_again(visit: &Visit<'_>, mut flow: Flow<RegistrationDetails>) -> Result<Response, ApiError> {
    visit.keep(&mut flow).await?;
    let body = flow_json(visit, &flow, None)?;
    visit.shown(StatusCode::BAD_REQUEST, &flow, &body)
}

/// Begins a flow in place of one that has ended.
async fn replace(visit: &Visit<'_>, old: &Flow<RegistrationDetails>) -> Result<Response, ApiError> {
    let (mut flow, new_cookie) = begin(visit, old.transport, old.return_to.as_deref())?;
    flow.request_url.clone_from(&old.request_url);
    flow.say(Message::expired(MessageId::RegistrationExpired, old.expires_at));
    visit.app.commit(&[flow.insert()?]).await?;
    let mut response = visit.replaced(old.expires_at, &flow)?;
    if let Some(cookie) = new_cookie {
        visit.set_browser(&mut response, &cookie)?;
    }
    Ok(response)
}

/// The schema with which a flow was begun.
fn schema(visit: &Visit<'_>, flow: &Flow<RegistrationDetails>) -> Result<Arc<IdentitySchema>, ApiError> {
    visit.snapshot.accounts.schemas.get(&flow.details.schema_id).cloned().ok_or_else(|| {
        ApiError::gone("The identity schema of this flow is not configured any more. Begin a new flow.")
    })
}

/// The form of a flow.
pub(crate) fn form(
    visit: &Visit<'_>,
    flow: &Flow<RegistrationDetails>,
    new_cookie: Option<&str>,
) -> Result<Container, ApiError> {
    let schema = schema(visit, flow)?;
    let token = visit.form_token(flow, new_cookie);
    Ok(registration::form(flow, visit.rules(), &schema, token))
}

/// The flow as JSON on the wire.
fn flow_json(
    visit: &Visit<'_>,
    flow: &Flow<RegistrationDetails>,
    new_cookie: Option<&str>,
) -> Result<Value, ApiError> {
    let mut json = flow.to_json(&form(visit, flow, new_cookie)?);
    json.insert("organization_id".into(), Value::Null);
    Ok(Value::Object(json))
}

/// 400 when nobody may sign up.
fn check_enabled(visit: &Visit<'_>) -> Result<(), ApiError> {
    if visit.rules().registration.enabled {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "Registration is off. Ask the administrator for an account, or switch it on with selfservice.flows.registration.enabled.",
    )
    .with_id("self_service_flow_disabled"))
}
