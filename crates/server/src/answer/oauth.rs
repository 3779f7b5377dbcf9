//! Errors of the OAuth endpoints, as RFC 6749 (section 5.2) has them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{ApiError, NO_STORE};

/// An error answer of an OAuth endpoint.
#[derive(Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl OAuthError {
    /// 400 with one of the error codes of OAuth, and what to do about it.
    pub(crate) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    /// 400: the request lacks something, or has something twice or of the wrong form.
    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }
}

impl<E: Into<ApiError>> From<E> for OAuthError {
    /// What the rest of the API says with a status, said in words of RFC 6749.
    fn from(error: E) -> Self {
        let error: ApiError = error.into();
        let code = match error.status() {
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_server_error() => "server_error",
            StatusCode::FORBIDDEN => "invalid_grant",
            _ => "invalid_request",
        };
        let status = if error.status().is_server_error() { error.status() } else { StatusCode::BAD_REQUEST };
        Self { status, error: code, description: error.reason().to_owned() }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = (self.status, [(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
