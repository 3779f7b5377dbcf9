//! The forms that the OAuth endpoints take.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};

use crate::answer::OAuthError;

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
