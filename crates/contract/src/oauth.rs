//! The forms that the OAuth endpoints take.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use sessera_http::media_type::is_form;

use crate::answer::OAuthError;

/// A form. A parameter without a value counts as absent, and one that comes twice is refused (RFC 6749, section 3.2),
/// but for those that may be repeated.
pub struct Form(Vec<(String, String)>);

/// The parameters that may come several times (RFC 8693, section 2.1).
const REPEATABLE: [&str; 2] = ["audience", "resource"];

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = OAuthError;

    async fn from_request(request: Request, state: &S) -> Result<Self, OAuthError> {
        if !is_form(request.headers()) {
            return Err(OAuthError::invalid_request(
                "Send the parameters in the body, as application/x-www-form-urlencoded.",
            ));
        }
        // What stands there would be read by some and not by others, and kept in logs.
        if request.uri().query().is_some_and(|query| !query.is_empty()) {
            return Err(OAuthError::invalid_request("Send the parameters in the body, not in the address."));
        }
        // The body was read whole before; see `sessera_http::body`.
        let body = Bytes::from_request(request, state).await.map_err(crate::answer::ApiError::internal)?;
        Self::parse(&body)
    }
}

/// How many parameters a form may have.
const MAX_PARAMETERS: usize = 100;

impl Form {
    /// Reads the parameters of a body.
    pub fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        let mut form: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(body).into_owned() {
            if form.len() == MAX_PARAMETERS {
                return Err(OAuthError::invalid_request(format!(
                    "There are too many parameters: {MAX_PARAMETERS} at the most."
                )));
            }
            let may_repeat = REPEATABLE.contains(&name.as_str());
            if !may_repeat && form.iter().any(|(known, _)| *known == name) {
                let shown: String = name.chars().take(64).collect();
                return Err(OAuthError::invalid_request(format!(
                    "The parameter \"{shown}\" is there twice. Send it once."
                )));
            }
            form.push((name, value));
        }
        form.retain(|(_, value)| !value.is_empty());
        Ok(Self(form))
    }

    /// The values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that comes once.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub fn required(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name)
            .ok_or_else(|| OAuthError::invalid_request(format!("The parameter \"{name}\" is missing.")))
    }
}
