//! What an upstream said, passed on as it came.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use sessera_http::values::JSON;
use sessera_issuer::upstream::Refusal;

use super::Status;

/// A refusal as it came, with a status. Nothing when it came without words.
pub(super) fn answer(status: Status, refusal: &Refusal) -> Option<Response> {
    if refusal.body.is_empty() {
        return None;
    }
    let mut response = status.answer(Body::from(refusal.body.clone()));
    let headers = response.headers_mut();
    let content_type =
        refusal.content_type.clone().and_then(|text| HeaderValue::from_maybe_shared(text).ok());
    headers.insert(header::CONTENT_TYPE, content_type.unwrap_or(JSON));
    let encoding = refusal.content_encoding.clone();
    if let Some(encoding) = encoding.and_then(|text| HeaderValue::from_maybe_shared(text).ok()) {
        headers.insert(header::CONTENT_ENCODING, encoding);
    }
    set_cookies(headers, &refusal.cookies);
    Some(response)
}

/// Passes cookies on as they came.
pub fn set_cookies(headers: &mut HeaderMap, cookies: &[Bytes]) {
    for cookie in cookies {
        // They were values of headers before.
        if let Ok(value) = HeaderValue::from_maybe_shared(cookie.clone()) {
            headers.append(header::SET_COOKIE, value);
        }
    }
}
