//! What the OAuth endpoints share: forms, and errors as RFC 6749 (section 5.2) has them.

use axum::Json;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::error::{ApiError, NO_STORE};

/// An error answer of an OAuth endpoint.
#[derive(Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl OAuthError {
    pub(crate) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into() }
    }

    /// The request lacks something, or has something twice or of the wrong form.
    pub(crate) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }
}

impl From<ApiError> for OAuthError {
    /// What the rest of the API says with a status, said in words of RFC 6749.
    fn from(error: ApiError) -> Self {
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
        let mut response =
            answer(self.status, &json!({ "error": self.error, "error_description": self.description }));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// An answer that nobody keeps.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response()
}

/// A form. A parameter that comes twice is refused (RFC 6749, section 3.2).
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form from a request.
    pub(crate) fn parse(headers: &HeaderMap, body: &Bytes) -> Result<Self, OAuthError> {
        let declared =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = declared.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OAuthError::invalid_request(
                "Send the parameters in the body, as application/x-www-form-urlencoded.",
            ));
        }
        let mut form: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(body).into_owned() {
            if form.iter().any(|(known, _)| *known == name) {
                let shown: String = name.chars().take(64).collect();
                return Err(OAuthError::invalid_request(format!(
                    "The parameter \"{shown}\" is there twice. Send it once."
                )));
            }
            form.push((name, value));
        }
        Ok(Self(form))
    }

    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name)
            .ok_or_else(|| OAuthError::invalid_request(format!("The parameter \"{name}\" is missing.")))
    }
}
