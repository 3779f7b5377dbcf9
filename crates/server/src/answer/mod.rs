//! Every answer by its name. This folder is the only place that knows HTTP statuses: handlers say what
//! became of a request, and here that becomes a status, headers and a body.

mod convert;
pub mod error;
mod oauth;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sessera_accounts::flows::flow::Standing;

pub(crate) use error::{ApiError, NO_STORE};
pub(crate) use oauth::OAuthError;

/// 200: JSON that nobody may keep.
pub(crate) fn ok(body: impl Serialize) -> Response {
    private(StatusCode::OK, body)
}

/// 201: what was made, as JSON that nobody may keep.
pub(crate) fn created(body: impl Serialize) -> Response {
    private(StatusCode::CREATED, body)
}

/// 200: done, and there is nothing to tell.
pub(crate) fn done() -> Response {
    (StatusCode::OK, [(header::CACHE_CONTROL, NO_STORE)]).into_response()
}

/// 204: done, and there is nothing to tell.
pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// 303: the browser goes on at `url` with GET, whatever the method was. 500 when `url` cannot stand in a header.
pub(crate) fn see_other(url: &str) -> Result<Response, ApiError> {
    redirect(StatusCode::SEE_OTHER, url)
}

/// 302: the browser goes on at `url`. The wire contract has it in one place; [`see_other`] is for all others.
pub(crate) fn found(url: &str) -> Result<Response, ApiError> {
    redirect(StatusCode::FOUND, url)
}

/// 304: the caller has the newest version already.
pub(crate) fn not_modified() -> Response {
    StatusCode::NOT_MODIFIED.into_response()
}

/// 404 without a body, for readers that are no clients of the API.
pub(crate) fn nothing_here() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

/// 503: the server is not ready; `reason` says by the name of a part what it lacks.
pub(crate) fn not_ready(part: &str, reason: &str) -> Response {
    let body = serde_json::json!({ "errors": { part: reason } });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

/// 500 without a body, where not even an error can be made.
pub(crate) fn fault() -> Response {
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// 503 as it goes over the wire, for a client whose connection is not taken.
pub(crate) const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    cache-control: no-store\r\ncontent-type: application/json\r\ncontent-length: 134\r\n\r\n\
    {\"error\":{\"code\":503,\"status\":\"Service Unavailable\",\"reason\":\"The server has as many connections as it can hold. Try again shortly.\"}}";

/// Whether a status says that the server or something that it needs is at fault.
pub(crate) const fn is_fault(code: u16) -> bool {
    code >= 500
}

/// Makes an answer that says 200 and has no body one that says 204.
pub(crate) fn without_body(mut response: Response) -> Response {
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    response
}

/// The form of a flow after a submission, as JSON that nobody may keep.
pub(crate) fn form(standing: Standing, body: impl Serialize) -> Response {
    let status = match standing {
        Standing::Accepted => StatusCode::OK,
        Standing::Refused => StatusCode::BAD_REQUEST,
        Standing::Disabled => StatusCode::UNAUTHORIZED,
    };
    private(status, body)
}

/// The status of a page for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageStatus(StatusCode);

impl PageStatus {
    /// 200: the page is what was asked for.
    pub(crate) const SHOWN: Self = Self(StatusCode::OK);

    /// The status of the error that the page tells of.
    pub(crate) fn of(error: &ApiError) -> Self {
        Self(error.status())
    }

    /// A page with this status.
    pub(crate) fn answer(self, page: impl IntoResponse) -> Response {
        (self.0, page).into_response()
    }
}

fn private(status: StatusCode, body: impl Serialize) -> Response {
    (status, [(header::CACHE_CONTROL, NO_STORE)], Json(body)).into_response()
}

fn redirect(status: StatusCode, url: &str) -> Result<Response, ApiError> {
    let location = HeaderValue::from_str(url).map_err(ApiError::internal)?;
    Ok((status, [(header::LOCATION, location), (header::CACHE_CONTROL, NO_STORE)]).into_response())
}

#[cfg(test)]
mod tests;
