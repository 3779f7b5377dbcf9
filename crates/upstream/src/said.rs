//! What an upstream says by the status of its answer.

use axum::http::{Response, StatusCode};
use sessera_issuer::upstream::RefusalKind;

/// What the status of an upstream's answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It was done, or here it is.
    Done,
    /// The request is refused.
    Refused(RefusalKind),
    /// There is no such thing.
    Missing,
    /// Something that nobody expects there, such as a redirection.
    Other,
}

impl Said {
    pub(crate) fn of<B>(response: &Response<B>) -> Self {
        match response.status() {
            StatusCode::OK | StatusCode::NO_CONTENT => Self::Done,
            StatusCode::BAD_REQUEST => Self::Refused(RefusalKind::Malformed),
            StatusCode::UNAUTHORIZED => Self::Refused(RefusalKind::NoSession),
            StatusCode::FORBIDDEN => Self::Refused(RefusalKind::Forbidden),
            StatusCode::TOO_MANY_REQUESTS => Self::Refused(RefusalKind::TooMany),
            StatusCode::NOT_FOUND => Self::Missing,
            _ => Self::Other,
        }
    }
}
