//! Signing in: `/self-service/login/...`.
//!
//! A flow is begun, its form is shown, and submissions are tried until one is right. Then the flow ends
//! in the same change that makes the session.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use sessera_accounts::flows::flow::{Flow, LoginDetails, State as FlowState, Transport};
use sessera_accounts::flows::login::{self, LoginForm};
use sessera_accounts::flows::passkeys::{Passkeys, RelyingParty, SignInAnswer, SignInChallenge};
use sessera_accounts::flows::password::{self, Outcome};
use sessera_accounts::flows::second_factor::{Factor, LookupSecrets, Totp, Verdict};
use sessera_accounts::flows::sign_in::{self, Proof, SignedIn};
use sessera_accounts::messages::{Message, MessageId};
use sessera_accounts::metrics::Limit;
use sessera_accounts::schema::normalise;
use sessera_accounts::submission::{Submission, ValueKind};
use sessera_accounts::ui::Container;
use sessera_issuer::LiveSession;
use sessera_model::{AssuranceLevel, Credential, CredentialKind, Identity, IdentityState};
use sessera_store::{Change, FlowKind, SessionKind, StoreError};
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

#[derive(Default, Deserialize)]
struct Beginning {
    #[serde(default)]
    refresh: Option<String>,
    aal: Option<String>,
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

/// Create a login flow for native apps
///
/// With a session, `refresh=true` asks its owner to sign in again, `aal=aal2` for a second factor.
#[utoipa::path(
    get,
    path = "/self-service/login/api",
    operation_id = "createNativeLoginFlow",
    tag = "frontend",
    params(
        ("refresh" = Option<bool>, Query, description = "Sign in again"),
        ("aal" = Option<String>, Query, description = "`aal1` or `aal2`"),
        ("X-Session-Token" = Option<String>, Header, description = "Session token of a native client"),
    ),
    responses(
        (status = 200, description = "The flow"),
        (status = 400, description = "Signed in already (`session_already_available`)", body = ErrorBody),
        (status = 401, description = "A second factor needs a session (`session_aal1_required`)", body = ErrorBody),
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

/// Create a login flow for browsers
///
/// Answers the flow to clients that take JSON and sends all others to the login page.
#[utoipa::path(
    get,
    path = "/self-service/login/browser",
    operation_id = "createBrowserLoginFlow",
    tag = "frontend",
    params(
        ("refresh" = Option<bool>, Query, description = "Sign in again"),
        ("aal" = Option<String>, Query, description = "`aal1` or `aal2`"),
        ("return_to" = Option<String>, Query, description = "Where to go afterwards"),
    ),
    responses(
        (status = 200, description = "The flow"),
        (status = 303, description = "The way to the page"),
        (status = 400, description = "Signed in already (`session_already_available`)", body = ErrorBody),
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
    let requested_aal = match parameters.aal.as_deref().filter(|aal| !aal.is_empty()) {
        None => AssuranceLevel::Aal1,
        Some(word) => AssuranceLevel::parse(word)
            .filter(|aal| *aal != AssuranceLevel::Aal0)
            .ok_or_else(|| ApiError::bad_request("The level in aal is unknown. Ask for aal1 or aal2."))?,
    };
    let wants_refresh = matches!(parameters.refresh.as_deref(), Some("true" | "1"));
    let session = visit.session().await?;
    match &session {
        Some(live) if !wants_refresh && requested_aal <= live.session.assurance_level => {
            if visit.wants_json(transport) {
                return Err(already_signed_in());
            }
            let asked = visit.return_to(parameters.return_to.as_deref())?;
            return redirect(&asked.unwrap_or_else(|| visit.rules().default_return.to_string()));
        }
        None if requested_aal > AssuranceLevel::Aal1 => {
            if visit.wants_json(transport) {
                return Err(needs_session());
            }
            return redirect(&visit.rules().url("self-service/login/browser"));
        }
        _ => {}
    }
    let (beginning, new_cookie) = visit.begin(FlowKind::Login, transport, parameters.return_to.as_deref())?;
    let details = LoginDetails {
        requested_aal,
        refresh: wants_refresh && session.is_some(),
        identity_id: session.as_ref().map(|live| live.session.identity_id),
        passkey: challenge(visit, transport, requested_aal)?,
    };
    let mut flow = Flow::begin(beginning, FlowState::ChooseMethod, details);
    if flow.details.refresh {
        flow.say(MessageId::ConfirmIdentity);
    }
    if session.is_some_and(|live| requested_aal > live.session.assurance_level) {
        flow.say(MessageId::SecondFactorNeeded);
    }
    visit.app.commit(&[flow.insert()?]).await?;
    let body = flow_json(visit, &flow, new_cookie.as_deref()).await?;
    visit.begun(&flow, &body, new_cookie.as_deref())
}

/// Get a login flow
///
/// A browser's flow is shown to the browser that began it only.
#[utoipa::path(
    get,
    path = "/self-service/login/flows",
    operation_id = "getLoginFlow",
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
    let flow: Flow<LoginDetails> = visit.flow(parameters.id.as_deref()).await?;
    visit.check_browser(&flow)?;
    if flow.is_expired(visit.now) {
        return Err(visit.ended(&flow));
    }
    Ok(json(StatusCode::OK, &flow_json(&visit, &flow, None).await?))
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
        ("flow" = String, Query, description = "The id of the flow"),
        ("X-Session-Token" = Option<String>, Header, description = "Session token of a native client"),
    ),
    responses(
        (status = 200, description = "Signed in"),
        (status = 303, description = "A browser's way on"),
        (status = 400, description = "The flow, which says what is wrong"),
        (status = 403, description = "Not the form of this browser (`security_csrf_violation`)", body = ErrorBody),
        (status = 404, description = "No such flow", body = ErrorBody),
        (status = 410, description = "The flow has ended; another took its place (`use_flow_id`)", body = ErrorBody),
        (status = 422, description = "The browser must go elsewhere", body = ErrorBody),
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
    let mut flow: Flow<LoginDetails> = visit.flow(id).await?;
    let session = visit.session().await?;
    let details = &flow.details;
    match &session {
        Some(live) if !details.refresh && details.requested_aal <= live.session.assurance_level => {
            if visit.wants_json(flow.transport) {
                return Err(already_signed_in());
            }
            return redirect(visit.rules().default_return.as_str());
        }
        None if details.requested_aal > AssuranceLevel::Aal1 => return Err(needs_session()),
        _ => {}
    }
    if flow.is_expired(visit.now) {
        return replace(visit, &flow).await;
    }
    flow.clear_messages();
    flow.values.clear();
    let submission = match Submission::decode(visit.caller.content_type(), body, |_| ValueKind::Text) {
        Ok(submission) => submission,
        Err(message) => {
            flow.say(message);
            return refuse(visit, flow, StatusCode::BAD_REQUEST).await;
        }
    };
    if let Some(message) = visit.check_submission(&flow, submission.csrf_token())? {
        flow.say(message);
        return refuse(visit, flow, StatusCode::BAD_REQUEST).await;
    }
    let rules = visit.rules();
    let is_second = flow.details.requested_aal > AssuranceLevel::Aal1;
    // The script of a page submits the form without a button.
    let has_passkey = submission.get("passkey_login").is_some_and(|answer| answer != "");
    let method = if has_passkey { Some("passkey") } else { submission.method() };
    match (method, &session) {
        (Some("passkey"), _) if !is_second && flow.transport == Transport::Browser => match &rules.passkey {
            Some(party) => by_passkey(visit, flow, session.as_deref(), &submission, party).await,
            None => {
                flow.say(MessageId::NoLoginMethod);
                refuse(visit, flow, StatusCode::BAD_REQUEST).await
            }
        },
        (Some("password"), _) if !is_second && rules.password.is_some() => {
            by_password(visit, flow, session.as_deref(), &submission).await
        }
        (Some("totp"), Some(live)) if is_second && rules.totp_issuer.is_some() => {
            by_factor::<Totp>(visit, flow, live, &submission, "totp_code", Proof::TOTP, MessageId::NoTotp)
                .await
        }
        (Some("lookup_secret"), Some(live)) if is_second && rules.lookup_secret => {
            let proof = Proof::LOOKUP_SECRET;
            let none = MessageId::NoLookup;
            by_factor::<LookupSecrets>(visit, flow, live, &submission, "lookup_secret", proof, none).await
        }
        _ => {
            flow.say(MessageId::NoLoginMethod);
            refuse(visit, flow, StatusCode::BAD_REQUEST).await
        }
    }
}

async fn by_password(
    visit: &Visit<'_>,
    mut flow: Flow<LoginDetails>,
    session: Option<&LiveSession>,
    submission: &Submission,
) -> Result<Response, ApiError> {
    let mut field = |name: &str| match submission.text(name) {
        Ok(Some(text)) => Some(text.to_owned()),
        Ok(None) => {
            flow.say_at(name, Message::required(name));
            None
        }
        Err(message) => {
            flow.say_at(name, message);
            None
        }
    };
    let (identifier, password) = (field("identifier"), field("password"));
    if let Some(identifier) = &identifier {
        flow.values.insert("identifier".into(), identifier.as_str().into());
    }
    let (Some(identifier), Some(password)) = (identifier, password) else {
        return refuse(visit, flow, StatusCode::BAD_REQUEST).await;
    };
    let (limits, rules) = (&visit.app.accounts.limits, visit.rules().limits);
    let pair = visit.address().map(|address| limits.pair(&normalise::identifier(&identifier), address));
    if let Some(Err(wait)) = pair.map(|pair| limits.attempt(rules, pair, visit.now)) {
        visit.app.accounts.metrics.limit_hit(Limit::Failures);
        if visit.wants_json(flow.transport) {
            return Err(ApiError::too_many_requests(wait));
        }
        flow.say(Message::too_many_attempts(wait));
        return refuse(visit, flow, StatusCode::BAD_REQUEST).await;
    }
    match password::check(&visit.app.accounts, visit.rules(), &identifier, &password).await? {
        Outcome::Wrong(id) => {
            if let Some(pair) = pair.filter(|_| id == MessageId::InvalidCredentials) {
                limits.failed(rules, pair, visit.now);
            }
            flow.say(id);
            let is_disabled = id == MessageId::AccountDisabled;
            let status = if is_disabled { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            refuse(visit, flow, status).await
        }
        Outcome::Right { identity, upgrade } => {
            if let Some(pair) = pair {
                limits.succeeded(pair);
            }
            let signed_in = prove(visit, &flow, session, &identity, Proof::PASSWORD);
            let mut changes = upgrade;
            let end = [flow.consume(), signed_in.change.clone()];
            changes.extend(end.iter().cloned());
            match visit.app.commit(&changes).await {
                // The identity was changed in the meantime: the newer hash waits for the next time.
                Err(StoreError::Conflict(_)) if changes.len() > end.len() => visit.app.commit(&end).await,
                outcome => outcome,
            }
            .map_err(outrun)?;
            finish(visit, &flow, &signed_in, &identity).await
        }
    }
}

async fn by_passkey(
    visit: &Visit<'_>,
    mut flow: Flow<LoginDetails>,
    session: Option<&LiveSession>,
    submission: &Submission,
    party: &RelyingParty,
) -> Result<Response, ApiError> {
    let answer = match submission.text("passkey_login") {
        Ok(Some(answer)) => answer,
        Ok(None) => {
            flow.say_at("passkey_login", Message::required("passkey_login"));
            return refuse(visit, flow, StatusCode::BAD_REQUEST).await;
        }
        Err(message) => {
            flow.say_at("passkey_login", message);
            return refuse(visit, flow, StatusCode::BAD_REQUEST).await;
        }
    };
    // Whatever comes of the answer, its challenge is good once.
    let asked = flow.details.passkey.replace(party.ask_to_sign_in()?);
    let recognised = match (SignInAnswer::parse(answer), asked) {
        (Some(answer), Some(asked)) => recognise(visit, party, &answer, asked).await?,
        _ => None,
    };
    let Some((identity, mut changes)) = recognised else {
        flow.say(MessageId::PasskeyUnknown);
        return refuse_once(visit, flow, StatusCode::BAD_REQUEST).await;
    };
    if identity.state != IdentityState::Active {
        flow.say(MessageId::AccountDisabled);
        return refuse_once(visit, flow, StatusCode::UNAUTHORIZED).await;
    }
    let signed_in = prove(visit, &flow, session, &identity, Proof::PASSKEY);
    changes.push(flow.consume());
    changes.push(signed_in.change.clone());
    visit.app.commit(&changes).await.map_err(outrun)?;
    finish(visit, &flow, &signed_in, &identity).await
}

/// Whose passkey has answered, with the changes that keep how often it has signed. `None` when the answer
/// does not fit, or is nobody's.
async fn recognise(
    visit: &Visit<'_>,
    party: &RelyingParty,
    answer: &SignInAnswer,
    asked: SignInChallenge,
) -> Result<Option<(Identity, Vec<Change>)>, ApiError> {
    let Some(id) = answer.identity_id() else { return Ok(None) };
    // Read in this order, so that the version that is written back is not newer than what was checked.
    let Some(identity) = visit.app.store.identity(id).await? else { return Ok(None) };
    let credentials = visit.app.store.credentials(id).await?;
    let mut passkeys = Passkeys::among(&credentials);
    let Some(has_changed) = party.check(answer, asked, &mut passkeys) else { return Ok(None) };
    let mut changes = Vec::new();
    if has_changed {
        changes.push(Change::UpdateIdentity(identity.clone()));
        changes.push(passkeys.keep(&identity, &credentials, visit.now));
    }
    Ok(Some((identity, changes)))
}

/// The challenge of a flow that a passkey may complete.
fn challenge(
    visit: &Visit<'_>,
    transport: Transport,
    requested_aal: AssuranceLevel,
) -> Result<Option<SignInChallenge>, ApiError> {
    let is_possible = transport == Transport::Browser && requested_aal == AssuranceLevel::Aal1;
    let party = visit.rules().passkey.as_ref().filter(|_| is_possible);
    Ok(party.map(RelyingParty::ask_to_sign_in).transpose()?)
}

async fn by_factor<F: Factor>(
    visit: &Visit<'_>,
    mut flow: Flow<LoginDetails>,
    live: &LiveSession,
    submission: &Submission,
    field: &str,
    proof: Proof,
    none: MessageId,
) -> Result<Response, ApiError> {
    let code = match submission.text(field) {
        Ok(Some(code)) => code,
        Ok(None) => {
            flow.say_at(field, Message::required(field));
            return refuse(visit, flow, StatusCode::BAD_REQUEST).await;
        }
        Err(message) => {
            flow.say_at(field, message);
            return refuse(visit, flow, StatusCode::BAD_REQUEST).await;
        }
    };
    // Read together, so that the version that is written back is that of the factor that was checked.
    let identity = current_identity(visit, live).await?;
    let credentials = visit.app.store.credentials(identity.id).await?;
    let Some(mut factor) = F::among(&credentials) else {
        flow.say(none);
        return refuse(visit, flow, StatusCode::BAD_REQUEST).await;
    };
    let verdict = factor.check(code, visit.now);
    let mut changes = factor.keep(&identity, &credentials, visit.now);
    match verdict {
        Verdict::Wrong(message) => {
            flow.say(message);
            visit.keep_with(&mut flow, changes).await?;
            let body = flow_json(visit, &flow, None).await?;
            visit.shown(StatusCode::BAD_REQUEST, &flow, &body)
        }
        Verdict::Right => {
            let signed_in = prove(visit, &flow, Some(live), &identity, proof);
            changes.push(flow.consume());
            changes.push(signed_in.change.clone());
            visit.app.commit(&changes).await.map_err(outrun)?;
            finish(visit, &flow, &signed_in, &identity).await
        }
    }
}

/// The session after a proof: the one that is there, when it is the same person's, or a new one.
fn prove(
    visit: &Visit<'_>,
    flow: &Flow<LoginDetails>,
    session: Option<&LiveSession>,
    identity: &Identity,
    proof: Proof,
) -> SignedIn {
    let random = visit.app.random.as_ref();
    let (now, lifespan, origin) = (visit.now, visit.rules().session_lifespan, visit.origin());
    match session.filter(|live| live.session.identity_id == identity.id) {
        Some(live) => sign_in::renew(random, now, lifespan, &live.session, proof, &origin, live.kind),
        None => {
            let kind = match flow.transport {
                Transport::Api => SessionKind::Native,
                Transport::Browser => SessionKind::Browser,
            };
            sign_in::begin(random, now, lifespan, identity.id, proof, &origin, kind)
        }
    }
}

/// The answer to somebody who has signed in.
async fn finish(
    visit: &Visit<'_>,
    flow: &Flow<LoginDetails>,
    signed_in: &SignedIn,
    identity: &Identity,
) -> Result<Response, ApiError> {
    let session = visit.session_json(signed_in, identity);
    if flow.transport == Transport::Api {
        let token = visit.native_token(signed_in);
        let body = json!({ "session_token": token, "session": session, "continue_with": null });
        return Ok(json(StatusCode::OK, &body));
    }
    let target = flow.return_to.clone().unwrap_or_else(|| visit.rules().after(FlowKind::Login));
    let is_json = visit.wants_json(flow.transport);
    let mut response = if needs_second_factor(visit, signed_in, identity).await? {
        let mut url = visit.rules().url("self-service/login/browser?aal=aal2&return_to=");
        url.extend(url::form_urlencoded::byte_serialize(target.as_bytes()));
        if is_json {
            axum::response::IntoResponse::into_response(location_change(&url))
        } else {
            redirect(&url)?
        }
    } else if is_json {
        let go_on = json!([{ "action": "redirect_browser_to", "redirect_browser_to": target }]);
        json(StatusCode::OK, &json!({ "session": session, "continue_with": go_on }))
    } else {
        redirect(&target)?
    };
    visit.set_session(&mut response, signed_in)?;
    Ok(response)
}

/// Whether the configuration asks for a factor that the person has and has not proven.
async fn needs_second_factor(
    visit: &Visit<'_>,
    signed_in: &SignedIn,
    identity: &Identity,
) -> Result<bool, ApiError> {
    if !visit.rules().needs_highest_aal || signed_in.session.assurance_level >= AssuranceLevel::Aal2 {
        return Ok(false);
    }
    let credentials = visit.app.store.credentials(identity.id).await?;
    Ok(has_totp(visit, &credentials) || has_lookup(visit, &credentials))
}

fn has_totp(visit: &Visit<'_>, credentials: &[Credential]) -> bool {
    visit.rules().totp_issuer.is_some() && Totp::among(credentials).is_some()
}

fn has_lookup(visit: &Visit<'_>, credentials: &[Credential]) -> bool {
    visit.rules().lookup_secret && LookupSecrets::among(credentials).is_some()
}

/// The owner of a session as stored now.
async fn current_identity(visit: &Visit<'_>, live: &LiveSession) -> Result<Identity, ApiError> {
    visit.app.store.identity(live.session.identity_id).await?.ok_or_else(ApiError::unauthorized)
}

/// Keeps what is to be said and shows it.
async fn refuse(
    visit: &Visit<'_>,
    mut flow: Flow<LoginDetails>,
    status: StatusCode,
) -> Result<Response, ApiError> {
    visit.keep(&mut flow).await?;
    let body = flow_json(visit, &flow, None).await?;
    visit.shown(status, &flow, &body)
}

/// The same for an answer that used up its challenge: of two at the same time only one is looked at.
async fn refuse_once(
    visit: &Visit<'_>,
    mut flow: Flow<LoginDetails>,
    status: StatusCode,
) -> Result<Response, ApiError> {
    visit.keep_with(&mut flow, Vec::new()).await?;
    let body = flow_json(visit, &flow, None).await?;
    visit.shown(status, &flow, &body)
}

/// Begins a flow in place of one that has ended.
async fn replace(visit: &Visit<'_>, old: &Flow<LoginDetails>) -> Result<Response, ApiError> {
    let (mut beginning, new_cookie) =
        visit.begin(FlowKind::Login, old.transport, old.return_to.as_deref())?;
    beginning.request_url.clone_from(&old.request_url);
    let passkey = challenge(visit, old.transport, old.details.requested_aal)?;
    let details = LoginDetails { passkey, ..old.details.clone() };
    let mut flow = Flow::begin(beginning, FlowState::ChooseMethod, details);
    flow.say(Message::expired(MessageId::LoginExpired, old.expires_at));
    visit.app.commit(&[flow.insert()?]).await?;
    let mut response = visit.replaced(old.expires_at, &flow)?;
    if let Some(cookie) = new_cookie {
        visit.set_browser(&mut response, &cookie)?;
    }
    Ok(response)
}

/// The form of a flow.
pub(crate) async fn form(
    visit: &Visit<'_>,
    flow: &Flow<LoginDetails>,
    new_cookie: Option<&str>,
) -> Result<Container, ApiError> {
    let rules = visit.rules();
    let details = &flow.details;
    let credentials = match details.identity_id {
        Some(id) => visit.app.store.credentials(id).await?,
        None => Vec::new(),
    };
    let known_identifier = if details.refresh {
        let password = credentials.iter().find(|credential| credential.kind == CredentialKind::Password);
        password.and_then(|credential| credential.identifiers.first().cloned())
    } else {
        None
    };
    let may_use_passkey = rules.passkey.is_some()
        && (!details.refresh || !Passkeys::among(&credentials).credentials.is_empty());
    let look = LoginForm {
        action: rules.action(FlowKind::Login, flow.id),
        csrf_token: visit.form_token(flow, new_cookie),
        identifier_label: login::identifier_label(visit.snapshot.accounts.schemas.default()),
        password: rules.password.is_some(),
        known_identifier,
        totp: has_totp(visit, &credentials),
        lookup_secret: has_lookup(visit, &credentials),
        passkey_script: may_use_passkey.then(|| rules.passkey_script()),
    };
    Ok(login::form(flow, look))
}

/// The flow as JSON on the wire.
async fn flow_json(
    visit: &Visit<'_>,
    flow: &Flow<LoginDetails>,
    new_cookie: Option<&str>,
) -> Result<Value, ApiError> {
    let details = &flow.details;
    let mut json = flow.to_json(&form(visit, flow, new_cookie).await?);
    json.insert("created_at".into(), json!(flow.issued_at));
    json.insert("updated_at".into(), json!(flow.updated_at));
    json.insert("refresh".into(), details.refresh.into());
    json.insert("requested_aal".into(), details.requested_aal.as_str().into());
    json.insert("organization_id".into(), Value::Null);
    Ok(Value::Object(json))
}

/// 401: only somebody who is signed in can be asked for a second factor.
fn needs_session() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "A second factor can only be given with a session.",
        "Sign in with the first factor, then ask for aal2 with that session.",
    )
    .with_id("session_aal1_required")
}
