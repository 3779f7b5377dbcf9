//! Every answer by its name: handlers say what became of a request, and here that becomes a status, headers and
//! a body. The statuses themselves stand in [`Status`].

mod convert;
mod error;
mod oauth;
mod passed_on;
mod refused;
pub mod unreadable;
mod upstream;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use sessera_accounts::flows::flow::Standing;
pub use sessera_http::values::NO_STORE;

pub use convert::show_verification;
pub use error::ApiError;
pub use oauth::OAuthError;
pub use passed_on::set_cookies;
pub use refused::refused_body;
pub use sessera_http::status::Status;

/// What was asked for, as JSON that nobody may keep.
pub fn ok(body: impl Serialize) -> Response {
    private(Status::DONE, body)
}

/// What was made, as JSON that nobody may keep.
pub fn created(body: impl Serialize) -> Response {
    private(Status::MADE, body)
}

/// It was done, and there is nothing to tell. The specification of the route wants [`Status::DONE`] for it.
pub fn done() -> Response {
    Status::DONE.answer([(header::CACHE_CONTROL, NO_STORE)])
}

/// It was done, and there is nothing to tell.
pub fn no_content() -> Response {
    Status::NOTHING_TO_TELL.answer(())
}

/// 204 with the media type that the wire contract has there.
pub fn no_content_json() -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], no_content()).into_response()
}

/// The browser goes on at `url`. A fault when `url` cannot stand in a header.
pub fn see_other(url: &str) -> Result<Response, ApiError> {
    redirect(Status::GO_ON, url)
}

/// The browser goes on at `url`; see [`Status::GO_ON_AS_BEFORE`].
pub fn found(url: &str) -> Result<Response, ApiError> {
    redirect(Status::GO_ON_AS_BEFORE, url)
}

/// The caller has the newest version already.
pub fn not_modified() -> Response {
    Status::NOT_CHANGED.answer(())
}

/// There is nothing here, which readers are told without a body that are no clients of the API.
pub fn nothing_here() -> Response {
    Status::MISSING.answer(())
}

/// The server is not ready; `reason` says by the name of a part what it lacks.
pub fn not_ready(part: &str, reason: &str) -> Response {
    Status::UNAVAILABLE.answer(Json(serde_json::json!({ "errors": { part: reason } })))
}

/// As many requests are in flight as there may be.
pub fn busy() -> Response {
    ApiError::unavailable(
        "The server answers as many requests as it can at the same time. Try again shortly.",
    )
    .into_response()
}

/// A fault, told without a body where not even an error can be made.
pub fn fault() -> Response {
    Status::FAULT.answer(())
}

/// The form of a flow after a submission, as JSON that nobody may keep.
pub fn form(standing: Standing, body: impl Serialize) -> Response {
    let status = match standing {
        Standing::Accepted => Status::DONE,
        Standing::Refused => Status::MALFORMED,
        Standing::Disabled => Status::UNPROVEN,
    };
    private(status, body)
}

fn private(status: Status, body: impl Serialize) -> Response {
    status.answer(([(header::CACHE_CONTROL, NO_STORE)], Json(body)))
}

fn redirect(status: Status, url: &str) -> Result<Response, ApiError> {
    let location = HeaderValue::from_str(url).map_err(ApiError::internal)?;
    Ok(status.answer([(header::LOCATION, location), (header::CACHE_CONTROL, NO_STORE)]))
}

#[cfg(test)]
mod tests;
