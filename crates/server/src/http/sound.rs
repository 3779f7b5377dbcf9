//! Requests that two readers could understand differently are refused before anything is made of them.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::error::ApiError;

/// Headers that say one thing. A proxy that reads the last of two and a server that reads the first are of two minds
/// about who asks, and for what.
const SINGLE: [HeaderName; 7] = [
    header::HOST,
    header::ORIGIN,
    header::CONTENT_TYPE,
    header::AUTHORIZATION,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("x-session-token"),
    HeaderName::from_static("x-session-cookie"),
];

/// Passes a request on, or says why it cannot be understood.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    match judge(request.headers(), request.uri().query().unwrap_or_default()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn judge(headers: &HeaderMap, query: &str) -> Result<(), ApiError> {
    let repeated = |name: &&HeaderName| headers.get_all(*name).iter().nth(1).is_some();
    // Most requests repeat no header at all, which the map knows by its numbers.
    if headers.len() != headers.keys_len()
        && let Some(name) = SINGLE.iter().find(repeated)
    {
        return Err(ApiError::bad_request(format!(
            "The header {name} is there more than once. Send it once."
        )));
    }
    if is_text(query) {
        Ok(())
    } else {
        Err(ApiError::bad_request(
            "The query is not UTF-8 text once it is decoded. Encode its names and values as UTF-8.",
        ))
    }
}

/// Whether a query is UTF-8 text when its percent-encoding is undone.
fn is_text(query: &str) -> bool {
    !query.contains('%') || percent_encoding::percent_decode_str(query).decode_utf8().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn judged(pairs: &[(&'static str, &'static str)], query: &str) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        judge(&headers, query).map_or_else(|error| error.code(), |()| 200)
    }

    #[test]
    fn a_header_that_says_one_thing_stands_there_once() {
        for name in SINGLE {
            let name: &'static str = name.as_str().to_owned().leak();
            assert_eq!(judged(&[(name, "a")], ""), 200, "{name}");
            assert_eq!(judged(&[(name, "a"), (name, "b")], ""), 400, "{name}");
            assert_eq!(judged(&[(name, "a"), ("cookie", "c=d"), (name, "a")], ""), 400, "{name}");
        }
        for list in ["cookie", "accept", "x-forwarded-for", "forwarded"] {
            assert_eq!(judged(&[(list, "a"), (list, "b")], ""), 200, "{list}");
        }
    }

    #[test]
    fn a_query_is_text() {
        for good in ["", "a=b", "a=%C3%A9&b", "a=é", "%", "a=%zz", "a=%00", "a+b"] {
            assert_eq!(judged(&[], good), 200, "{good}");
        }
        for bad in ["%ff", "a=%C3", "a=b&%e2%82=c", "a=%ED%A0%80"] {
            assert_eq!(judged(&[], bad), 400, "{bad}");
        }
    }
}
