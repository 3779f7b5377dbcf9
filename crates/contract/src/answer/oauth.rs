//! Errors of the OAuth endpoints, as RFC 6749 (section 5.2) has them.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::NO_STORE;
use super::Status;
use super::error::ApiError;

/// An error answer of an OAuth endpoint.
#[derive(Debug)]
pub struct OAuthError {
    retry_after: Option<Duration>,
    status: Status,
    error: &'static str,
    description: String,
}

impl OAuthError {
    /// One of the error codes of OAuth, and what to do about it.
    pub fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { retry_after: None, status: Status::MALFORMED, error, description: description.into() }
    }

    /// The request lacks something, or has something twice or of the wrong form.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }
}

impl OAuthError {
    /// A client has credentials that cannot be checked.
    pub fn invalid_client(description: impl Into<String>) -> Self {
        Self { status: Status::UNPROVEN, ..Self::new("invalid_client", description) }
    }
}

impl<E: Into<ApiError>> From<E> for OAuthError {
    /// What the rest of the API says with a status, said in words of RFC 6749.
    fn from(error: E) -> Self {
        let error: ApiError = error.into();
        let code = match error.status() {
            Status::UNAVAILABLE | Status::TOO_MANY => "temporarily_unavailable",
            status if status.is_fault() => "server_error",
            Status::NOT_ALLOWED => "invalid_grant",
            _ => "invalid_request",
        };
        let keeps_status = error.status().is_fault() || error.status() == Status::TOO_MANY;
        let status = if keeps_status { error.status() } else { Status::MALFORMED };
        Self { retry_after: error.retry_after(), status, error: code, description: error.reason().to_owned() }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = self.status.answer(([(header::CACHE_CONTROL, NO_STORE)], Json(body)));
        if self.status == Status::UNPROVEN {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        }
        if let Some(after) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}
