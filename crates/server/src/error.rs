//! Errors as the API answers them. The only place that knows HTTP statuses of failures.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use sessera_accounts::flows::error::FlowError;
use sessera_accounts::flows::flow::Transport;
use sessera_accounts::identities::IdentityError;
use sessera_accounts::password::PasswordError;
use sessera_issuer::IssuerError;
use sessera_issuer::managed_keys::Refusal;
use sessera_issuer::templates::Broken;
use sessera_store::{Conflict, FlowKind, StoreError};

/// An error answer: `{"error":{"code","status","id"?,"reason","message"}}`.
///
/// `message` says what happened, `reason` what to do about it. Neither ever holds a secret.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    id: Option<&'static str>,
    message: Cow<'static, str>,
    reason: Cow<'static, str>,
    redirect_browser_to: Option<String>,
    details: Option<Value>,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// An error with any status.
    pub fn new(
        status: StatusCode,
        message: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            id: None,
            message: message.into(),
            reason: reason.into(),
            redirect_browser_to: None,
            details: None,
            retry_after: None,
        }))
    }

    /// 400: the request is malformed or does not make sense.
    pub fn bad_request(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "The request was malformed or contained invalid parameters.",
            reason,
        )
    }

    /// 401: there is no valid session.
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "The request could not be authorized.",
            "No valid session was found in the request. Sign in and send the session cookie or the header X-Session-Token.",
        )
    }

    /// 403: the caller may not do this.
    pub fn forbidden(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "The requested action was forbidden.", reason)
    }

    /// 404: there is no such record.
    pub fn not_found(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "The requested resource could not be found.", reason)
    }

    /// 409: the record exists already or was changed in the meantime.
    pub fn conflict(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, "The request conflicts with the current state.", reason)
    }

    /// 410: the flow has ended.
    pub fn gone(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::GONE, "The resource is no longer available.", reason)
    }

    /// 429: the caller must wait.
    pub fn too_many_requests(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "There were too many attempts.",
            format!("Try again in {} s.", seconds.max(1)),
        )
        .with_retry_after(Duration::from_secs(seconds))
    }

    /// 500: a fault of the server. What happened goes to the log, not to the caller.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!(error = %what, "internal error");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "An internal server error occurred.",
            "The server could not complete the request. Its log says why.",
        )
    }

    /// 503: something that the server needs is not available right now.
    pub fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        let mut error =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "The service is temporarily unavailable.", reason);
        error.0.retry_after = Some(Duration::from_secs(1));
        error
    }

    /// The same with a machine-readable id, such as `session_already_available`.
    #[must_use]
    pub fn with_id(mut self, id: &'static str) -> Self {
        self.0.id = Some(id);
        self
    }

    /// The same with the address that a browser should be sent to.
    #[must_use]
    pub fn with_redirect(mut self, url: impl Into<String>) -> Self {
        self.0.redirect_browser_to = Some(url.into());
        self
    }

    /// The same with an object of details.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// The same with the time after which to try again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What to do about it.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// The machine-readable id, if there is one.
    pub fn id(&self) -> Option<&'static str> {
        self.0.id
    }

    /// The address that a browser should be sent to, if there is one.
    pub fn redirect(&self) -> Option<&str> {
        self.0.redirect_browser_to.as_deref()
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Value {
        let mut error = Map::new();
        if let Some(id) = self.0.id {
            error.insert("id".into(), id.into());
        }
        error.insert("code".into(), self.0.status.as_u16().into());
        error.insert("status".into(), self.0.status.canonical_reason().unwrap_or("Error").into());
        error.insert("reason".into(), self.0.reason.as_ref().into());
        error.insert("message".into(), self.0.message.as_ref().into());
        if let Some(details) = &self.0.details {
            error.insert("details".into(), details.clone());
        }
        let mut body = json!({ "error": error });
        if let Some(url) = &self.0.redirect_browser_to {
            body["redirect_browser_to"] = url.as_str().into();
        }
        body
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.0.status, Json(self.to_json())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        if let Some(after) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

/// `Cache-Control` of every answer that holds a session, a token or an error: never to be kept.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("private, no-cache, no-store, must-revalidate");

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(Conflict::Missing) => {
                Self::not_found("The record does not exist. It may have been deleted.")
            }
            StoreError::Conflict(Conflict::Changed) => Self::conflict(
                "The record was changed by another request in the meantime. Read it again and repeat the change.",
            ),
            StoreError::Conflict(Conflict::Unstorable) => {
                Self::bad_request("A text holds a NUL character (\\u0000). Send it without.")
            }
            StoreError::Conflict(taken) => Self::conflict(format!(
                "This identity conflicts with another one that already exists: {taken}. Use another value or change the other identity first."
            )),
            StoreError::Unavailable(what) => {
                tracing::warn!(error = %what, "the database is not available");
                Self::unavailable("The database does not answer right now. Try again shortly.")
            }
            StoreError::NotWritable(what) => {
                tracing::error!(error = %what, "the database cannot be written");
                Self::unavailable(
                    "The database cannot be written right now. Nothing was changed; try again later.",
                )
            }
            other => Self::internal(other),
        }
    }
}

impl From<PasswordError> for ApiError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => {
                Self::unavailable("Too many passwords are being checked right now. Try again in a moment.")
            }
            PasswordError::Internal(what) => Self::internal(what),
            other => {
                let mut reason = other.to_string();
                if let Some(first) = reason.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                Self::bad_request(reason + ".")
            }
        }
    }
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        Self::bad_request(error.to_string())
    }
}

/// What to do where flows of a kind are off.
const fn off(kind: FlowKind) -> &'static str {
    match kind {
        FlowKind::Registration => {
            "Registration is off. Ask the administrator for an account, or switch it on with selfservice.flows.registration.enabled."
        }
        FlowKind::Recovery => {
            "Recovery is off. Ask the administrator for help, or switch it on with selfservice.flows.recovery.enabled and configure courier.smtp.connection_uri."
        }
        FlowKind::Verification => {
            "Verification is off. Switch it on with selfservice.flows.verification.enabled and configure courier.smtp.connection_uri."
        }
        _ => "Flows of this kind are off.",
    }
}

impl From<FlowError> for ApiError {
    fn from(error: FlowError) -> Self {
        match error {
            FlowError::Off(kind) => Self::bad_request(off(kind)).with_id("self_service_flow_disabled"),
            FlowError::MissingId => {
                Self::bad_request("The id of the flow is missing. Begin a flow and send its id along.")
            }
            FlowError::Unknown => Self::not_found(
                "There is no such flow. It was completed, has ended long ago or never existed; begin a new one.",
            ),
            FlowError::Ended { transport, again, return_to } => {
                let word = match transport {
                    Transport::Api => "api",
                    Transport::Browser => "redirect_to",
                };
                Self::gone("The flow has ended, because it was not completed in time. Begin a new one.")
                    .with_id("self_service_flow_expired")
                    .with_details(json!({ word: again, "return_to": return_to.unwrap_or_default() }))
            }
            FlowError::SchemaGone => Self::gone(
                "The identity schema of this flow is not configured any more. Begin a new flow.",
            ),
            FlowError::AnotherBrowser => Self::forbidden(
                "The form does not belong to this browser, or cookies are blocked. Begin the flow again and allow cookies.",
            )
            .with_id("security_csrf_violation"),
            FlowError::AnotherPerson => {
                Self::forbidden("The flow was begun by somebody else. Begin a new one.")
                    .with_id("security_identity_mismatch")
            }
            FlowError::ReturnNotAllowed => Self::bad_request(
                "The address in return_to is not allowed. Add it to selfservice.allowed_return_urls or leave it out.",
            ),
            FlowError::SignedInAlready(_) => Self::bad_request(
                "A session is there already. Sign out first, or ask for refresh=true to sign in again.",
            )
            .with_id("session_already_available"),
            FlowError::NotSignedIn => Self::unauthorized().with_id("session_inactive"),
            FlowError::OwnerGone => Self::unauthorized(),
            FlowError::FirstFactorMissing => Self::new(
                StatusCode::UNAUTHORIZED,
                "A second factor can only be given with a session.",
                "Sign in with the first factor, then ask for aal2 with that session.",
            )
            .with_id("session_aal1_required"),
            FlowError::SecondFactorMissing { sign_in } => Self::forbidden(
                "Settings need the second factor. Ask for it with a login flow with aal=aal2.",
            )
            .with_id("session_aal2_required")
            .with_redirect(sign_in),
            FlowError::SignInTooOld { sign_in } => Self::forbidden(
                "The sign-in is too old for this change. Sign in again with a login flow with refresh=true, then repeat the change.",
            )
            .with_id("session_refresh_required")
            .with_redirect(sign_in),
            FlowError::TooMany(wait) => Self::too_many_requests(wait),
            FlowError::Outrun => Self::conflict(
                "Another request has used this flow or code just now. Read the flow again, or begin a new one.",
            ),
            FlowError::CompletedElsewhere => Self::conflict(
                "Another request has completed this flow just now. Sign in, or begin a new flow.",
            ),
            FlowError::Store(error) => error.into(),
            FlowError::Password(error) => error.into(),
            FlowError::Identity(error) => error.into(),
            FlowError::Internal(what) => Self::internal(what),
        }
    }
}

impl From<IssuerError> for ApiError {
    fn from(error: IssuerError) -> Self {
        match error {
            IssuerError::NoSession => Self::unauthorized(),
            IssuerError::SecondFactorNeeded => Self::forbidden(
                "The session has proven one factor, but its owner has set up a second one. Ask for it with a login flow with aal=aal2.",
            )
            .with_id("session_aal2_required"),
            IssuerError::NoSuchTemplate(name) => {
                let shown: String = name.chars().take(128).collect();
                Self::bad_request(format!(
                    "There is no tokenizer template \"{shown}\". Add it under /session/whoami/tokenizer/templates or check tokenize_as."
                ))
            }
            IssuerError::BrokenTemplate { template, broken } => broken_template(&template, &broken),
            IssuerError::Refused { template, reason } => Self::new(
                StatusCode::BAD_REQUEST,
                "The session could not be made a token.",
                format!(
                    "The template \"{template}\" cannot be used for this session: {reason}. The log of the server has the details."
                ),
            ),
            IssuerError::KeyUnavailable => {
                Self::unavailable("The key of the template does not sign right now. Try again shortly.")
            }
            IssuerError::NoLease(refusal) => refusal.into(),
            IssuerError::Store(error) => error.into(),
            IssuerError::Internal(what) => Self::internal(what),
        }
    }
}

fn broken_template(name: &str, broken: &Broken) -> ApiError {
    let (status, what) = match broken {
        Broken::Template(_) => (StatusCode::BAD_REQUEST, "its configuration is malformed".to_owned()),
        Broken::Load(error) if error.is_unreadable() => (StatusCode::INTERNAL_SERVER_ERROR, error.public()),
        Broken::Load(error) => (StatusCode::BAD_REQUEST, error.public()),
    };
    ApiError::new(
        status,
        "The tokenizer template cannot be used.",
        format!("The template \"{name}\" cannot be used: {what}. The log of the server has the details."),
    )
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self::unavailable(match refusal {
            Refusal::Unconfirmed => {
                "This node could not confirm which keys are good, so it does not sign. Try again, or ask another node."
            }
            Refusal::Clock => {
                "The clock of this node differs too much from the database's, so it does not sign. Try again, or ask another node."
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_of_passwords_is_not_the_caller_s_fault() {
        assert_eq!(ApiError::from(PasswordError::Busy).status(), 503);
        let error = ApiError::from(PasswordError::TooLong { max: 72, actual: 80 });
        assert_eq!(error.status(), 400);
        assert_eq!(error.reason(), "The password is 80 bytes long; the longest that can be stored has 72.");
    }

    #[test]
    fn the_envelope_has_the_contract_s_members() {
        let body = ApiError::unauthorized().with_id("session_inactive").to_json();
        assert_eq!(body["error"]["code"], 401);
        assert_eq!(body["error"]["status"], "Unauthorized");
        assert_eq!(body["error"]["id"], "session_inactive");
        assert!(body["error"]["reason"].is_string() && body["error"]["message"].is_string());
    }

    #[test]
    fn errors_are_never_cached_and_say_when_to_come_back() {
        let response = ApiError::from(StoreError::Unavailable("gone".into())).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CACHE_CONTROL], NO_STORE);
    }

    #[test]
    fn internal_errors_do_not_tell_the_caller_what_happened() {
        let body = ApiError::from(StoreError::Corrupt("row 5 of table x".into())).to_json();
        assert_eq!(body["error"]["code"], 500);
        assert!(!body.to_string().contains("row 5"));
    }
}
