//! Every status of HTTP that the ports answer. All other files take the names below, which say what became of a request; a
//! test of the crate `contract` checks that.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// What the status of an answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(StatusCode);

impl Status {
    /// 200: it was done, or here it is.
    pub const DONE: Self = Self(StatusCode::OK);
    /// 201: it was made.
    pub const MADE: Self = Self(StatusCode::CREATED);
    /// 204: it was done, and there is nothing to tell.
    pub const NOTHING_TO_TELL: Self = Self(StatusCode::NO_CONTENT);
    /// 302: the browser goes on elsewhere. The wire contract has it in one place; [`Self::GO_ON`] is for all others.
    pub const GO_ON_AS_BEFORE: Self = Self(StatusCode::FOUND);
    /// 303: the browser goes on elsewhere with GET, whatever the method was.
    pub const GO_ON: Self = Self(StatusCode::SEE_OTHER);
    /// 304: the caller has the newest version already.
    pub const NOT_CHANGED: Self = Self(StatusCode::NOT_MODIFIED);
    /// 400: the request is malformed or does not make sense.
    pub const MALFORMED: Self = Self(StatusCode::BAD_REQUEST);
    /// 401: the request lacks a proof that the caller may make it.
    pub const UNPROVEN: Self = Self(StatusCode::UNAUTHORIZED);
    /// 403: the caller may not do this.
    pub const NOT_ALLOWED: Self = Self(StatusCode::FORBIDDEN);
    /// 404: there is no such path, or nothing that has this id or name.
    pub const MISSING: Self = Self(StatusCode::NOT_FOUND);
    /// 405: the path has no such method.
    pub const NO_SUCH_METHOD: Self = Self(StatusCode::METHOD_NOT_ALLOWED);
    /// 408: the body did not arrive in time.
    pub const TOO_SLOW: Self = Self(StatusCode::REQUEST_TIMEOUT);
    /// 409: it exists already, or was changed in the meantime.
    pub const OUTRUN: Self = Self(StatusCode::CONFLICT);
    /// 410: what was asked for has ended.
    pub const ENDED: Self = Self(StatusCode::GONE);
    /// 412: what is stored is no longer as the caller has it.
    pub const CHANGED_MEANWHILE: Self = Self(StatusCode::PRECONDITION_FAILED);
    /// 413: the body is too large.
    pub const TOO_LARGE: Self = Self(StatusCode::PAYLOAD_TOO_LARGE);
    /// 414: the address is too long.
    pub const LONG_ADDRESS: Self = Self(StatusCode::URI_TOO_LONG);
    /// 415: the body is of a media type that the route does not take.
    pub const OTHER_MEDIA_TYPE: Self = Self(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    /// 422: a script must send the browser elsewhere.
    pub const BROWSER_GOES_ON: Self = Self(StatusCode::UNPROCESSABLE_ENTITY);
    /// 429: the caller must wait.
    pub const TOO_MANY: Self = Self(StatusCode::TOO_MANY_REQUESTS);
    /// 431: the head of the request is too large.
    pub const LARGE_HEAD: Self = Self(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    /// 500: a fault of the server.
    pub const FAULT: Self = Self(StatusCode::INTERNAL_SERVER_ERROR);
    /// 502: somebody else whom the server asked did not answer as they should.
    pub const NO_GOOD_ANSWER: Self = Self(StatusCode::BAD_GATEWAY);
    /// 503: something that the server needs is not available right now.
    pub const UNAVAILABLE: Self = Self(StatusCode::SERVICE_UNAVAILABLE);
    /// 504: somebody whom the server asks did not answer in time.
    pub const OTHERS_TOO_SLOW: Self = Self(StatusCode::GATEWAY_TIMEOUT);
    /// 505: what was asked for needs another version of HTTP.
    pub const OTHER_VERSION: Self = Self(StatusCode::HTTP_VERSION_NOT_SUPPORTED);

    /// The status with this number, if there is one.
    pub fn from_code(code: u16) -> Option<Self> {
        StatusCode::from_u16(code).ok().map(Self)
    }

    /// The status of an answer that is there already.
    pub fn of<B>(response: &axum::http::Response<B>) -> Self {
        Self(response.status())
    }

    /// Makes it the status of an answer that is there already.
    pub fn set<B>(self, response: &mut axum::http::Response<B>) {
        *response.status_mut() = self.0;
    }

    /// Its number.
    pub fn code(self) -> u16 {
        self.0.as_u16()
    }

    /// Its class, as the RFC writes it, such as `2xx`.
    pub fn class(self) -> &'static str {
        match self.code() / 100 {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        }
    }

    /// What RFC 9110 calls it.
    pub fn phrase(self) -> &'static str {
        self.0.canonical_reason().unwrap_or("Error")
    }

    /// Whether the server or something that it needs is at fault.
    pub fn is_fault(self) -> bool {
        self.0.is_server_error()
    }

    /// An answer with this status.
    pub fn answer(self, content: impl IntoResponse) -> Response {
        (self.0, content).into_response()
    }
}

/// [`Status::UNAVAILABLE`] as it goes over the wire, for a client whose connection is not taken.
pub const NO_SLOT: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    cache-control: no-store\r\nx-content-type-options: nosniff\r\ncontent-type: application/json\r\ncontent-length: 134\r\n\r\n\
    {\"error\":{\"code\":503,\"status\":\"Service Unavailable\",\"reason\":\"The server has as many connections as it can hold. Try again shortly.\"}}";
