//! One's own account: `/self-service/settings/...`.
//!
//! Everything here needs a session that has proven all factors its owner has set up. What opens the
//! account (passwords, factors, identifiers, addresses) changes only soon after signing in.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sessera_accounts::flows::flow::{Flow, SettingsDetails, State as FlowState, Transport};
use sessera_accounts::flows::passkeys::{AddChallenge, Passkeys, RelyingParty};
use sessera_accounts::flows::second_factor::{Factor, LookupSecrets, Totp};
use sessera_accounts::flows::settings::{self, Owner};
use sessera_accounts::flows::sign_in::{self, Proof, SignedIn};
use sessera_accounts::flows::totp::TotpSecret;
use sessera_accounts::flows::verification;
use sessera_accounts::identities::{IdentityDraft, IdentityError, PreparedIdentity, Surroundings};
use sessera_accounts::messages::{Message, MessageId};
use sessera_accounts::password::Verification;
use sessera_accounts::submission::{Submission, ValueKind};
use sessera_accounts::ui::Container;
use sessera_issuer::LiveSession;
use sessera_model::{AssuranceLevel, Credential, CredentialKind, Identity, IdentityView, Uuid};
use sessera_store::{Change, Conflict, FlowKind, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::ApiError;
use crate::openapi::ErrorBody;
use crate::public::answer::{json, redirect};
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

/// Create a settings flow for native apps
#[utoipa::path(
    get,
    path = "/self-service/settings/api",
    operation_id = "createNativeSettingsFlow",
    tag = "frontend",
    params(("X-Session-Token" = Option<String>, Header, description = "Session token of a native client")),
    responses(
        (status = 200, description = "The flow"),
        (status = 401, description = "Not signed in (`session_inactive`)", body = ErrorBody),
        (status = 403, description = "A second factor is needed (`session_aal2_required`)", body = ErrorBody),
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

/// Create a settings flow for browsers
///
/// Answers the flow to clients that take JSON and sends all others to the settings page, or to sign in.
#[utoipa::path(
    get,
    path = "/self-service/settings/browser",
    operation_id = "createBrowserSettingsFlow",
    tag = "frontend",
    params(("return_to" = Option<String>, Query, description = "Where to go afterwards")),
    responses(
        (status = 200, description = "The flow"),
        (status = 303, description = "The way to the page, or to sign in"),
        (status = 401, description = "Not signed in (`session_inactive`)", body = ErrorBody),
        (status = 403, description = "A second factor is needed (`session_aal2_required`)", body = ErrorBody),
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
        Err(error) => sign_in_first(&visit, error).await,
    }
}

async fn create(
    visit: &Visit<'_>,
    transport: Transport,
    parameters: &Beginning,
) -> Result<Response, ApiError> {
    let live = session(visit).await?;
    let (beginning, new_cookie) =
        visit.begin(FlowKind::Settings, transport, parameters.return_to.as_deref())?;
    let flow = begin(visit, beginning, live.session.identity_id).await?;
    visit.app.commit(&[flow.insert()?]).await?;
    let body = flow_json(visit, &flow, new_cookie.as_deref()).await?;
    visit.begun(&flow, &body, new_cookie.as_deref())
}

/// Get a settings flow
#[utoipa::path(
    get,
    path = "/self-service/settings/flows",
    operation_id = "getSettingsFlow",
    tag = "frontend",
    params(("id" = String, Query, description = "The id of the flow")),
    responses(
        (status = 200, description = "The flow"),
        (status = 401, description = "Not signed in (`session_inactive`)", body = ErrorBody),
        (status = 403, description = "Somebody else's flow, or a second factor is needed", body = ErrorBody),
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
    let live = session(&visit).await?;
    let flow: Flow<SettingsDetails> = visit.flow(parameters.id.as_deref()).await?;
    check_owner(&flow, &live)?;
    visit.check_browser(&flow)?;
    if flow.is_expired(visit.now) {
        return Err(visit.ended(&flow));
    }
    Ok(json(StatusCode::OK, &flow_json(&visit, &flow, None).await?))
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
        ("flow" = String, Query, description = "The id of the flow"),
        ("X-Session-Token" = Option<String>, Header, description = "Session token of a native client"),
    ),
    responses(
        (status = 200, description = "The flow, with what was saved"),
        (status = 303, description = "A browser's way on"),
        (status = 400, description = "The flow, which says what is wrong"),
        (status = 401, description = "Not signed in (`session_inactive`)", body = ErrorBody),
        (status = 403, description = "The sign-in is too old (`session_refresh_required`), a second factor is needed, or not the form of this browser", body = ErrorBody),
        (status = 410, description = "The flow has ended; another took its place (`use_flow_id`)", body = ErrorBody),
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
        Err(error) => sign_in_first(&visit, error).await,
    }
}

/// A submission on its way.
struct Edit<'a> {
    visit: &'a Visit<'a>,
    live: Arc<LiveSession>,
    flow: Flow<SettingsDetails>,
    identity: Identity,
    credentials: Vec<Credential>,
}

async fn try_submit(visit: &Visit<'_>, id: Option<&str>, body: &[u8]) -> Result<Response, ApiError> {
    let live = session(visit).await?;
    let flow: Flow<SettingsDetails> = visit.flow(id).await?;
    check_owner(&flow, &live)?;
    if flow.is_expired(visit.now) {
        return replace(visit, &flow).await;
    }
    let (identity, credentials) = owner(visit, &flow).await?;
    let mut edit = Edit { visit, live, flow, identity, credentials };
    edit.flow.field_messages.clear();
    edit.flow.values.clear();
    let schema = visit.snapshot.accounts.schemas.get(&edit.identity.schema_id);
    let kind_of = |name: &str| {
        let field = schema.and_then(|schema| schema.fields().iter().find(|field| field.name() == name));
        field.map_or(ValueKind::Text, |field| field.kind)
    };
    let submission = match Submission::decode(visit.caller.content_type(), body, kind_of) {
        Ok(submission) => submission,
        Err(message) => return edit.refuse(None, message).await,
    };
    if let Some(message) = visit.check_submission(&edit.flow, submission.csrf_token())? {
        return edit.refuse(None, message).await;
    }
    edit.flow.transient_payload =
        Some(submission.get("transient_payload").cloned().unwrap_or_else(|| json!({})));
    let rules = visit.rules();
    let has_lookup_button = ["regenerate", "reveal", "confirm", "disable"]
        .iter()
        .find(|button| submission.flag(&format!("lookup_secret_{button}")));
    let is_filled = |name: &str| submission.get(name).is_some_and(|value| value != "");
    let party = rules.passkey.as_ref().filter(|_| edit.flow.transport == Transport::Browser);
    match (submission.method(), has_lookup_button) {
        (_, Some(button)) if rules.lookup_secret => edit.lookup(button).await,
        (Some("passkey") | None, _)
            if let Some(party) = party
                && is_filled("passkey_remove") =>
        {
            edit.remove_passkey(&submission, party).await
        }
        (Some("passkey") | None, _)
            if let Some(party) = party
                && is_filled("passkey_settings_register") =>
        {
            edit.add_passkey(&submission, party).await
        }
        (Some("totp") | None, _) if rules.totp_issuer.is_some() && submission.flag("totp_unlink") => {
            edit.unlink_totp().await
        }
        (Some("totp"), _) if rules.totp_issuer.is_some() => edit.link_totp(&submission).await,
        (Some("password"), _) if rules.password.is_some() => edit.password(&submission).await,
        (Some("profile"), _) => edit.profile(&submission).await,
        _ => edit.refuse(None, MessageId::NoSettingsMethod).await,
    }
}

impl Edit<'_> {
    async fn profile(mut self, submission: &Submission) -> Result<Response, ApiError> {
        let visit = self.visit;
        let draft = IdentityDraft { traits: submission.traits(), ..IdentityDraft::of(&self.identity) };
        let surroundings = Surroundings {
            schemas: &visit.snapshot.accounts.schemas,
            random: visit.app.random.as_ref(),
            now: visit.now,
        };
        let (stored, credentials) = (self.identity.clone(), self.credentials.clone());
        let prepared = match PreparedIdentity::update(stored, credentials, draft, surroundings) {
            Ok(prepared) => prepared,
            Err(IdentityError::InvalidTraits(violations)) => {
                self.flow.keep_traits(&submission.traits());
                for violation in violations {
                    self.flow.say_at(violation.field(), violation.message);
                }
                return self.show(StatusCode::BAD_REQUEST).await;
            }
            Err(other) => return Err(other.into()),
        };
        let identifiers = |credentials: &[Credential]| -> Vec<(CredentialKind, Vec<String>)> {
            credentials.iter().map(|one| (one.kind, one.identifiers.clone())).collect()
        };
        let opens_the_account = identifiers(prepared.credentials()) != identifiers(&self.credentials)
            || prepared.identity.recovery_addresses != self.identity.recovery_addresses
            || prepared.identity.verifiable_addresses != self.identity.verifiable_addresses;
        if opens_the_account {
            self.check_privileged()?;
        }
        self.flow.keep_traits(&submission.traits());
        let mut changes = prepared.changes();
        // The identity itself is written once, with what follows from the change.
        changes.retain(|change| !matches!(change, Change::UpdateIdentity(_)));
        self.identity = prepared.identity;
        self.save(changes, None).await
    }

    async fn password(mut self, submission: &Submission) -> Result<Response, ApiError> {
        self.flow.messages.clear();
        self.check_privileged()?;
        let (app, rules) = (self.visit.app, self.visit.rules());
        let password = match submission.text("password") {
            Ok(Some(password)) => password,
            Ok(None) => return self.refuse(Some("password"), Message::required("password")).await,
            Err(message) => return self.refuse(Some("password"), message).await,
        };
        let known = self.credentials.iter().find(|credential| credential.kind == CredentialKind::Password);
        let identifiers = known.map(|credential| credential.identifiers.clone()).unwrap_or_default();
        if identifiers.is_empty() {
            return self.refuse(None, MessageId::IdentifierMissing).await;
        }
        if let Some(Err(weakness)) = rules.password.map(|policy| policy.check(password, &identifiers)) {
            return self.refuse(Some("password"), weakness).await;
        }
        if let Some(old) = known.and_then(|credential| credential.config.text("hashed_password")) {
            let verification = app.accounts.passwords.verify(rules.hashing, password, Some(old)).await?;
            if verification != Verification::Mismatch {
                return self.refuse(Some("password"), MessageId::PasswordUnchanged).await;
            }
        }
        let hash = app.accounts.passwords.hash(rules.hashing, password).await?;
        let surroundings = Surroundings {
            schemas: &self.visit.snapshot.accounts.schemas,
            random: app.random.as_ref(),
            now: self.visit.now,
        };
        let draft = IdentityDraft::of(&self.identity);
        let (stored, credentials) = (self.identity.clone(), self.credentials.clone());
        let mut prepared = PreparedIdentity::update(stored, credentials, draft, surroundings)?;
        prepared.set_password(hash);
        let mut changes = prepared.changes();
        changes.retain(|change| !matches!(change, Change::UpdateIdentity(_)));
        self.save(changes, None).await
    }

    async fn link_totp(mut self, submission: &Submission) -> Result<Response, ApiError> {
        self.flow.messages.clear();
        self.check_privileged()?;
        let code = match submission.text("totp_code") {
            Ok(Some(code)) => code,
            Ok(None) => return self.refuse(Some("totp_code"), Message::required("totp_code")).await,
            Err(message) => return self.refuse(Some("totp_code"), message).await,
        };
        let Some(secret) = TotpSecret::from_base32(&self.flow.details.totp_secret) else {
            return Err(ApiError::internal("the secret of a settings flow cannot be read"));
        };
        let Some(step) = secret.step_of(code.trim(), self.visit.now, None) else {
            return self.refuse(Some("totp_code"), MessageId::TotpWrong).await;
        };
        let schema = self.visit.snapshot.accounts.schemas.get(&self.identity.schema_id);
        let owner = Owner {
            identity: &self.identity,
            credentials: &self.credentials,
            schema: schema.map(AsRef::as_ref),
        };
        let issuer = self.visit.rules().totp_issuer.clone().unwrap_or_default();
        let url = secret.to_url(&issuer, &settings::account_name(owner));
        let factor = Totp::new(url, step);
        let credential = factor.credential(&self.identity, &self.credentials, self.visit.now);
        self.save(vec![credential], Some(Proof::TOTP)).await
    }

    async fn unlink_totp(mut self) -> Result<Response, ApiError> {
        self.flow.messages.clear();
        self.check_privileged()?;
        // The next app gets a secret of its own.
        self.flow.details.totp_secret = TotpSecret::generate(self.visit.app.random.as_ref()).to_base32();
        let change = Change::DeleteCredential { identity_id: self.identity.id, kind: CredentialKind::Totp };
        self.save(vec![change], None).await
    }

    async fn lookup(mut self, button: &str) -> Result<Response, ApiError> {
        self.flow.messages.clear();
        self.check_privileged()?;
        match button {
            "regenerate" => {
                self.flow.details.lookup_secrets = LookupSecrets::generate(self.visit.app.random.as_ref());
                self.flow.state = FlowState::ShowForm;
                self.show(StatusCode::OK).await
            }
            "reveal" if LookupSecrets::among(&self.credentials).is_some() => {
                self.flow.details.lookup_revealed = true;
                self.flow.state = FlowState::ShowForm;
                self.show(StatusCode::OK).await
            }
            "confirm" if !self.flow.details.lookup_secrets.is_empty() => {
                let codes = std::mem::take(&mut self.flow.details.lookup_secrets);
                self.flow.details.lookup_revealed = false;
                let factor = LookupSecrets::new(codes);
                let credential = factor.credential(&self.identity, &self.credentials, self.visit.now);
                self.save(vec![credential], Some(Proof::LOOKUP_SECRET)).await
            }
            "disable" => {
                self.flow.details.lookup_secrets.clear();
                self.flow.details.lookup_revealed = false;
                let (identity_id, kind) = (self.identity.id, CredentialKind::LookupSecret);
                self.save(vec![Change::DeleteCredential { identity_id, kind }], None).await
            }
            _ => self.refuse(None, MessageId::NoLookup).await,
        }
    }

    async fn add_passkey(
        mut self,
        submission: &Submission,
        party: &RelyingParty,
    ) -> Result<Response, ApiError> {
        let field = "passkey_settings_register";
        self.flow.messages.clear();
        self.check_privileged()?;
        let answer = match submission.text(field) {
            Ok(Some(answer)) => answer,
            Ok(None) => return self.refuse(Some(field), Message::required(field)).await,
            Err(message) => return self.refuse(Some(field), message).await,
        };
        let mut passkeys = Passkeys::among(&self.credentials);
        let name = crate::pages::device_name(self.visit);
        let asked = self.flow.details.passkey.take();
        let added = asked.and_then(|asked| party.add(answer, &asked, &mut passkeys, name, self.visit.now));
        // Whatever came of the answer, its challenge is good once.
        self.flow.details.passkey = Some(self.ask_to_add(party, &passkeys)?);
        if added.is_none() {
            return self.refuse(None, MessageId::PasskeyRefused).await;
        }
        let change = passkeys.keep(&self.identity, &self.credentials, self.visit.now);
        self.save(vec![change], Some(Proof::PASSKEY)).await
    }

    async fn remove_passkey(
        mut self,
        submission: &Submission,
        party: &RelyingParty,
    ) -> Result<Response, ApiError> {
        let field = "passkey_remove";
        self.flow.messages.clear();
        self.check_privileged()?;
        let id = match submission.text(field) {
            Ok(id) => id.unwrap_or_default(),
            Err(message) => return self.refuse(Some(field), message).await,
        };
        let mut passkeys = Passkeys::among(&self.credentials);
        if !passkeys.remove(id) {
            return self.refuse(None, MessageId::NoSuchPasskey).await;
        }
        if settings::ways_in(self.visit.rules(), &self.credentials) < 2 {
            return self.refuse(None, MessageId::LastCredential).await;
        }
        self.flow.details.passkey = Some(self.ask_to_add(party, &passkeys)?);
        let change = passkeys.keep(&self.identity, &self.credentials, self.visit.now);
        self.save(vec![change], None).await
    }

    fn ask_to_add(&self, party: &RelyingParty, passkeys: &Passkeys) -> Result<AddChallenge, ApiError> {
        let (identity, credentials) = (&self.identity, &self.credentials);
        ask_to_add(self.visit, party, identity, credentials, passkeys)
    }

    /// Commits what was changed, under a new version of the identity, together with what follows: codes
    /// for new addresses, and the level that a new factor proves.
    async fn save(mut self, changes: Vec<Change>, proof: Option<Proof>) -> Result<Response, ApiError> {
        let visit = self.visit;
        let (app, rules) = (visit.app, visit.rules());
        let random = app.random.as_ref();
        let transport = self.flow.transport;
        self.identity.updated_at = visit.now;
        let (_, messages) = verification::begin_for(
            rules,
            random,
            visit.now,
            transport,
            visit.language(),
            &mut self.identity,
        )?;
        let signed_in = proof.map(|proof| {
            let (session, origin) = (&self.live.session, visit.origin());
            let lifespan = rules.session_lifespan;
            sign_in::renew(random, visit.now, lifespan, session, proof, &origin, self.live.kind)
        });
        let new_cookie = signed_in.as_ref().map(|_| sessera_accounts::csrf::new_cookie(random));
        let before = self.flow.clone();
        self.flow.clear_messages();
        self.flow.values.clear();
        self.flow.say(MessageId::SettingsSaved);
        self.flow.state = FlowState::Success;
        self.flow.transient_payload = before.transient_payload.clone();
        if let (Transport::Browser, Some(cookie)) = (transport, &new_cookie) {
            self.flow.browser = Some(sessera_model::TokenHash::of(cookie));
        }
        let mut all = vec![Change::UpdateIdentity(self.identity.clone())];
        all.extend(changes);
        all.extend(messages);
        all.extend(signed_in.as_ref().map(|signed_in| signed_in.change.clone()));
        all.push(self.flow.update()?);
        match app.commit(&all).await {
            Ok(()) => {}
            Err(StoreError::Conflict(Conflict::Identifier | Conflict::Address)) => {
                self.flow = before;
                return self.refuse(None, MessageId::Duplicate).await;
            }
            Err(error) => return Err(outrun(error)),
        }
        self.finish(signed_in.as_ref(), new_cookie.as_deref()).await
    }

    async fn finish(
        self,
        signed_in: Option<&SignedIn>,
        new_cookie: Option<&str>,
    ) -> Result<Response, ApiError> {
        let visit = self.visit;
        let mut response = if visit.wants_json(self.flow.transport) {
            let mut body = flow_json(visit, &self.flow, new_cookie).await?;
            if self.flow.transport == Transport::Browser {
                let target = self.flow.return_to.clone();
                let target = target.unwrap_or_else(|| visit.rules().page(FlowKind::Settings, self.flow.id));
                body["continue_with"] =
                    json!([{ "action": "redirect_browser_to", "redirect_browser_to": target }]);
            }
            json(StatusCode::OK, &body)
        } else {
            let page = visit.rules().page(FlowKind::Settings, self.flow.id);
            redirect(self.flow.return_to.as_deref().unwrap_or(&page))?
        };
        if let (Transport::Browser, Some(signed_in), Some(cookie)) =
            (self.flow.transport, signed_in, new_cookie)
        {
            visit.set_session_with(&mut response, signed_in, cookie)?;
        }
        Ok(response)
    }

    /// Says what is wrong, at a field or at the whole form, and shows it.
    async fn refuse(
        mut self,
        field: Option<&str>,
        message: impl Into<Message>,
    ) -> Result<Response, ApiError> {
        match field {
            Some(field) => self.flow.say_at(field, message),
            None => self.flow.say(message),
        }
        self.show(StatusCode::BAD_REQUEST).await
    }

    async fn show(mut self, status: StatusCode) -> Result<Response, ApiError> {
        self.visit.keep(&mut self.flow).await?;
        let body = flow_json(self.visit, &self.flow, None).await?;
        self.visit.shown(status, &self.flow, &body)
    }

    /// 403 when the sign-in is too old for a change of what opens the account.
    fn check_privileged(&self) -> Result<(), ApiError> {
        let rules = self.visit.rules();
        if self.live.session.authenticated_at + rules.privileged_age > self.visit.now {
            return Ok(());
        }
        let mut url = rules.url("self-service/login/browser?refresh=true&return_to=");
        let back = rules.url("self-service/settings/browser");
        url.extend(url::form_urlencoded::byte_serialize(back.as_bytes()));
        Err(ApiError::forbidden(
            "The sign-in is too old for this change. Sign in again with a login flow with refresh=true, then repeat the change.",
        )
        .with_id("session_refresh_required")
        .with_redirect(url))
    }
}

/// The session, which must have proven all factors that its owner has.
pub(crate) async fn session(visit: &Visit<'_>) -> Result<Arc<LiveSession>, ApiError> {
    let live = visit.session().await?;
    let live = live.ok_or_else(|| ApiError::unauthorized().with_id("session_inactive"))?;
    if live.session.assurance_level < AssuranceLevel::Aal2 {
        let credentials = visit.app.store.credentials(live.session.identity_id).await?;
        let rules = visit.rules();
        let has_second = (rules.totp_issuer.is_some() && Totp::among(&credentials).is_some())
            || (rules.lookup_secret && LookupSecrets::among(&credentials).is_some());
        if has_second {
            return Err(ApiError::forbidden(
                "Settings need the second factor. Ask for it with a login flow with aal=aal2.",
            )
            .with_id("session_aal2_required")
            .with_redirect(rules.url("self-service/login/browser?aal=aal2")));
        }
    }
    Ok(live)
}

/// Sends a browser on a page to where it can do what is missing; all others get the error.
pub(crate) async fn sign_in_first(visit: &Visit<'_>, error: ApiError) -> Response {
    use axum::response::IntoResponse as _;
    if visit.wants_json(Transport::Browser) {
        return error.into_response();
    }
    let target = match error.id() {
        Some("session_inactive") => Some(visit.rules().url("self-service/login/browser")),
        Some("session_aal2_required" | "session_refresh_required") => error.redirect().map(ToOwned::to_owned),
        _ => None,
    };
    let Some(target) = target else { return visit.error(error).await };
    let Ok(mut response) = redirect(&target) else { return error.into_response() };
    if visit.browser().is_none() {
        let cookie = sessera_accounts::csrf::new_cookie(visit.app.random.as_ref());
        if visit.set_browser(&mut response, &cookie).is_err() {
            return error.into_response();
        }
    }
    response
}

/// 403 for somebody else's flow.
pub(crate) fn check_owner(flow: &Flow<SettingsDetails>, live: &LiveSession) -> Result<(), ApiError> {
    if flow.details.identity_id == live.session.identity_id {
        return Ok(());
    }
    Err(ApiError::forbidden("The flow was begun by somebody else. Begin a new one.")
        .with_id("security_identity_mismatch"))
}

/// The person whose settings these are, as stored now.
async fn owner(
    visit: &Visit<'_>,
    flow: &Flow<SettingsDetails>,
) -> Result<(Identity, Vec<Credential>), ApiError> {
    let identity = visit.app.store.identity(flow.details.identity_id).await?;
    let identity = identity.ok_or_else(|| ApiError::unauthorized().with_id("session_inactive"))?;
    let credentials = visit.app.store.credentials(identity.id).await?;
    Ok((identity, credentials))
}

/// A new flow, with a challenge for a new passkey where one can be added.
pub(crate) async fn begin(
    visit: &Visit<'_>,
    beginning: sessera_accounts::flows::flow::Beginning,
    identity_id: Uuid,
) -> Result<Flow<SettingsDetails>, ApiError> {
    let mut flow = settings::begin(beginning, visit.app.random.as_ref(), identity_id);
    if let Some(party) = visit.rules().passkey.as_ref().filter(|_| flow.transport == Transport::Browser) {
        let (identity, credentials) = owner(visit, &flow).await?;
        let passkeys = Passkeys::among(&credentials);
        flow.details.passkey = Some(ask_to_add(visit, party, &identity, &credentials, &passkeys)?);
    }
    Ok(flow)
}

fn ask_to_add(
    visit: &Visit<'_>,
    party: &RelyingParty,
    identity: &Identity,
    credentials: &[Credential],
    passkeys: &Passkeys,
) -> Result<AddChallenge, ApiError> {
    let schema = visit.snapshot.accounts.schemas.get(&identity.schema_id);
    let owner = Owner { identity, credentials, schema: schema.map(AsRef::as_ref) };
    Ok(party.ask_to_add(identity.id, &settings::account_name(owner), passkeys)?)
}

/// Begins a flow in place of one that has ended.
async fn replace(visit: &Visit<'_>, old: &Flow<SettingsDetails>) -> Result<Response, ApiError> {
    let (mut beginning, new_cookie) =
        visit.begin(FlowKind::Settings, old.transport, old.return_to.as_deref())?;
    beginning.request_url.clone_from(&old.request_url);
    let mut flow = begin(visit, beginning, old.details.identity_id).await?;
    flow.say(Message::expired(MessageId::SettingsExpired, old.expires_at));
    visit.app.commit(&[flow.insert()?]).await?;
    let mut response = visit.replaced(old.expires_at, &flow)?;
    if let Some(cookie) = new_cookie {
        visit.set_browser(&mut response, &cookie)?;
    }
    Ok(response)
}

/// The form of a flow, and whose it is.
pub(crate) async fn form(
    visit: &Visit<'_>,
    flow: &Flow<SettingsDetails>,
    new_cookie: Option<&str>,
) -> Result<(Container, Identity), ApiError> {
    let (identity, credentials) = owner(visit, flow).await?;
    let schema = visit.snapshot.accounts.schemas.get(&identity.schema_id);
    let owner = Owner { identity: &identity, credentials: &credentials, schema: schema.map(AsRef::as_ref) };
    let form = settings::form(flow, visit.rules(), owner, visit.form_token(flow, new_cookie));
    Ok((form, identity))
}

/// The flow as JSON on the wire.
async fn flow_json(
    visit: &Visit<'_>,
    flow: &Flow<SettingsDetails>,
    new_cookie: Option<&str>,
) -> Result<Value, ApiError> {
    let (form, identity) = form(visit, flow, new_cookie).await?;
    let mut json: Map<String, Value> = flow.to_json(&form);
    json.insert("identity".into(), identity.to_json(IdentityView::public(&visit.snapshot.schemas_url)));
    json.insert("organization_id".into(), Value::Null);
    Ok(Value::Object(json))
}
