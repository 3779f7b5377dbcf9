//! Errors as the API answers them.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use sessera_http::values::NO_STORE;
use sessera_issuer::upstream::Refusal;

use super::Status;
use super::passed_on;

/// An error answer: `{"error":{"code","status","id"?,"reason","message"}}`.
///
/// `message` says what happened, `reason` what to do about it. Neither ever holds a secret.
#[derive(Debug, Clone)]
pub struct ApiError(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    status: Status,
    id: Option<&'static str>,
    message: Cow<'static, str>,
    reason: Cow<'static, str>,
    redirect_browser_to: Option<String>,
    details: Option<Value>,
    retry_after: Option<Duration>,
    /// What an upstream said, which is passed on in place of everything else but the status.
    passed_on: Option<Arc<Refusal>>,
}

impl ApiError {
    fn new(
        status: Status,
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
            passed_on: None,
        }))
    }

    /// The request is malformed or does not make sense.
    pub fn bad_request(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::MALFORMED, "The request was malformed or contained invalid parameters.", reason)
    }

    /// There is no valid session.
    pub fn unauthorized() -> Self {
        Self::unproven(
            "No valid session was found in the request. Sign in and send the session cookie or the header X-Session-Token.",
        )
    }

    /// The request lacks a proof that the caller may make it.
    pub fn unproven(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::UNPROVEN, "The request could not be authorized.", reason)
    }

    /// The caller may not do this.
    pub fn forbidden(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::NOT_ALLOWED, "The requested action was forbidden.", reason)
    }

    /// There is nothing that has this id or name.
    pub fn not_found(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::MISSING, "The requested resource could not be found.", reason)
    }

    /// The path exists and has no such method.
    pub fn method_not_allowed() -> Self {
        Self::new(
            Status::NO_SUCH_METHOD,
            "The path does not have this method.",
            "Use one of the methods that the header Allow names. See /openapi.json for what they do.",
        )
    }

    /// The body did not arrive in time.
    pub fn request_timeout(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::TOO_SLOW, "The body took too long to arrive.", reason)
    }

    /// It exists already, or was changed in the meantime.
    pub fn conflict(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::OUTRUN, "The request conflicts with the current state.", reason)
    }

    /// The flow has ended.
    pub fn gone(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::ENDED, "The resource is no longer available.", reason)
    }

    /// What is stored is no longer as the caller has it.
    pub fn precondition_failed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::CHANGED_MEANWHILE, "The record was changed in the meantime.", reason)
    }

    /// The body is too large.
    pub fn too_large(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::TOO_LARGE, "The body is too large.", reason)
    }

    /// The address is too long.
    pub(super) fn long_address() -> Self {
        Self::new(
            Status::LONG_ADDRESS,
            "The address is too long.",
            "Send what is long in a body; an address has 64 KiB at the most.",
        )
    }

    /// The head of the request is too large.
    pub(super) fn large_head() -> Self {
        Self::new(
            Status::LARGE_HEAD,
            "The head of the request is too large.",
            "Send fewer or shorter headers and cookies; there are 100 at the most, and all of them together have 64 KiB.",
        )
    }

    /// The body is of a media type that the route does not take.
    pub fn unsupported_media_type(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::OTHER_MEDIA_TYPE, "The body is of a media type that is not accepted.", reason)
    }

    /// A script must send the browser to `url`.
    pub fn location_change(url: impl Into<String>) -> Self {
        Self::new(
            Status::BROWSER_GOES_ON,
            "The browser has to go elsewhere.",
            "To go on, open the address in redirect_browser_to in the browser.",
        )
        .with_id("browser_location_change_required")
        .with_redirect(url)
    }

    /// The caller must wait.
    pub fn too_many_requests(wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self::new(
            Status::TOO_MANY,
            "There were too many attempts.",
            format!("Try again in {} s.", seconds.max(1)),
        )
        .with_retry_after(Duration::from_secs(seconds))
    }

    /// A fault of the server. What happened goes to the log, not to the caller.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        tracing::error!(error = %what, "internal error");
        Self::server_error("The server could not complete the request. Its log says why.")
    }

    /// A fault of the server that its operator can mend, of which the caller may hear.
    pub fn server_error(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::FAULT, "An internal server error occurred.", reason)
    }

    /// Somebody else whom the server asked did not answer as they should.
    pub fn bad_gateway(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::NO_GOOD_ANSWER, "Another server did not answer as it should.", reason)
    }

    /// Somebody whom the server asks did not answer in time.
    pub fn others_too_slow(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::OTHERS_TOO_SLOW, "Another service did not answer in time.", reason)
    }

    /// Something that the server needs is not available right now.
    pub fn unavailable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Status::UNAVAILABLE, "The service is temporarily unavailable.", reason)
            .with_retry_after(Duration::from_secs(1))
    }

    /// An error that was kept to be shown later: its status is `code`, or 500 when there is no such status.
    pub fn kept(code: Option<u16>, reason: String) -> Self {
        let status = code.and_then(Status::from_code);
        Self::new(status.unwrap_or(Status::FAULT), "", reason)
    }

    /// Says what happened in other words than the status does.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Adds a machine-readable id, such as `session_already_available`.
    #[must_use]
    pub fn with_id(mut self, id: &'static str) -> Self {
        self.0.id = Some(id);
        self
    }

    /// Adds the address that a browser should be sent to.
    #[must_use]
    pub fn with_redirect(mut self, url: impl Into<String>) -> Self {
        self.0.redirect_browser_to = Some(url.into());
        self
    }

    /// Adds the address at which the caller can prove what is missing. It stands in the details too, where
    /// Kratos' clients look for it.
    #[must_use]
    pub fn with_proof_at(self, url: impl Into<String>) -> Self {
        let url = url.into();
        self.with_details(json!({ "redirect_browser_to": url })).with_redirect(url)
    }

    /// Adds an object of details.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// Adds the time after which to try again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Says it in an upstream's words.
    #[must_use]
    pub(super) fn passed_on(mut self, refusal: Arc<Refusal>) -> Self {
        self.0.passed_on = Some(refusal);
        self
    }

    /// When to try again, if that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The status of the answer.
    pub fn status(&self) -> Status {
        self.0.status
    }

    /// The status of the answer as a number, to be counted or shown.
    pub fn code(&self) -> u16 {
        self.0.status.code()
    }

    /// Whether there is nothing that has this id or name.
    pub fn is_not_found(&self) -> bool {
        self.0.status == Status::MISSING
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
        error.insert("code".into(), self.0.status.code().into());
        error.insert("status".into(), self.0.status.phrase().into());
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

impl ApiError {
    /// The answer with a body that says more than [`ApiError::to_json`].
    pub fn answer_with(&self, body: Value) -> Response {
        let passed_on =
            self.0.passed_on.as_deref().and_then(|refusal| passed_on::answer(self.0.status, refusal));
        let mut response = passed_on.unwrap_or_else(|| self.0.status.answer(Json(body)));
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        if let Some(after) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.answer_with(self.to_json())
    }
}

#[cfg(test)]
mod tests {
    use sessera_accounts::password::PasswordError;
    use sessera_store::StoreError;

    use super::*;

    #[test]
    fn a_full_queue_of_passwords_is_not_the_caller_s_fault() {
        assert_eq!(ApiError::from(PasswordError::Busy).code(), 503);
        let error = ApiError::from(PasswordError::TooLong { max: 72, actual: 80 });
        assert_eq!(error.code(), 400);
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
        assert_eq!(Status::of(&response), Status::UNAVAILABLE);
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
