//! What the crate `http` refuses, as answers.

use axum::http::header::{self, InvalidHeaderValue};
use axum::response::{IntoResponse as _, Response};
use sessera_http::body::{BODY_TIMEOUT, Refusal};
use sessera_http::sound::Unsound;

use super::ApiError;

/// What is answered to a request whose body is refused.
pub fn refused_body(refusal: Refusal) -> Response {
    match refusal {
        Refusal::TooLarge { largest } => ApiError::too_large(format!(
            "This route takes a body of {} KiB at the most. Send less in one request.",
            largest / 1024
        ))
        .into_response(),
        Refusal::NoRoom => ApiError::unavailable(
            "The server holds as many bodies of requests as it has memory for, or as many of this client as it takes from one. Try again shortly.",
        )
        .into_response(),
        Refusal::TooSlow => {
            let reason = format!("Send the whole body within {} seconds.", BODY_TIMEOUT.as_secs());
            ([(header::CONNECTION, "close")], ApiError::request_timeout(reason)).into_response()
        }
        Refusal::Cut => {
            ApiError::bad_request("The body ended early. Send the request again.").into_response()
        }
    }
}

impl From<Unsound> for ApiError {
    fn from(unsound: Unsound) -> Self {
        match unsound {
            Unsound::Repeated(name) => {
                Self::bad_request(format!("The header {name} is there more than once. Send it once."))
            }
            Unsound::Encoded => Self::unsupported_media_type(
                "The header Content-Encoding says that the body is encoded, and no encoding is undone here. Send the body as it is, without the header.",
            ),
            Unsound::Query => Self::bad_request(
                "The query is not UTF-8 text once it is decoded. Encode its names and values as UTF-8.",
            ),
        }
    }
}

impl From<InvalidHeaderValue> for ApiError {
    fn from(error: InvalidHeaderValue) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Status;

    #[test]
    fn a_body_is_refused_with_the_status_that_says_why() {
        for (refusal, status) in [
            (Refusal::TooLarge { largest: 1024 }, Status::TOO_LARGE),
            (Refusal::NoRoom, Status::UNAVAILABLE),
            (Refusal::TooSlow, Status::TOO_SLOW),
            (Refusal::Cut, Status::MALFORMED),
        ] {
            let answer = refused_body(refusal);
            assert_eq!(Status::of(&answer), status, "{refusal:?}");
            assert_eq!(answer.headers().contains_key(header::CONNECTION), refusal == Refusal::TooSlow);
        }
    }
}
